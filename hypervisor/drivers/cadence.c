// SPDX-License-Identifier: Apache-2.0
/* Console on a Cadence UART of Zynq. Source: Zynq UltraScale+ Registers, UG1087, module UART. */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

#define UART_CR     0x00u /* control */
#define UART_IER    0x08u /* write: interrupts on */
#define UART_ISR    0x14u /* write 1: end of it */
#define UART_RXTOUT 0x1cu
#define UART_RXWM   0x20u
#define UART_SR     0x2cu
#define UART_FIFO   0x30u

#define CR_ENABLE 0x14u  /* receiver and transmitter */
#define SR_EMPTY  0x02u  /* nothing received */
#define SR_FULL   0x10u  /* no room to send */
#define INT_RX    0x101u /* as many received as RXWM says; receive timeout */

static uint64_t uart(uint32_t reg)
{
    return config.console.base + reg;
}

void uart_put(char c)
{
    if ((mmio_read32(uart(UART_CR)) & CR_ENABLE) != CR_ENABLE)
        mmio_write32(uart(UART_CR), CR_ENABLE);
    while ((mmio_read32(uart(UART_SR)) & SR_FULL) != 0)
        ;
    mmio_write32(uart(UART_FIFO), (uint8_t)c);
}

int uart_get(void)
{
    if ((mmio_read32(uart(UART_SR)) & SR_EMPTY) != 0) {
        mmio_write32(uart(UART_ISR), INT_RX);
        /* What came before that will not interrupt again. */
        if ((mmio_read32(uart(UART_SR)) & SR_EMPTY) != 0)
            return -1;
    }
    return (int)(mmio_read32(uart(UART_FIFO)) & 0xff);
}

void uart_enable_input(void)
{
    mmio_write32(uart(UART_RXWM), 1);
    mmio_write32(uart(UART_RXTOUT), 0);
    mmio_write32(uart(UART_ISR), INT_RX);
    mmio_write32(uart(UART_IER), INT_RX);
}
