// SPDX-License-Identifier: Apache-2.0
/* Console on a 32-bit LPUART, as in i.MX7ULP, i.MX8 and i.MX9. Source: NXP IMX8QMRM (i.MX8QM), chapter LPUART. */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define STAT  0x14u
#define CTRL  0x18u
#define DATA  0x1cu
#define FIFO  0x28u
#define WATER 0x2cu

#define STAT_TDRE   0x00800000u /* room to send */
#define STAT_OR     0x00080000u /* overrun: nothing is received until it is cleared by writing 1 */
#define STAT_CONFIG 0x3f000000u /* what is no flag */
#define CTRL_RIE    0x00200000u
#define CTRL_BOTH   0x000c0000u /* receiver and transmitter */
#define FIFO_EMPTY  0x00400000u /* of the receiver */
#define WATER_RX    0x00ff0000u /* interrupt when more than this many wait */

static uint64_t uart(uint32_t reg)
{
    return config.console.base + reg;
}

void uart_put(char c)
{
    uint32_t control = mmio_read32(uart(CTRL));

    if ((control & CTRL_BOTH) != CTRL_BOTH)
        mmio_write32(uart(CTRL), control | CTRL_BOTH);
    while ((mmio_read32(uart(STAT)) & STAT_TDRE) == 0)
        ;
    mmio_write32(uart(DATA), (uint8_t)c);
}

int uart_get(void)
{
    uint32_t status = mmio_read32(uart(STAT));

    if ((status & STAT_OR) != 0)
        mmio_write32(uart(STAT), (status & STAT_CONFIG) | STAT_OR);
    return (mmio_read32(uart(FIFO)) & FIFO_EMPTY) != 0 ? -1 : (int)(mmio_read32(uart(DATA)) & 0xff);
}

void uart_enable_input(void)
{
    mmio_write32(uart(WATER), mmio_read32(uart(WATER)) & ~WATER_RX);
    mmio_write32(uart(CTRL), mmio_read32(uart(CTRL)) | CTRL_BOTH | CTRL_RIE);
}
