// SPDX-License-Identifier: Apache-2.0
/* The UARTs that console.c chooses from. Each is set up already: by the hypervisor or the firmware. */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stdint.h>

struct uart {
    const char *compatible;
    bool (*ready)(void); /* to take another character */
    void (*put)(char c);
    int (*get)(void);           /* the next one received, -1: none */
    void (*enable_input)(void); /* interrupt for each */
    void (*init)(uintptr_t base, int node);
};

extern const struct uart uart_16550, uart_pl011;

#endif
