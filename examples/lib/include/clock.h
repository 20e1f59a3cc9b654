// SPDX-License-Identifier: Apache-2.0
/* The time counter and a CPU's timer, by architecture: what timer.c is made from. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

uint64_t clock_init(void); /* ticks in a second */
uint64_t clock_now(void);  /* ticks */

/* The calling CPU's timer: interrupts from `when` on until it is set anew; its interrupt on and off. */
void clock_set(uint64_t when);
void clock_on(void);
void clock_off(void);

/* Called from the interrupt. */
void timer_take(void);

#endif
