// SPDX-License-Identifier: Apache-2.0
/*
 * Budgets counted by the last event counter, with the others left to the guest: which counter is taken, what of the
 * guest's is touched, whose overflow is whose. The registers behave as chapter D12 of the Arm Architecture Reference Manual
 * (DDI 0487) has it, as seen from EL2.
 */
#include "bandwidth.h"
#include "check.h"
#include "fake.h"
#include "pmu.h"

#define PERIOD   6250ul
#define COUNTERS 31u

/* Of each CPU. An event counter has 32 bits; a bit of the masks for each. */
static struct counters {
    uint32_t value[COUNTERS];
    uint64_t type[COUNTERS];
    uint64_t enabled, interrupts, overflowed;
} machine[PLAN_CPUS];

static struct counters *own(void)
{
    return &machine[fake_running() - cpus];
}

void fake_pmu_read(const unsigned long *reg)
{
    if (reg == &sysregs->pmxevcntr_el0)
        sysregs->pmxevcntr_el0 = own()->value[sysregs->pmselr_el0];
    else if (reg == &sysregs->pmovsclr_el0)
        sysregs->pmovsclr_el0 = own()->overflowed;
}

void fake_pmu_written(const unsigned long *reg)
{
    if (reg == &sysregs->pmxevcntr_el0)
        own()->value[sysregs->pmselr_el0] = (uint32_t)*reg;
    else if (reg == &sysregs->pmxevtyper_el0)
        own()->type[sysregs->pmselr_el0] = *reg;
    else if (reg == &sysregs->pmovsclr_el0)
        own()->overflowed &= ~*reg;
    else if (reg == &sysregs->pmintenset_el1)
        own()->interrupts |= *reg;
    else if (reg == &sysregs->pmintenclr_el1)
        own()->interrupts &= ~*reg;
    else if (reg == &sysregs->pmcntenset_el0)
        own()->enabled |= *reg;
    else if (reg == &sysregs->pmcntenclr_el0)
        own()->enabled &= ~*reg;
}

static void boot(void)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        fake_cpus[i].pmcr_el0 = 6ul << 11;
        fake_cpus[i].id_aa64dfr0_el1 = 1ul << 8;
        fake_cpus[i].pmselr_el0 = 2;
        machine[i].value[2] = 77;
    }
    fake_cpus[1].pmcr_el0 = 4ul << 11; /* a smaller core */
    fake_boot();
}

/* The interrupt that all counters of a CPU share is raised. */
static bool line(void)
{
    return (own()->overflowed & own()->interrupts & own()->enabled) != 0;
}

static void at(struct cpu *cpu, uint64_t time)
{
    fake_run_as(cpu);
    sysregs->cntpct_el0 = time;
}

TEST(hpmn_takes_the_last_counter_and_no_other)
{
    boot();
    fake_run_as(&cpus[2]);
    CHECK_EQ(sysregs->mdcr_el2, 1ul << 7 | 5); /* HPME, HPMN; nothing of the guest's traps */
    CHECK_EQ(own()->type[5], 0x11);            /* EL1 and EL0, not EL2 */
    CHECK_EQ(own()->value[5], (uint32_t)-1000);
    CHECK_EQ(own()->enabled, 1ul << 5);
    CHECK_EQ(own()->interrupts, 1ul << 5);
    CHECK_EQ(sysregs->pmcr_el0, 6ul << 11); /* PMCR_EL0.E is the guest's: ours obeys HPME */
    CHECK_EQ(sysregs->pmselr_el0, 2);
    CHECK_EQ(own()->value[2], 77);
    for (uint32_t i = 0; i < 5; i++)
        CHECK_EQ(own()->type[i], 0);
}

TEST(hpmn_of_a_cpu_with_fewer_counters)
{
    boot();
    fake_run_as(&cpus[1]);
    CHECK_EQ(sysregs->mdcr_el2, 1ul << 7 | 3);
    CHECK_EQ(own()->value[3], (uint32_t)-200);
    CHECK_EQ(own()->enabled, 1ul << 3);
}

TEST(hpmn_without_a_budget_leaves_all_counters)
{
    boot();
    fake_run_as(&cpus[3]);
    CHECK_EQ(sysregs->mdcr_el2, 6);
    CHECK_EQ(own()->enabled, 0);
    CHECK_EQ(own()->interrupts, 0);
}

TEST(hpmn_grants_without_changing_what_the_guest_selected)
{
    struct cpu *cpu = &cpus[0];

    boot();
    at(cpu, 2 * PERIOD);
    sysregs->pmselr_el0 = 4;
    own()->value[4] = 123;
    own()->value[5] = 30; /* counted since it overflowed */
    own()->overflowed = 1ul << 5;
    CHECK(line());
    pmu_interrupt(cpu);
    CHECK(!line());
    CHECK(!cpu->held);
    CHECK_EQ(sysregs->pmselr_el0, 4);
    CHECK_EQ(own()->value[4], 123);
    CHECK_EQ(own()->value[5], (uint32_t)-470);
    CHECK_EQ(pmu_left(cpu), 470);
    CHECK_EQ(sysregs->pmselr_el0, 4);
    CHECK_EQ(own()->interrupts, 1ul << 5);
}

TEST(hpmn_overflow_of_the_guests_counter_lowers_the_line_and_stays_to_be_read)
{
    struct cpu *cpu = &cpus[0];

    boot();
    at(cpu, 2 * PERIOD);
    own()->enabled |= 1ul << 1 | 1ul << 2 | 1ul << 31;
    own()->interrupts |= 1ul << 1 | 1ul << 2 | 1ul << 31;
    own()->overflowed = 1ul << 1 | 1ul << 31;
    CHECK(line());
    pmu_interrupt(cpu);
    CHECK(!line());
    CHECK_EQ(own()->overflowed, 1ul << 1 | 1ul << 31);
    CHECK_EQ(own()->interrupts, 1ul << 2 | 1ul << 5); /* of those that have not overflowed it stays */
    CHECK_EQ(own()->enabled, 1ul << 1 | 1ul << 2 | 1ul << 5 | 1ul << 31);
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_GRANTED), 500);
}

TEST(hpmn_overflow_of_both_at_once)
{
    struct cpu *cpu = &cpus[0];

    boot();
    at(cpu, 2 * PERIOD);
    own()->enabled |= 1ul << 1;
    own()->interrupts |= 1ul << 1;
    own()->value[5] = 0;
    own()->overflowed = 1ul << 1 | 1ul << 5;
    pmu_interrupt(cpu);
    CHECK(!line());
    CHECK_EQ(own()->overflowed, 1ul << 1);
    CHECK_EQ(own()->interrupts, 1ul << 5);
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_GRANTED), 1000);
}

TEST(hpmn_counts_below_nothing_as_far_as_32_bits_tell)
{
    struct cpu *cpu = &cpus[1]; /* 200 at a time, three in a period */

    boot();
    at(cpu, 10);
    own()->value[3] = 950;
    own()->overflowed = 1ul << 3;
    pmu_interrupt(cpu);
    CHECK(cpu->held);
    CHECK_EQ(pmu_left(cpu), -750);
    CHECK_EQ(own()->value[3], 750); /* nothing left to overflow: the guest does not run */
    CHECK_EQ(bandwidth_figure(cpu, BANDWIDTH_USED), 1150);
    CHECK_EQ(own()->overflowed, 0);
}
