// SPDX-License-Identifier: Apache-2.0
/* A vCPU's registers and interrupt lines. */
#include "arch.h"
#include "arch/csr.h"
#include "arch/guest_pmu.h"
#include "arch/sbi.h"
#include "arch/timer.h"
#include "console.h"
#include "cpu.h"
#include "panic.h"
#include "vm.h"

void arch_kick(struct cpu *cpu)
{
    (void)sbi_call(SBI_IPI, 0, 1, (ureg_t)cpu->config->id, 0, 0, 0);
}

void arch_vcpu_set_irq(struct cpu *cpu, bool asserted)
{
    (void)cpu;
    if (asserted)
        csr_set(hvip, 1 << IRQ_VS_EXT);
    else
        csr_clear(hvip, 1 << IRQ_VS_EXT);
}

void arch_vcpu_set_ipi(struct cpu *cpu)
{
    (void)cpu;
    csr_set(hvip, 1 << IRQ_VS_SOFT);
}

bool arch_vcpu_has_interrupt(struct cpu *cpu)
{
    (void)cpu;
    return (csr_read(hip) & csr_read(hie) & HIDELEG_GUEST) != 0;
}

bool arch_vcpu_has_timer(struct cpu *cpu)
{
    return (csr_read(hip) & cpu->arch.hie & (1u << IRQ_VS_TIMER)) != 0;
}

/* In HS mode too WFI ends with what is pending and enabled for the guest. */
void arch_vcpu_quiet(struct cpu *cpu, enum arch_quiet quiet)
{
    if (quiet == LOUD) {
        csr_write(hie, cpu->arch.hie);
        return;
    }
    cpu->arch.hie = csr_swap(hie, 0);
    if (quiet == QUIET_BUT_TIMER)
        csr_write(hie, cpu->arch.hie & (1u << IRQ_VS_TIMER));
}

uint64_t arch_guest_pc(const struct cpu *cpu)
{
    (void)cpu;
    return csr_read(sepc);
}

uint64_t arch_guest_register(const struct cpu *cpu, uint32_t number)
{
    return cpu->arch.x[number];
}

void arch_guest_state(void)
{
    console_row("    scause %lx stval %lx sstatus %lx vsstatus %lx vsatp %lx", csr_read(scause), csr_read(stval),
                csr_read(sstatus), csr_read(vsstatus), csr_read(vsatp));
}

void arch_vcpu_start(struct cpu *cpu, uint64_t pc, uint64_t arg)
{
    csr_clear(hvip, 1 << IRQ_VS_SOFT);
    timer_stop_guest();
    guest_pmu_reset(cpu);
    vcpu_enter(cpu, pc, arg);
}

void vcpu_enter(struct cpu *cpu, uint64_t pc, uint64_t arg)
{
    for (unsigned i = 0; i < 32; i++)
        cpu->arch.x[i] = 0;
    cpu->arch.x[10] = cpu->vcpu;
    cpu->arch.x[11] = (ureg_t)arg;
    csr_write(vsstatus, 0);
    csr_write(vsie, 0);
    csr_write(vstvec, 0);
    csr_write(vsscratch, 0);
    csr_write(vsepc, 0);
    csr_write(vscause, 0);
    csr_write(vstval, 0);
    csr_write(vsatp, 0);
    csr_write(scounteren, SCOUNTEREN_GUEST); /* as firmware leaves it: kernels take it that user space can read time */
    csr_write(senvcfg, 0);
    if ((cpu->config->hstateen0 & HSTATEEN0_SE0) != 0)
        csr_write(sstateen0, 0);
    ensure(csr_read(hgatp) == (ureg_t)cpu->vm->config->stage2);
    csr_write(sepc, pc);
    csr_write(sstatus, SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_FS | SSTATUS_VS);
    csr_clear(hstatus, HSTATUS_RESET);
    csr_set(hstatus, HSTATUS_SPV | HSTATUS_SPVP);
    __asm__ volatile("fence.i" ::: "memory");
    trap_return();
}
