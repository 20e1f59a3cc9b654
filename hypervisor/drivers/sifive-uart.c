// SPDX-License-Identifier: Apache-2.0
/* Console on a SiFive UART. Source: SiFive FU540-C000 manual, chapter UART. */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define TXDATA 0x00u
#define RXDATA 0x04u /* reading takes the byte */
#define TXCTRL 0x08u
#define RXCTRL 0x0cu
#define IE     0x10u

#define DATA_NONE  0x80000000u /* txdata: no room; rxdata: nothing there */
#define CTRL_ON    0x1u
#define RXCTRL_CNT 0x70000u /* interrupt when more than this many wait */
#define IE_RXWM    0x2u

void uart_put(char c)
{
    uint32_t control = mmio_read32(config.console.base + TXCTRL);

    if ((control & CTRL_ON) == 0)
        mmio_write32(config.console.base + TXCTRL, control | CTRL_ON);
    while ((mmio_read32(config.console.base + TXDATA) & DATA_NONE) != 0)
        ;
    mmio_write32(config.console.base + TXDATA, (uint8_t)c);
}

int uart_get(void)
{
    uint32_t data = mmio_read32(config.console.base + RXDATA);

    return (data & DATA_NONE) != 0 ? -1 : (int)(data & 0xff);
}

void uart_enable_input(void)
{
    uint32_t control = mmio_read32(config.console.base + RXCTRL);

    mmio_write32(config.console.base + RXCTRL, (control & ~RXCTRL_CNT) | CTRL_ON);
    mmio_write32(config.console.base + IE, IE_RXWM);
}
