// SPDX-License-Identifier: Apache-2.0
/*
 * Console on the first UART of Marvell Armada 3700. Source: Armada 37xx functional specification, chapter UART; the registers
 * compared with Linux's mvebu-uart.c and Trusted Firmware-A's a3700_console.h.
 */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define RBR  0x0u
#define TSH  0x4u
#define CTRL 0x8u
#define STAT 0xcu

#define CTRL_INTERRUPTS 0x1ffu /* for each bit of STAT */
#define STAT_RX_RDY     0x010u
#define STAT_TX_FULL    0x800u

static uint64_t uart(uint32_t reg)
{
    return config.console.base + reg;
}

void uart_put(char c)
{
    while ((mmio_read32(uart(STAT)) & STAT_TX_FULL) != 0)
        ;
    mmio_write32(uart(TSH), (uint8_t)c);
}

int uart_get(void)
{
    return (mmio_read32(uart(STAT)) & STAT_RX_RDY) != 0 ? (int)(mmio_read32(uart(RBR)) & 0xff) : -1;
}

void uart_enable_input(void)
{
    mmio_write32(uart(CTRL), (mmio_read32(uart(CTRL)) & ~CTRL_INTERRUPTS) | STAT_RX_RDY);
}
