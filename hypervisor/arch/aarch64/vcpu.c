// SPDX-License-Identifier: Apache-2.0
/* A vCPU's registers. */
#include "arch.h"
#include "arch/sysreg.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "panic.h"
#include "timer.h"
#include "vdev.h"
#include "vm.h"

void arch_kick(struct cpu *cpu)
{
    gic_kick(cpu);
}

/* A GIC's SGIs are interrupts like others: there is no line for them. */
void arch_vcpu_set_ipi(struct cpu *cpu)
{
    (void)cpu;
}

bool arch_vcpu_has_interrupt(struct cpu *cpu)
{
    return virq_waiting(cpu);
}

/* The timer's is an interrupt like others. */
bool arch_vcpu_has_timer(struct cpu *cpu)
{
    (void)cpu;
    return false;
}

/* A virtual interrupt ends no WFI at EL2, or arch_wait() is called again. */
void arch_vcpu_quiet(struct cpu *cpu, enum arch_quiet quiet)
{
    (void)cpu;
    (void)quiet;
}

/* How fast the counter is, each CPU knows; configtool does not. */
uint64_t arch_time(void)
{
    uint64_t ticks = sysreg_read(cntpct_el0);
    uint64_t second = sysreg_read(cntfrq_el0);

    return ticks / second * PLAN_TIMEBASE + ticks % second * PLAN_TIMEBASE / second;
}

/* The hypervisor's physical timer; its compare value counts as the counter does, the deadline as arch_time(). */
void arch_timer_set(struct cpu *cpu, uint64_t deadline)
{
    uint64_t second = sysreg_read(cntfrq_el0);

    (void)cpu;
    if (deadline == TIMER_NEVER) {
        sysreg_write(cnthp_ctl_el2, 0);
        return;
    }
    /* A tick of arch_time() may be several of the counter: one more, lest it fire before the deadline. */
    sysreg_write(cnthp_cval_el2,
                 deadline / PLAN_TIMEBASE * second + (deadline % PLAN_TIMEBASE * second) / PLAN_TIMEBASE + 1);
    sysreg_write(cnthp_ctl_el2, 1);
    isb();
}

uint64_t arch_guest_pc(const struct cpu *cpu)
{
    (void)cpu;
    return sysreg_read(elr_el2);
}

uint64_t arch_guest_register(const struct cpu *cpu, uint32_t number)
{
    uint64_t mode = sysreg_read(spsr_el2) & 0xf;

    if (number < 31)
        return cpu->arch.x[number];
    return mode == SPSR_EL1H ? sysreg_read(sp_el1) : sysreg_read(sp_el0);
}

void arch_guest_state(void)
{
    console_row("    esr %lx far %lx spsr %lx sctlr %lx ttbr0 %lx ttbr1 %lx", sysreg_read(esr_el2),
                sysreg_read(far_el2), sysreg_read(spsr_el2), sysreg_read(sctlr_el1), sysreg_read(ttbr0_el1),
                sysreg_read(ttbr1_el1));
}

void arch_vcpu_start(struct cpu *cpu, uint64_t pc, uint64_t arg)
{
    for (unsigned i = 0; i < 32; i++)
        cpu->arch.x[i] = 0;
    cpu->arch.x[0] = arg;
    sysreg_write(sctlr_el1, SCTLR_EL1_RESET);
    sysreg_write(ttbr0_el1, 0);
    sysreg_write(ttbr1_el1, 0);
    sysreg_write(tcr_el1, 0);
    sysreg_write(mair_el1, 0);
    sysreg_write(vbar_el1, 0);
    sysreg_write(cpacr_el1, 0);
    sysreg_write(contextidr_el1, 0);
    sysreg_write(tpidr_el0, 0);
    sysreg_write(tpidrro_el0, 0);
    sysreg_write(tpidr_el1, 0);
    sysreg_write(sp_el0, 0);
    sysreg_write(sp_el1, 0);
    sysreg_write(cntkctl_el1, 0);
    sysreg_write(cntv_ctl_el0, 0);
    sysreg_write(cntp_ctl_el0, 0);
    sysreg_write(mdscr_el1, 0);
    /* A reset leaves these as they are, but a life shall find nothing of the one before. */
    sysreg_write(elr_el1, 0);
    sysreg_write(spsr_el1, 0);
    sysreg_write(esr_el1, 0);
    sysreg_write(far_el1, 0);
    sysreg_write(par_el1, 0);
    sysreg_write(amair_el1, 0);
    sysreg_write(afsr0_el1, 0);
    sysreg_write(afsr1_el1, 0);
    ensure(sysreg_read(vttbr_el2) == cpu->vm->config->stage2);
    sysreg_write(elr_el2, pc);
    sysreg_write(spsr_el2, SPSR_EL1H_MASKED);
    __asm__ volatile("ic iallu\n\tdsb nsh\n\tisb" ::: "memory");
    trap_return();
}
