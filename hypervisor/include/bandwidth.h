// SPDX-License-Identifier: Apache-2.0
/*
 * Budgets of memory bandwidth (parts/bandwidth.c). A counter of the CPU's performance monitor is set so that it overflows
 * when the vCPU has used what it was granted; the vCPU then waits for the end of its period, whatever arrives. A period
 * begins when the vCPU is granted its own share, so one that stays below it costs nothing at all.
 *
 * Only where PLAN_BANDWIDTH is 1; otherwise nothing of this is linked.
 */
#ifndef BANDWIDTH_H
#define BANDWIDTH_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

struct cpu;

/* What a guest may ask of itself (hypercall 0x41), from BANDWIDTH_FIRST on. */
enum bandwidth_figure {
    BANDWIDTH_GRANTED, /* events granted so far */
    BANDWIDTH_USED,    /* events used so far */
    BANDWIDTH_THROTTLES,
    BANDWIDTH_LONGEST, /* throttle, ticks of the time counter */
    BANDWIDTH_PASSES,  /* critical interrupts that have passed a throttle */
    BANDWIDTH_DRAWN,   /* grains from the pool: lent, borrowed, or of what the vCPUs share */
    BANDWIDTH_FIGURES
};
#define BANDWIDTH_FIRST 0x100u

/* The vCPU of a CPU has a budget. */
static inline bool bandwidth_is_regulated(uint32_t cpu)
{
#if PLAN_BANDWIDTH
    return config.budgets[cpu].period != 0;
#else
    (void)cpu;
    return false;
#endif
}

/* Called once by each CPU before its vCPU starts. */
void bandwidth_start(struct cpu *cpu);

/* The vCPU has used what it was granted; cpu->held is then true, unless it has been granted more. */
void bandwidth_overflow(struct cpu *cpu);

/* The timer's deadline is reached; `now`: arch_time() as it was found to be. */
void bandwidth_expired(struct cpu *cpu, uint64_t now);

/*
 * Where cpu->held: wait for the end of the period, before the guest goes on. Interrupts are handled meanwhile, and wait for
 * the guest; a stop of the VM is obeyed.
 */
void bandwidth_hold(struct cpu *cpu);

/* Called on the CPU itself: take its use up to now into its figures. */
void bandwidth_note(const struct cpu *cpu);

/* enum bandwidth_figure of a CPU's vCPU. Its use is what it was at the last grant or note. */
uint64_t bandwidth_figure(const struct cpu *cpu, uint32_t figure);

#endif
