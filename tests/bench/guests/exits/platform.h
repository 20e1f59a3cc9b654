// SPDX-License-Identifier: Apache-2.0
/* What first.c does differently on each architecture and interrupt controller. Each is called from one place. */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

/* Finds the interrupt controller, and the real-time clock. */
void platform_find(void);

/* Firmware calls between marks; `hypervised`: those that a bare machine does not take, too. */
void platform_calls(bool hypervised);

extern uint32_t clock_irq; /* of the real-time clock */
void clock_alarm(void);    /* made ready */
void clock_ring(void);     /* its interrupt comes at once */
void clock_quiet(void);

/* The interrupt controller, as a driver uses it for clock_irq. */
bool irq_waits(void);                /* the CPU sees an interrupt, which it does not take */
uint32_t irq_claim(void);            /* or acknowledge */
void irq_complete(uint32_t claimed); /* or end */
void irq_again(void); /* a level-triggered one is to be sent again if it is still there; marks it where that is so */
volatile uint32_t *irq_register(void); /* one of the emulated registers that can be written as it was read */

#endif
