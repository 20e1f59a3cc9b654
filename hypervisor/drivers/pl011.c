// SPDX-License-Identifier: Apache-2.0
/* Console on a PL011, or an SBSA UART, which is the same without its settings. Source: Arm PL011 TRM, DDI 0183G, chapter 3. */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define UARTDR   0x00u
#define UARTFR   0x18u
#define UARTIMSC 0x38u
#define UARTICR  0x44u

#define FR_RXFE 0x10u
#define FR_TXFF 0x20u
#define INT_RX  0x50u /* received, and receive timeout */

void uart_put(char c)
{
    while ((mmio_read32(config.console.base + UARTFR) & FR_TXFF) != 0)
        ;
    mmio_write32(config.console.base + UARTDR, (uint8_t)c);
}

int uart_get(void)
{
    if ((mmio_read32(config.console.base + UARTFR) & FR_RXFE) != 0) {
        /* A byte that comes before this write takes its interrupt with it, so look once more. */
        mmio_write32(config.console.base + UARTICR, INT_RX);
        if ((mmio_read32(config.console.base + UARTFR) & FR_RXFE) != 0)
            return -1;
    }
    return (int)(mmio_read32(config.console.base + UARTDR) & 0xff);
}

void uart_enable_input(void)
{
    mmio_write32(config.console.base + UARTIMSC, INT_RX);
}
