// SPDX-License-Identifier: Apache-2.0
#include "timer.h"

#include "arch.h"
#include "bandwidth.h"
#include "cpu.h"
#include "watchdog.h"

/* Of each CPU; 0: never. A CPU touches its own alone. */
static uint64_t deadlines[PLAN_CPUS][TIMER_USES];

/* Of what this system does not use nothing is left by the compiler. */
static bool is_used(int use)
{
    return use == TIMER_WATCHDOG ? PLAN_WATCHDOG != 0 : PLAN_BANDWIDTH;
}

static inline void arm(struct cpu *cpu)
{
    uint64_t next = TIMER_NEVER;

    for (int use = 0; use < TIMER_USES; use++) {
        uint64_t deadline = deadlines[cpu->index][use];

        if (is_used(use) && deadline != 0 && deadline < next)
            next = deadline;
    }
    arch_timer_set(cpu, next);
}

void timer_set(struct cpu *cpu, enum timer_use use, uint64_t deadline)
{
    deadlines[cpu->index][use] = deadline != TIMER_NEVER ? deadline : 0;
    arm(cpu);
}

static void call(struct cpu *cpu, enum timer_use use, uint64_t now)
{
    switch (use) {
    case TIMER_WATCHDOG:
        if (PLAN_WATCHDOG != 0)
            watchdog_look(cpu);
        break;
    case TIMER_BANDWIDTH:
        if (PLAN_BANDWIDTH)
            bandwidth_expired(cpu, now);
        break;
    case TIMER_USES:
        break;
    }
}

void timer_expired(struct cpu *cpu)
{
    uint64_t now = arch_time();

    for (int use = 0; use < TIMER_USES; use++) {
        uint64_t *deadline = &deadlines[cpu->index][use];

        if (is_used(use) && *deadline != 0 && *deadline <= now) {
            *deadline = 0;
            call(cpu, (enum timer_use)use, now);
        }
    }
    arm(cpu);
}
