// SPDX-License-Identifier: Apache-2.0
/* Console on a UART of Amlogic Meson. Source: Amlogic S905X3 data sheet, section UART. */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define WFIFO   0x00u
#define RFIFO   0x04u
#define CONTROL 0x08u
#define STATUS  0x0cu
#define MISC    0x10u

#define CONTROL_BOTH   0x00003000u /* transmitter and receiver */
#define CONTROL_RX_INT 0x08000000u
#define STATUS_EMPTY   0x00100000u /* nothing received */
#define STATUS_FULL    0x00200000u /* no room to send */
#define MISC_RX_COUNT  0x000000ffu /* interrupt when this many wait */

static uint64_t uart(uint32_t reg)
{
    return config.console.base + reg;
}

static void control_on(uint32_t bits)
{
    uint32_t control = mmio_read32(uart(CONTROL));

    if ((control & bits) != bits)
        mmio_write32(uart(CONTROL), control | bits);
}

void uart_put(char c)
{
    control_on(CONTROL_BOTH);
    while ((mmio_read32(uart(STATUS)) & STATUS_FULL) != 0)
        ;
    mmio_write32(uart(WFIFO), (uint8_t)c);
}

int uart_get(void)
{
    return (mmio_read32(uart(STATUS)) & STATUS_EMPTY) != 0 ? -1 : (int)(mmio_read32(uart(RFIFO)) & 0xff);
}

void uart_enable_input(void)
{
    mmio_write32(uart(MISC), (mmio_read32(uart(MISC)) & ~MISC_RX_COUNT) | 1);
    control_on(CONTROL_BOTH | CONTROL_RX_INT);
}
