// SPDX-License-Identifier: Apache-2.0
#include "console.h"

#include <stddef.h>
#include <stdint.h>

#include "fdt.h"
#include "firmware.h"
#include "irq.h"

/* Registers of a 16550, and the bits that matter here. */
enum { DATA = 0, INTERRUPT_ENABLE = 1, LINE_STATUS = 5 };
#define RECEIVE_INTERRUPT 0x01u
#define DATA_READY        0x01u
#define TRANSMIT_EMPTY    0x20u

static struct {
    uintptr_t base; /* 0: no UART */
    uint32_t shift; /* between two registers: 1 << shift bytes */
    uint32_t width; /* bytes of an access */
    uint32_t irq;
    void (*handler)(char c);
} uart;

static uint8_t uart_read(uint32_t reg)
{
    const uintptr_t at = uart.base + (reg << uart.shift);

    return uart.width == 4 ? (uint8_t)*(volatile uint32_t *)at : *(volatile uint8_t *)at;
}

static void uart_write(uint32_t reg, uint8_t value)
{
    const uintptr_t at = uart.base + (reg << uart.shift);

    if (uart.width == 4) {
        *(volatile uint32_t *)at = value;
    } else {
        *(volatile uint8_t *)at = value;
    }
}

void console_init(void)
{
    int node = fdt_find(fdt_string(fdt_find("/chosen"), "stdout-path"));
    uint64_t base, size;

    if (node == FDT_NONE || !fdt_lists(node, "compatible", "ns16550a")) {
        node = fdt_find_compatible(FDT_NONE, "ns16550a");
    }
    if (!fdt_reg(node, 0, &base, &size)) {
        return;
    }
    uart.base = (uintptr_t)base;
    uart.shift = fdt_cell(node, "reg-shift", 0, 0);
    uart.width = fdt_cell(node, "reg-io-width", 0, 1);
    uart.irq = fdt_cell(node, "interrupts", 0, 0);
}

void console_putc(char c)
{
    if (uart.base == 0) {
        firmware_putc(c);
        return;
    }
    while ((uart_read(LINE_STATUS) & TRANSMIT_EMPTY) == 0) {
    }
    uart_write(DATA, (uint8_t)c);
}

int console_getc(void)
{
    if (uart.base == 0) {
        return firmware_getc();
    }
    return (uart_read(LINE_STATUS) & DATA_READY) != 0 ? uart_read(DATA) : -1;
}

static void input(uint32_t irq)
{
    int c;

    (void)irq;
    while ((c = console_getc()) >= 0) {
        uart.handler((char)c);
    }
}

bool console_on_input(void (*handler)(char c))
{
    if (uart.base == 0 || uart.irq == 0) {
        return false;
    }
    uart.handler = handler;
    irq_enable(uart.irq, input);
    uart_write(INTERRUPT_ENABLE, RECEIVE_INTERRUPT);
    return true;
}
