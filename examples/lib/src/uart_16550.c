// SPDX-License-Identifier: Apache-2.0
/* TI PC16550D data sheet, section 8. */
#include "fdt.h"
#include "uart.h"

enum { DATA = 0, INTERRUPT_ENABLE = 1, LINE_STATUS = 5 };
#define RECEIVE_INTERRUPT 0x01u
#define DATA_READY        0x01u
#define TRANSMIT_EMPTY    0x20u

static uintptr_t uart;
static uint32_t shift; /* between two registers: 1 << shift bytes */
static uint32_t width; /* bytes of an access */

static void init(uintptr_t base, int node)
{
    uart = base;
    shift = fdt_cell(node, "reg-shift", 0, 0);
    width = fdt_cell(node, "reg-io-width", 0, 1);
}

static uint8_t read(uint32_t reg)
{
    const uintptr_t at = uart + (reg << shift);

    return width == 4 ? (uint8_t)(*(volatile uint32_t *)at) : *(volatile uint8_t *)at;
}

static void write(uint32_t reg, uint8_t value)
{
    const uintptr_t at = uart + (reg << shift);

    if (width == 4) {
        *(volatile uint32_t *)at = value;
    } else {
        *(volatile uint8_t *)at = value;
    }
}

static bool ready(void)
{
    return (read(LINE_STATUS) & TRANSMIT_EMPTY) != 0;
}

static void put(char c)
{
    write(DATA, (uint8_t)c);
}

static int get(void)
{
    return (read(LINE_STATUS) & DATA_READY) != 0 ? read(DATA) : -1;
}

static void enable_input(void)
{
    write(INTERRUPT_ENABLE, RECEIVE_INTERRUPT);
}

const struct uart uart_16550 = {"ns16550a", ready, put, get, enable_input, init};
