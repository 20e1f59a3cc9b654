// SPDX-License-Identifier: Apache-2.0
/*
 * The counter of this CPU that budgets are counted by: one of parts/pmu-*.c. It counts while the guest runs, not the
 * hypervisor, and no guest can change it.
 */
#ifndef PMU_H
#define PMU_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* Set it up, with an interrupt that calls pmu_interrupt(); it counts from the first grant on. */
void pmu_start(struct cpu *cpu);

/*
 * Let it count `events` more before it overflows: what has been counted since the last overflow is taken off. Called when it
 * has overflowed, and at first. Returns what is left of it: 0 or less where that was more; then it stays overflowed, and the next
 * grant pays for the rest.
 */
int64_t pmu_grant(struct cpu *cpu, uint64_t events);

/* Events until it overflows; negative: since it has. Of the CPU that runs. */
int64_t pmu_left(const struct cpu *cpu);

/* Called by the architecture on its interrupt. */
void pmu_interrupt(struct cpu *cpu);

#endif
