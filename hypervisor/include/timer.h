// SPDX-License-Identifier: Apache-2.0
/*
 * The hypervisor's own timer, one for each CPU and shared by all that uses it (parts/timer.c). A system that has no use for
 * it has PLAN_TIMER 0, and nothing of this is linked.
 */
#ifndef TIMER_H
#define TIMER_H

#include <stdint.h>

struct cpu;

#define TIMER_NEVER UINT64_MAX

/* Who uses it: each has one deadline on each CPU. timer_expired() of parts/timer.c calls them by name. */
enum timer_use { TIMER_WATCHDOG, TIMER_BANDWIDTH, TIMER_USES };

/*
 * Call the user's function on this CPU once the time counter (arch_time) has reached `deadline`, ticks; TIMER_NEVER: do not.
 * It replaces the user's deadline before. `cpu`: the one that runs.
 */
void timer_set(struct cpu *cpu, enum timer_use use, uint64_t deadline);

/*
 * Called by the architecture once the deadline of arch_timer_set() is reached, which it calls in any case before it returns.
 * It holds no lock, nor does its caller.
 */
void timer_expired(struct cpu *cpu);

#endif
