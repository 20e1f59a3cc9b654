// SPDX-License-Identifier: Apache-2.0
/* Everything that brings a CPU out of its guest, but for firmware calls (guest_psci.c). */
#include "arch.h"
#include "arch/abort.h"
#include "arch/psci.h"
#include "arch/sysreg.h"
#include "bandwidth.h"
#include "config.h"
#include "cpu.h"
#include "drivers.h"
#include "gic.h"
#include "panic.h"
#include "pmu.h"
#include "timer.h"
#include "vgic-direct.h"
#include "vm.h"

void trap_interrupt(struct cpu *cpu);                    /* called by vectors.S */
_Noreturn void trap_serror(struct cpu *cpu);             /* called by vectors.S */
void trap_exception(struct cpu *cpu, uint64_t syndrome); /* called by vectors.S */
_Noreturn void trap_panic(uint64_t sp);                  /* called by vectors.S */

_Static_assert(__builtin_offsetof(struct arch_cpu, stack) == CPU_STACK, "vectors.S loads the stack from there");

static void take_interrupt(struct cpu *cpu, uint32_t acknowledged)
{
    uint32_t id = acknowledged & 0x3ff;

    gic_end(acknowledged);
    if (id == GIC_KICK || id == config.maintenance_irq) {
        gic_deactivate(acknowledged);
        if (id != GIC_KICK)
            virq_maintain(cpu);
    } else if (PLAN_TIMER && id == config.timer_irq) {
        sysreg_write(cnthp_ctl_el2, 0); /* its line falls before it is deactivated */
        isb();
        timer_expired(cpu);
        gic_deactivate(acknowledged);
    } else if (PLAN_BANDWIDTH && id == config.overflow_irq) {
        pmu_interrupt(cpu);
        gic_deactivate(acknowledged);
    } else if (id < GIC_SPI) {
        virq_physical(cpu, id); /* a private interrupt is that of the vCPU; deactivated when the guest ends it */
    } else if (id < PLAN_IRQS && config.irq_owner[id].vm == cpu->config->vm) {
        virq_physical(cpu, config.irq_owner[id].guest);
    } else if (id < PLAN_IRQS && config.irq_owner[id].vm == IRQ_HYPERVISOR) {
        console_input(cpu);
        gic_deactivate(id);
    } else {
        irqchip_enable(cpu, id, false);
        gic_deactivate(id);
    }
}

/* Why the hypervisor runs, if it was by these interrupts. */
static enum exit_reason take_interrupts(struct cpu *cpu)
{
    enum exit_reason reason = EXIT_DEVICE;

    if (vm_is_direct(cpu->vm))
        return direct_take_interrupts(cpu);
    for (uint32_t id = gic_acknowledge(); (id & 0x3ff) < GIC_SPURIOUS; id = gic_acknowledge()) {
        if ((id & 0x3ff) == GIC_KICK)
            reason = EXIT_EVENT;
        else if (PLAN_TIMER && (id & 0x3ff) == config.timer_irq)
            reason = EXIT_TIMER;
        take_interrupt(cpu, id);
    }
    return reason;
}

void arch_wait(struct cpu *cpu)
{
    if (vm_is_direct(cpu->vm))
        direct_wait();
    else
        __asm__ volatile("dsb sy\n\twfi" ::: "memory");
    (void)take_interrupts(cpu);
}

void arch_wait_held(struct cpu *cpu)
{
    /* What is direct is the guest's own business at any time, and no virtual interrupt is there to be held. */
    if (!vm_is_direct(cpu->vm))
        gic_hold(true);
    arch_wait(cpu);
    if (!vm_is_direct(cpu->vm))
        gic_hold(false);
}

void trap_interrupt(struct cpu *cpu)
{
    cpu->exits[take_interrupts(cpu)]++;
    /* A state in which the vCPU has to stop is told by an event. */
    if (__atomic_load_n(&cpu->events, __ATOMIC_RELAXED) != 0 && cpu_take_events(cpu))
        vm_vcpu_off(cpu);
    if (PLAN_BANDWIDTH && cpu->held)
        bandwidth_hold(cpu);
}

/* A bus error that nobody waited for: it is this CPU's, and so its guest's. */
_Noreturn void trap_serror(struct cpu *cpu)
{
    cpu->exits[EXIT_FAULT]++;
    vm_fault(cpu, "an access that the bus has refused (SError)");
}

/* A performance monitor that has no counters, as they are the hypervisor's: reads 0, ignores writes. */
static void no_counters(struct cpu *cpu, uint64_t syndrome)
{
    if ((syndrome & 1) != 0 && (syndrome >> 5 & 31) != 31)
        cpu->arch.x[syndrome >> 5 & 31] = 0;
    guest_skip(syndrome);
}

/* PMUv3: CRn 9 with CRm 12 to 14, CRn 14 with CRm 8 to 15. */
static bool is_pmu_register(uint64_t syndrome)
{
    uint64_t crn = syndrome >> 10 & 0xf;
    uint64_t crm = syndrome >> 1 & 0xf;

    return (syndrome >> 20 & 3) == 3 && ((crn == 9 && crm >= 12 && crm <= 14) || (crn == 14 && crm >= 8));
}

/* A write of ICC_SGI1R_EL1; every other register that traps is not the guest's, unless its interrupts are direct. */
static void sysreg_trap(struct cpu *cpu, uint64_t syndrome)
{
    uint64_t which = syndrome & 0x3ffc1e;
    uint64_t *reg = &cpu->arch.x[syndrome >> 5 & 31];
    uint64_t value = *reg;
    bool write = (syndrome & 1) == 0;

    cpu->exits[EXIT_MMIO]++;
    if (which == SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 5ul) && write && virq_write_sgi(cpu, value)) {
        guest_skip(syndrome);
    } else if (vm_is_direct(cpu->vm) && direct_sysreg(cpu, which, write, &value)) {
        if (!write && reg != &cpu->arch.x[31])
            *reg = value;
        guest_skip(syndrome);
    } else if (PLAN_BANDWIDTH && is_pmu_register(syndrome)) {
        no_counters(cpu, syndrome);
    } else {
        guest_undefined();
    }
}

void trap_exception(struct cpu *cpu, uint64_t syndrome)
{
    switch (EC(syndrome)) {
    case EC_DATA_LOWER:
        abort_data(cpu, syndrome);
        break;
    case EC_SYSREG:
        sysreg_trap(cpu, syndrome);
        break;
    case EC_FETCH_LOWER:
        abort_fetch(cpu, syndrome);
        break;
    default:
        /* What is switched off for guests, whatever else it is called: not there. */
        cpu->exits[EXIT_FAULT]++;
        guest_undefined();
        break;
    }
}

_Noreturn void trap_panic(uint64_t sp)
{
    panic("exception", sp);
}

void arch_panic_state(uint64_t sp)
{
    console_row("    esr %lx far %lx elr %lx sp %lx spsr %lx hcr %lx vttbr %lx", sysreg_read(esr_el2),
                sysreg_read(far_el2), sysreg_read(elr_el2), sp, sysreg_read(spsr_el2), sysreg_read(hcr_el2),
                sysreg_read(vttbr_el2));
}
