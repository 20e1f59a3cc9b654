// SPDX-License-Identifier: Apache-2.0
/*
 * Budgets of memory bandwidth: when a vCPU may go on.
 *
 * No lock is taken, and nobody waits for anybody: a pool is one word that changes by compare-and-swap, tried as often as
 * there are CPUs at the most. docs/bandwidth.md has what is promised, docs/internals/bandwidth.md the reasoning.
 */
#include "bandwidth.h"

#include "arch.h"
#include "cpu.h"
#include "pmu.h"
#include "timer.h"
#include "vdev.h"
#include "vm.h"

/* Of each CPU; only the CPU itself touches it, others read the counts. */
struct budget {
    uint64_t since;   /* when its own share was last granted, ticks; of a vCPU without one, the period of its pool */
    uint64_t held_at; /* ticks */
    uint64_t granted;
    uint64_t throttles;
    uint64_t longest;
    uint64_t passes;
    uint64_t drawn;
    int64_t left; /* events, when it was last granted some, or went off */
    bool passed;  /* a critical interrupt has, since `since` */
    bool claimed; /* it has taken back what it lends, since `since` */
};

static struct budget budgets[PLAN_CPUS];

/*
 * A pool: the number of its period (from 1, so that at first it is in none) above, then one bit that closes it to borrowers, then the grains that are left. And the
 * period before which it is closed from the start, because a lender came short.
 */
#define POOL_CLOSED 0x80000000u
#define POOL_LEFT   0x7fffffffu

static struct {
    uint64_t state;
    uint32_t closed_before;
} pools[PLAN_POOLS];

/* Periods in which nothing is lent after a lender could not have back all that it lends. */
#define POOL_RESPITE 8u

static const struct budget_config *config_of(const struct cpu *cpu)
{
    return &config.budgets[cpu->index];
}

/* What a pool holds in a period, from its state in that period or in an earlier one. */
static uint32_t pool_at(uint32_t pool, uint64_t state, uint32_t period)
{
    uint32_t before;

    if ((uint32_t)(state >> 32) == period)
        return (uint32_t)state;
    before = __atomic_load_n(&pools[pool].closed_before, __ATOMIC_RELAXED) - period;
    return config.pools[pool].grains | ((int32_t)before > 0 ? POOL_CLOSED : 0);
}

/*
 * Take up to `wanted` grains. A lender takes them though the pool is closed, and closes it: nobody borrows after it in the
 * same period. Each try that fails is one that another CPU has won, and each wins once: it has a grain to use then.
 */
static uint32_t draw(uint32_t pool, uint64_t now, uint32_t wanted, bool is_lender)
{
    uint64_t state = __atomic_load_n(&pools[pool].state, __ATOMIC_ACQUIRE);

    for (uint32_t try = 0; try < PLAN_CPUS; try++) {
        uint64_t number = now / config.pools[pool].period;
        uint32_t period = (uint32_t)number + 1u;
        uint32_t ahead;
        uint32_t holds;
        uint32_t taken;
        uint64_t next;
        bool won;

        /* Another CPU may have looked at the clock a little later. */
        ahead = (uint32_t)(state >> 32) - period;
        if ((int32_t)ahead > 0)
            period += ahead;
        holds = pool_at(pool, state, period);
        taken = (holds & POOL_LEFT) < wanted ? holds & POOL_LEFT : wanted;
        if (!is_lender && ((holds & POOL_CLOSED) != 0 || taken == 0))
            return 0;
        next = (uint64_t)period << 32 | (is_lender ? POOL_CLOSED : holds & POOL_CLOSED) | ((holds & POOL_LEFT) - taken);
        won = __atomic_compare_exchange_n(&pools[pool].state, &state, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
        if (won) {
            if (is_lender && taken < wanted)
                __atomic_store_n(&pools[pool].closed_before, period + 1 + POOL_RESPITE, __ATOMIC_RELAXED);
            return taken;
        }
    }
    return 0;
}

static bool grant(struct cpu *cpu, struct budget *budget, uint64_t events)
{
    budget->granted += events;
    budget->left = pmu_grant(cpu, events);
    return budget->left > 0;
}

/* Take from the pool of the vCPU, which has one. */
static bool grant_pooled(struct cpu *cpu, const struct budget_config *own, struct budget *budget, uint64_t now)
{
    bool is_lender = own->claim != 0;
    uint32_t drawn;

    if (is_lender && budget->claimed)
        return false;
    budget->claimed = is_lender;
    drawn = draw(own->pool, now, is_lender ? own->claim : 1, is_lender);
    budget->drawn += drawn;
    return drawn != 0 && grant(cpu, budget, drawn * own->grain);
}

/* The vCPU has nothing left: what it may have now. False: it has to wait. */
static inline bool refill(struct cpu *cpu, const struct budget_config *own, struct budget *budget, uint64_t now)
{
    uint64_t age = now - budget->since;

    if (age >= own->period) {
        /* One that has waited goes on where its period ended, so that being late takes nothing from it. */
        if (own->own == 0)
            budget->since = now - now % own->period;
        else
            budget->since = cpu->held && age < 2 * own->period ? budget->since + own->period : now;
        budget->passed = false;
        budget->claimed = false;
        if (own->own != 0 && grant(cpu, budget, own->own))
            return true;
    }
    return own->grain != 0 && grant_pooled(cpu, own, budget, now);
}

void bandwidth_start(struct cpu *cpu)
{
    if (!bandwidth_is_regulated(cpu->index))
        return;
    pmu_start(cpu);
    budgets[cpu->index].since = arch_time() - config_of(cpu)->period;
    bandwidth_overflow(cpu);
}

static void hold(struct cpu *cpu, const struct budget_config *own, struct budget *budget, uint64_t now)
{
    cpu->held = true;
    budget->held_at = now;
    budget->throttles++;
    timer_set(cpu, TIMER_BANDWIDTH, budget->since + own->period);
}

static void release(struct cpu *cpu, struct budget *budget, uint64_t now)
{
    uint64_t waited = now - budget->held_at;

    cpu->held = false;
    if (waited > budget->longest)
        budget->longest = waited;
}

void bandwidth_overflow(struct cpu *cpu)
{
    const struct budget_config *own = config_of(cpu);
    struct budget *budget = &budgets[cpu->index];
    uint64_t now = arch_time();

    if (!cpu->held && !refill(cpu, own, budget, now))
        hold(cpu, own, budget, now);
}

void bandwidth_expired(struct cpu *cpu, uint64_t now)
{
    const struct budget_config *own = config_of(cpu);
    struct budget *budget = &budgets[cpu->index];

    if (!cpu->held)
        return;
    if (refill(cpu, own, budget, now))
        release(cpu, budget, now);
    else
        timer_set(cpu, TIMER_BANDWIDTH, budget->since + own->period);
}

/* A critical interrupt waits for the vCPU, the first in this period: let the guest take it. */
static bool pass(struct cpu *cpu, const struct budget_config *own)
{
    struct budget *budget = &budgets[cpu->index];

    if (budget->passed)
        return false;
    for (uint32_t i = 0; i < own->pass_count; i++) {
        if (own->passes[i] != 0 ? !virq_pends(cpu, own->passes[i]) : !arch_vcpu_has_timer(cpu))
            continue;
        budget->passed = true;
        budget->passes++;
        if (!grant(cpu, budget, own->passing))
            return false;
        release(cpu, budget, arch_time());
        timer_set(cpu, TIMER_BANDWIDTH, TIMER_NEVER);
        return true;
    }
    return false;
}

/* Critical interrupts are sorted, and 0 is the timer. */
static bool timer_may_pass(const struct cpu *cpu)
{
    const struct budget_config *own = config_of(cpu);

    return own->pass_count != 0 && own->passes[0] == 0 && !budgets[cpu->index].passed;
}

void bandwidth_hold(struct cpu *cpu)
{
    const struct budget_config *own = config_of(cpu);
    bool stop = false;

    arch_vcpu_quiet(cpu, timer_may_pass(cpu) ? QUIET_BUT_TIMER : QUIET);
    while (cpu->held && !stop && !(own->pass_count != 0 && pass(cpu, own))) {
        arch_wait(cpu);
        /* A state in which the vCPU has to stop is told by an event. */
        stop = __atomic_load_n(&cpu->events, __ATOMIC_RELAXED) != 0 && cpu_take_events(cpu);
    }
    arch_vcpu_quiet(cpu, LOUD);
    if (stop)
        vm_vcpu_off(cpu);
}

void bandwidth_note(const struct cpu *cpu)
{
    if (bandwidth_is_regulated(cpu->index))
        budgets[cpu->index].left = pmu_left(cpu);
}

uint64_t bandwidth_figure(const struct cpu *cpu, uint32_t figure)
{
    const struct budget *budget = &budgets[cpu->index];

    switch (figure) {
    case BANDWIDTH_GRANTED:
        return budget->granted;
    case BANDWIDTH_USED:
        return budget->granted - (uint64_t)budget->left;
    case BANDWIDTH_THROTTLES:
        return budget->throttles;
    case BANDWIDTH_LONGEST:
        return budget->longest;
    case BANDWIDTH_PASSES:
        return budget->passes;
    case BANDWIDTH_DRAWN:
        return budget->drawn;
    default:
        return 0;
    }
}
