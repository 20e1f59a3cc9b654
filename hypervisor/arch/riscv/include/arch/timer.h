// SPDX-License-Identifier: Apache-2.0
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <stdint.h>

struct cpu;

/* Set this vCPU's timer; ticks of the time counter. */
void timer_set_guest(uint64_t deadline);

/* A fresh vCPU: no timer is set. */
void timer_stop_guest(void);

/* The hart's own timer has fired: without Sstc it may be the guest's. */
void timer_fired(struct cpu *cpu);

#endif
