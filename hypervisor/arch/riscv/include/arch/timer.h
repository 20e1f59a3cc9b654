// SPDX-License-Identifier: Apache-2.0
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <stdint.h>

/* Set this vCPU's timer; ticks of the time counter. */
void timer_set_guest(uint64_t deadline);

/* A fresh vCPU: no timer is set. */
void timer_stop_guest(void);

/* Without Sstc: the hart's own timer has fired, which is the guest's. */
void timer_fired(void);

#endif
