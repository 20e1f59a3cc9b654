// SPDX-License-Identifier: Apache-2.0
/*
 * PMUv3: the cycle counter, with the guest's performance monitor trapped; or the last event counter, which MDCR_EL2.HPMN takes
 * from the guest. Source: Arm Architecture Reference Manual for A-profile (DDI 0487), chapter D12, MDCR_EL2.
 */
#include "pmu.h"

#include "arch/sysreg.h"
#include "bandwidth.h"
#include "config.h"
#include "cpu.h"
#include "drivers.h"

#define MDCR_TPMCR (1ul << 5)
#define MDCR_TPM   (1ul << 6)
#define MDCR_HPME  (1ul << 7)
#define PMCR_E     (1ul << 0)
#define PMCR_LC    (1ul << 6) /* the cycle counter overflows at 64 bits */
#define CYCLES_BIT 31u

/* Event counters of this CPU; at EL2 those of the guest and of the hypervisor. */
static uint32_t count(void)
{
    return (uint32_t)(sysreg_read(pmcr_el0) >> 11 & 0x1f);
}

/* The bit of our counter in PMCNTENSET, PMOVSCLR and their like; of an event counter it is its number, too. */
static uint32_t own_bit(void)
{
    return PLAN_PMU_CYCLES ? CYCLES_BIT : count() - 1;
}

/*
 * PMSELR_EL0 names the event counter that PMXEVCNTR_EL0 and PMXEVTYPER_EL0 stand for, and is the guest's.
 */
static uint64_t select_own(void)
{
    uint64_t before = sysreg_read(pmselr_el0);

    sysreg_write(pmselr_el0, own_bit());
    isb();
    return before;
}

static uint64_t read_counter(void)
{
    uint64_t before;
    uint64_t value;

    if (PLAN_PMU_CYCLES)
        return sysreg_read(pmccntr_el0);
    before = select_own();
    value = sysreg_read(pmxevcntr_el0);
    sysreg_write(pmselr_el0, before);
    return value;
}

static void write_counter(uint64_t value)
{
    uint64_t before;

    if (PLAN_PMU_CYCLES) {
        sysreg_write(pmccntr_el0, value);
        return;
    }
    before = select_own();
    sysreg_write(pmxevcntr_el0, value);
    sysreg_write(pmselr_el0, before);
}

void pmu_start(struct cpu *cpu)
{
    uint32_t own = own_bit();
    uint64_t before;

    /* No filter bit is set: EL1 and EL0 are counted, and EL2 is not. */
    if (PLAN_PMU_CYCLES) {
        sysreg_write(pmccfiltr_el0, 0);
    } else {
        before = select_own();
        sysreg_write(pmxevtyper_el0, config.budgets[cpu->index].event);
        sysreg_write(pmselr_el0, before);
    }
    if (PLAN_PMU_KEEP) {
        sysreg_write(mdcr_el2, MDCR_HPME | own);
    } else {
        sysreg_write(mdcr_el2, MDCR_TPM | MDCR_TPMCR | MDCR_HPME | (PLAN_PMU_CYCLES ? count() : own));
        sysreg_write(pmcr_el0, PMCR_E | PMCR_LC);
        sysreg_write(pmcntenclr_el0, UINT32_MAX);
        sysreg_write(pmintenclr_el1, UINT32_MAX);
    }
    write_counter(0);
    sysreg_write(pmovsclr_el0, 1ul << own);
    sysreg_write(pmintenset_el1, 1ul << own);
    sysreg_write(pmcntenset_el0, 1ul << own);
    isb();
    irqchip_enable(cpu, config.overflow_irq, true);
}

int64_t pmu_left(const struct cpu *cpu)
{
    uint64_t value = read_counter();

    (void)cpu;
    return PLAN_PMU_CYCLES ? -(int64_t)value : -(int64_t)(int32_t)(uint32_t)value;
}

int64_t pmu_grant(struct cpu *cpu, uint64_t events)
{
    int64_t left = pmu_left(cpu) + (int64_t)events;

    write_counter((uint64_t)-left);
    isb();
    return left;
}

void pmu_interrupt(struct cpu *cpu)
{
    uint64_t own = 1ul << own_bit();
    uint64_t overflowed = sysreg_read(pmovsclr_el0);

    /* The line is one for all counters: the guest's interrupt no more, or it would not fall. They are there to be read. */
    if (PLAN_PMU_KEEP && (overflowed & ~own) != 0)
        sysreg_write(pmintenclr_el1, overflowed & ~own);
    if ((overflowed & own) != 0) {
        sysreg_write(pmovsclr_el0, own);
        isb();
        bandwidth_overflow(cpu);
    }
}
