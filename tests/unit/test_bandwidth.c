// SPDX-License-Identifier: Apache-2.0
/* Budgets of memory bandwidth: grants, pools, what is lent, what passes; and the counter of PMUv3 that they are counted by. */
#include "bandwidth.h"
#include "check.h"
#include "fake.h"
#include "hypercall.h"
#include "pmu.h"
#include "timer.h"

#define PERIOD 6250ul

static uint64_t now;

static void at(struct cpu *cpu, uint64_t time)
{
    now = time;
    fake_run_as(cpu);
    sysregs->cntpct_el0 = now;
}

static void boot(void)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++)
        fake_cpus[i].pmcr_el0 = 6ul << 11;
    for (uint32_t i = 0; i < PLAN_CPUS; i++)
        fake_cpus[i].id_aa64dfr0_el1 = 1ul << 8;
    fake_boot();
}

/* It has used all that it was granted, and so many events more. */
static void use_up(struct cpu *cpu, uint64_t time, uint64_t beyond)
{
    at(cpu, time);
    sysregs->pmccntr_el0 = beyond;
    bandwidth_overflow(cpu);
}

static void expire(struct cpu *cpu, uint64_t time)
{
    at(cpu, time);
    timer_expired(cpu);
}

/* Events that it has left. */
static int64_t left(struct cpu *cpu)
{
    fake_run_as(cpu);
    return -(int64_t)sysregs->pmccntr_el0;
}

static struct cpu *lender(void)
{
    return &cpus[2];
}

static struct cpu *borrower(void)
{
    return &cpus[0];
}

static struct cpu *sharer(void)
{
    return &cpus[1];
}

TEST(bandwidth_counter_is_out_of_the_guests_reach)
{
    boot();
    fake_run_as(lender());
    CHECK_EQ(sysregs->mdcr_el2, 1ul << 5 | 1ul << 6 | 1ul << 7 | 6); /* TPMCR, TPM, HPME, HPMN */
    CHECK_EQ(sysregs->pmcr_el0, 1ul | 1ul << 6);                     /* E, LC */
    CHECK_EQ(sysregs->pmccfiltr_el0, 0);
    CHECK_EQ(sysregs->pmintenset_el1, 1ul << 31);
    CHECK_EQ(sysregs->pmcntenset_el0, 1ul << 31);
    CHECK_EQ(left(lender()), 1000);
    CHECK_EQ(left(borrower()), 500);
    CHECK_EQ(left(sharer()), 200);
    fake_run_as(&cpus[3]);
    CHECK_EQ(sysregs->mdcr_el2, 6); /* no budget: all counters are the guest's */
    CHECK_EQ(sysregs->pmcntenset_el0, 0);
}

TEST(timer_takes_the_nearest_deadline)
{
    struct cpu *cpu = sharer();

    boot();
    at(cpu, 100);
    timer_set(cpu, TIMER_WATCHDOG, 5000);
    CHECK_EQ(sysregs->cnthp_cval_el2, 5001);
    timer_set(cpu, TIMER_BANDWIDTH, 3000);
    CHECK_EQ(sysregs->cnthp_cval_el2, 3001);
    expire(cpu, 3001);
    CHECK_EQ(sysregs->cnthp_cval_el2, 5001);
    CHECK_EQ(sysregs->cnthp_ctl_el2, 1);
    timer_set(cpu, TIMER_BANDWIDTH, 4000);
    timer_set(cpu, TIMER_BANDWIDTH, TIMER_NEVER);
    CHECK_EQ(sysregs->cnthp_cval_el2, 5001);
    expire(cpu, 5001);
    CHECK_EQ(sysregs->cnthp_ctl_el2, 0);
}

TEST(bandwidth_below_the_budget_costs_nothing_and_is_granted_anew)
{
    boot();
    use_up(borrower(), 3 * PERIOD, 0); /* after three periods */
    CHECK(!borrower()->held);
    CHECK_EQ(left(borrower()), 500);
    CHECK_EQ(sysregs->cnthp_ctl_el2, 0);
    CHECK_EQ(bandwidth_figure(borrower(), BANDWIDTH_THROTTLES), 0);
}

TEST(bandwidth_waits_for_the_end_of_the_period)
{
    struct cpu *cpu = sharer();

    boot();
    use_up(cpu, 10, 0);
    CHECK_EQ(left(cpu), 200);
    use_up(cpu, 20, 0);
    CHECK_EQ(left(cpu), 200);
    use_up(cpu, 30, 0); /* the pool had three */
    CHECK(cpu->held);
    CHECK_EQ(sysregs->cnthp_ctl_el2, 1);
    CHECK_EQ(sysregs->cnthp_cval_el2, PERIOD + 1);
    use_up(cpu, 40, 0); /* told once more: nothing new */
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_THROTTLES), 1);
    expire(cpu, PERIOD - 1);
    CHECK(cpu->held);
    expire(cpu, PERIOD + 1);
    CHECK(!cpu->held);
    CHECK_EQ(left(cpu), 200);
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_LONGEST), PERIOD + 1 - 30);
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_GRANTED), 800);
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_DRAWN), 4);
}

TEST(bandwidth_used_beyond_a_grant_is_paid_for)
{
    struct cpu *cpu = sharer();

    boot();
    use_up(cpu, 10, 30);
    CHECK_EQ(left(cpu), 170);
    use_up(cpu, 20, 450); /* more than the next two grants */
    CHECK(cpu->held);
    CHECK_EQ(left(cpu), -250);
    expire(cpu, PERIOD + 1);
    CHECK(cpu->held);
    CHECK_EQ(left(cpu), -50);
    expire(cpu, 2 * PERIOD + 1);
    CHECK(!cpu->held);
    CHECK_EQ(left(cpu), 150);
}

TEST(bandwidth_of_one_that_waited_goes_on_from_the_end_of_its_period)
{
    struct cpu *cpu = lender();

    boot();
    use_up(cpu, 100, 0); /* what it lends comes back */
    CHECK_EQ(left(cpu), 400);
    use_up(cpu, 200, 0);
    CHECK(cpu->held);
    expire(cpu, PERIOD + 77); /* late */
    CHECK_EQ(left(cpu), 1000);
    use_up(cpu, PERIOD + 500, 0);
    use_up(cpu, PERIOD + 600, 0);
    CHECK(cpu->held);
    CHECK_EQ(sysregs->cnthp_cval_el2, 2 * PERIOD + 1);
}

TEST(bandwidth_is_lent_until_its_owner_wants_it)
{
    boot();
    use_up(borrower(), 10, 0);
    CHECK_EQ(left(borrower()), 100);
    use_up(lender(), 20, 0); /* of its four grains one is gone */
    CHECK_EQ(left(lender()), 300);
    use_up(borrower(), 30, 0); /* and nothing more is lent */
    CHECK(borrower()->held);
    use_up(lender(), 40, 0);
    CHECK(lender()->held);
    /* It came short: nothing is lent for eight periods, and it has all that is its own. */
    for (uint64_t period = 1; period <= 8; period++) {
        expire(lender(), period * PERIOD + 1);
        expire(borrower(), period * PERIOD + 1);
        CHECK_EQ(left(lender()), 1000);
        use_up(borrower(), period * PERIOD + 10, 0);
        CHECK(borrower()->held);
        use_up(lender(), period * PERIOD + 20, 0);
        CHECK_EQ(left(lender()), 400);
        use_up(lender(), period * PERIOD + 30, 0);
        CHECK(lender()->held);
    }
    expire(borrower(), 9 * PERIOD + 1);
    use_up(borrower(), 9 * PERIOD + 10, 0);
    CHECK(!borrower()->held);
    CHECK_EQ(left(borrower()), 100);
}

TEST(bandwidth_never_grants_more_than_the_budgets)
{
    uint64_t granted;

    random_seed(7);
    boot();
    for (uint64_t time = 10; time < 400 * PERIOD; time += 1 + random_below(300)) {
        struct cpu *cpu = &cpus[random_below(3)];

        if (cpu->held)
            expire(cpu, time);
        else
            use_up(cpu, time, random_below(4));
    }
    /* 400 periods, and one that may be cut at each end. */
    granted = bandwidth_figure(lender(), BANDWIDTH_GRANTED) + bandwidth_figure(borrower(), BANDWIDTH_GRANTED);
    CHECK(granted <= 402ul * (1000 + 400 + 500));
    CHECK(bandwidth_figure(lender(), BANDWIDTH_GRANTED) >= 399ul * 1000);
    CHECK(bandwidth_figure(borrower(), BANDWIDTH_GRANTED) >= 399ul * 500);
    CHECK(bandwidth_figure(sharer(), BANDWIDTH_GRANTED) <= 402ul * 600);
    CHECK(bandwidth_figure(sharer(), BANDWIDTH_GRANTED) >= 398ul * 600);
}

/* The interrupt that the counter raises, as the CPU takes it. */
static void interrupt(struct cpu *cpu, uint64_t time, uint64_t beyond)
{
    at(cpu, time);
    sysregs->pmccntr_el0 = beyond;
    sysregs->pmovsclr_el0 = 1ul << 31;
    pmu_interrupt(cpu);
}

TEST(bandwidth_overflow_of_another_counter_is_not_ours)
{
    struct cpu *cpu = sharer();

    boot();
    at(cpu, 10);
    sysregs->pmovsclr_el0 = 4;
    pmu_interrupt(cpu);
    CHECK_EQ(sysregs->pmovsclr_el0, 4);
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_GRANTED), 200);
    interrupt(cpu, 20, 0);
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_GRANTED), 400);
}

TEST(bandwidth_figures_are_told_to_who_has_a_budget)
{
    struct cpu *cpu = sharer();
    uint64_t value = 0;

    boot();
    at(cpu, 10);
    sysregs->pmccntr_el0 = 0ul - 60;
    CHECK_EQ(hypercall(cpu, HYPERCALL_EXITS, 0x100 + BANDWIDTH_GRANTED, 0, &value), HYPERCALL_OK);
    CHECK_EQ(value, 200);
    CHECK_EQ(hypercall(cpu, HYPERCALL_EXITS, 0x100 + BANDWIDTH_USED, 0, &value), HYPERCALL_OK);
    CHECK_EQ(value, 140);
    CHECK_EQ(hypercall(cpu, HYPERCALL_EXITS, 0x100 + BANDWIDTH_FIGURES, 0, &value), HYPERCALL_BAD_ARGUMENT);
    CHECK_EQ(hypercall(cpu, HYPERCALL_EXITS, 0xff, 0, &value), HYPERCALL_BAD_ARGUMENT);
    CHECK_EQ(hypercall(&cpus[3], HYPERCALL_EXITS, 0x100, 0, &value), HYPERCALL_BAD_ARGUMENT);
}
