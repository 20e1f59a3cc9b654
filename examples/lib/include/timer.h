// SPDX-License-Identifier: Apache-2.0
/* Time, and one periodic timer for each CPU. */
#ifndef TIMER_H
#define TIMER_H

#include <stdint.h>

/* Called by the runtime before guest_main. */
void timer_init(void);

/* Microseconds since the time counter was 0. */
uint64_t timer_us(void);

/*
 * Calls `handler` on the calling CPU every `period_us`, with the time in microseconds at which the tick was due. A tick
 * that comes late does not move those after it, and none is left out.
 */
void timer_every(uint64_t period_us, void (*handler)(uint64_t due_us));

void timer_stop(void);

#endif
