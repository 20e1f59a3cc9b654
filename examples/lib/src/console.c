// SPDX-License-Identifier: Apache-2.0
#include "console.h"

#include <stddef.h>

#include "fdt.h"
#include "firmware.h"
#include "irq.h"
#include "uart.h"

static const struct uart *uart; /* null: there is none */
static uint32_t uart_irq;
static void (*input_handler)(char c);

static void use(const struct uart *candidate, int node)
{
    uint64_t base, size;

    if (uart == NULL && fdt_lists(node, "compatible", candidate->compatible) && fdt_reg(node, 0, &base, &size)) {
        uart = candidate;
        uart_irq = fdt_interrupt(node, 0);
        uart->init((uintptr_t)base, node);
    }
}

void console_init(void)
{
    static const struct uart *const known[] = {&uart_16550, &uart_pl011};
    const int named = fdt_find(fdt_string(fdt_find("/chosen"), "stdout-path"));

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        use(known[i], named);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        use(known[i], fdt_find_compatible(FDT_NONE, known[i]->compatible));
    }
}

void console_putc(char c)
{
    if (uart == NULL) {
        firmware_putc(c);
        return;
    }
    while (!uart->ready()) {
    }
    uart->put(c);
}

int console_getc(void)
{
    return uart == NULL ? firmware_getc() : uart->get();
}

static void input(uint32_t irq)
{
    int c;

    (void)irq;
    while ((c = console_getc()) >= 0) {
        input_handler((char)c);
    }
}

bool console_on_input(void (*handler)(char c))
{
    if (uart == NULL || uart_irq == 0) {
        return false;
    }
    input_handler = handler;
    irq_enable(uart_irq, input);
    uart->enable_input();
    return true;
}
