// SPDX-License-Identifier: Apache-2.0
/* Arm PL011 technical reference manual, DDI 0183G, chapter 3. */
#include "uart.h"

enum { DATA = 0x00, FLAGS = 0x18, LINE_CONTROL = 0x2c, CONTROL = 0x30, INTERRUPT_MASK = 0x38 };
#define RECEIVE_EMPTY      0x10u
#define TRANSMIT_FULL      0x20u
#define EIGHT_BITS         0x60u  /* and no queues: each character interrupts */
#define ENABLED            0x301u /* sends and receives */
#define RECEIVE_INTERRUPTS 0x50u  /* the last of them is that of the timeout */

static volatile uint32_t *uart;

static void init(uintptr_t base, int node)
{
    (void)node;
    uart = (volatile uint32_t *)base;
    if ((uart[CONTROL / 4] & ENABLED) != ENABLED) {
        uart[LINE_CONTROL / 4] = EIGHT_BITS;
        uart[CONTROL / 4] = ENABLED;
    }
}

static bool ready(void)
{
    return (uart[FLAGS / 4] & TRANSMIT_FULL) == 0;
}

static void put(char c)
{
    uart[DATA / 4] = (uint8_t)c;
}

static int get(void)
{
    return (uart[FLAGS / 4] & RECEIVE_EMPTY) == 0 ? (int)(uart[DATA / 4] & 0xff) : -1;
}

static void enable_input(void)
{
    uart[INTERRUPT_MASK / 4] = RECEIVE_INTERRUPTS;
}

const struct uart uart_pl011 = {"arm,pl011", ready, put, get, enable_input, init};
