// SPDX-License-Identifier: Apache-2.0
/*
 * A hardware counter of a RISC-V hart (Sscofpmf), which the firmware sets for the hypervisor. It counts VS and VU mode.
 * Sources: RISC-V Supervisor Binary Interface Specification 2.0, chapter 11; RISC-V Privileged Architecture, "Sscofpmf".
 */
#include "pmu.h"

#include "arch.h"
#include "arch/csr.h"
#include "arch/sbi.h"
#include "bandwidth.h"
#include "config.h"
#include "console.h"
#include "vm.h"

enum { PMU_CONFIGURE = 2, PMU_START = 3, PMU_STOP = 4 };
enum { CONFIGURE_CLEAR = 0x02, CONFIGURE_NOT_U = 0x20, CONFIGURE_NOT_S = 0x40, CONFIGURE_NOT_M = 0x80, START_AT = 0x1 };

#define SCOUNTOVF 0xda0 /* a bit for each counter that has overflowed */

static struct sbi_result configure(const struct budget_config *own)
{
    return sbi_call(SBI_PMU, PMU_CONFIGURE, PLAN_PMU_COUNTER, 1,
                    CONFIGURE_CLEAR | CONFIGURE_NOT_U | CONFIGURE_NOT_S | CONFIGURE_NOT_M, (ureg_t)own->event,
                    (ureg_t)own->event_data);
}

void pmu_start(struct cpu *cpu)
{
    struct sbi_result found = configure(&config.budgets[cpu->index]);

    if (found.error != SBI_SUCCESS || found.value != PLAN_PMU_COUNTER) {
        console_message(
            "%s: counter %u does not count event 0x%lx, by which vm '%s' has a budget: the firmware answers -%lu",
            cpu->config->name, PLAN_PMU_COUNTER, (unsigned long)config.budgets[cpu->index].event, cpu->vm->config->name,
            (unsigned long)-found.error);
        arch_system_off(true);
    }
    csr_set(sie, 1u << IRQ_OVERFLOW);
}

int64_t pmu_left(const struct cpu *cpu)
{
    (void)cpu;
    return -(int64_t)csr_read(PLAN_PMU_CSR);
}

/* The firmware sets a counter that stands, and with it lets it interrupt again. */
int64_t pmu_grant(struct cpu *cpu, uint64_t events)
{
    int64_t left = pmu_left(cpu) + (int64_t)events;

    (void)sbi_call(SBI_PMU, PMU_STOP, PLAN_PMU_COUNTER, 1, 0, 0, 0);
    csr_clear(sip, 1u << IRQ_OVERFLOW);
    (void)sbi_call(SBI_PMU, PMU_START, PLAN_PMU_COUNTER, 1, START_AT, (ureg_t)-left, 0);
    return left;
}

void pmu_interrupt(struct cpu *cpu)
{
    csr_clear(sip, 1u << IRQ_OVERFLOW);
    /* A counter of the guest's may have overflowed: it is told of none. */
    if ((csr_read(SCOUNTOVF) >> PLAN_PMU_COUNTER & 1) != 0)
        bandwidth_overflow(cpu);
}
