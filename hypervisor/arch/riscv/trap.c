// SPDX-License-Identifier: Apache-2.0
/* Everything that brings a hart out of its guest, but for firmware calls (guest_sbi.c). */
#include "arch.h"
#include "arch/access.h"
#include "arch/csr.h"
#include "arch/decode.h"
#include "arch/sbi.h"
#include "arch/timer.h"
#include "bandwidth.h"
#include "cpu.h"
#include "drivers.h"
#include "panic.h"
#include "pmu.h"
#include "vm.h"

void trap_interrupt(struct cpu *cpu, ureg_t cause); /* called by trap.S */
void trap_access(struct cpu *cpu, bool store);      /* called by trap.S */
void trap_exception(struct cpu *cpu, ureg_t cause); /* called by trap.S */
_Noreturn void trap_panic(uintptr_t sp);            /* called by trap.S */

_Static_assert(__builtin_offsetof(struct arch_cpu, stack) == CPU_STACK, "trap.S loads the stack from there");
_Static_assert(__builtin_offsetof(struct arch_cpu, scratch) == CPU_SCRATCH, "trap.S saves t0 there");
_Static_assert(__builtin_offsetof(struct arch_cpu, fixup) == CPU_FIXUP, "trap.S looks for a fix-up there");

static void take_external(struct cpu *cpu)
{
    for (uint32_t source = irqchip_claim(cpu); source != 0; source = irqchip_claim(cpu)) {
        const struct irq_owner *owner = source < PLAN_IRQS ? &config.irq_owner[source] : NULL;

        if (owner != NULL && owner->vm == IRQ_HYPERVISOR) {
            console_input(cpu);
            irqchip_complete(cpu, source);
        } else if (owner != NULL && owner->vm == cpu->config->vm) {
            virq_physical(cpu, owner->guest); /* completed when the guest does so */
        } else {
            irqchip_enable(cpu, source, false);
            irqchip_complete(cpu, source);
        }
    }
}

/* Handle the physical interrupts that are pending; events stay for the caller. */
static void take_interrupts(struct cpu *cpu)
{
    ureg_t pending = csr_read(sip) & csr_read(sie);

    if ((pending & (1u << IRQ_S_SOFT)) != 0)
        csr_clear(sip, 1u << IRQ_S_SOFT);
    if ((pending & (1u << IRQ_S_TIMER)) != 0)
        timer_fired(cpu);
    if (PLAN_BANDWIDTH && (pending & (1u << IRQ_OVERFLOW)) != 0)
        pmu_interrupt(cpu);
    if ((pending & (1u << IRQ_S_EXT)) != 0)
        take_external(cpu);
}

void arch_wait(struct cpu *cpu)
{
    __asm__ volatile("wfi" ::: "memory");
    take_interrupts(cpu);
}

void arch_wait_held(struct cpu *cpu)
{
    ureg_t enabled = csr_swap(hie, 0);

    arch_wait(cpu);
    csr_write(hie, enabled);
}

void trap_interrupt(struct cpu *cpu, ureg_t cause)
{
    switch (cause & 0xff) {
    case IRQ_S_SOFT:
        cpu->exits[EXIT_EVENT]++;
        break;
    case IRQ_S_TIMER:
        cpu->exits[EXIT_TIMER]++;
        break;
    default:
        cpu->exits[EXIT_DEVICE]++;
        break;
    }
    take_interrupts(cpu);
    if (cpu_take_events(cpu))
        vm_vcpu_off(cpu);
    if (PLAN_BANDWIDTH && cpu->held)
        bandwidth_hold(cpu);
}

/*
 * Let the guest take an exception as if the hart had raised it in its own mode: what a trap into VS-mode does (Privileged
 * specification, hypervisor extension, "Trap Entry"), done by hand.
 */
static void inject(ureg_t cause, ureg_t value)
{
    ureg_t before = csr_read(vsstatus);
    ureg_t after = before & ~(ureg_t)(SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_SIE);

    after |= csr_read(sstatus) & SSTATUS_SPP;
    if (before & SSTATUS_SIE)
        after |= SSTATUS_SPIE;
    csr_write(vsstatus, after);
    csr_write(vscause, cause);
    csr_write(vstval, value);
    csr_write(vsepc, csr_read(sepc));
    csr_write(sepc, csr_read(vstvec) & ~(ureg_t)3);
    csr_set(sstatus, SSTATUS_SPP);
}

/* The access that trapped, transformed; 0: none that could be made out. */
static uint32_t trapped_access(void)
{
    ureg_t transformed = csr_read(htinst);
    uint32_t instruction;

    /* htinst is 0 where the hart does not say; bit 0 is clear for a walk of the guest's own tables. */
    if (transformed & 1)
        return (uint32_t)transformed;
    return transformed == 0 && guest_fetch(&instruction) ? decode(instruction) : 0;
}

static bool emulate(struct cpu *cpu, const struct window *window, uint64_t ipa, uint32_t instruction, bool store)
{
    ureg_t *reg = &cpu->arch.x[transformed_register(instruction, store)];
    uint32_t width = transformed_width(instruction);
    struct vdev_access request = {ipa - window->ipa, width, store, *reg};

    if ((ipa & (width - 1)) != 0)
        return false;
    if (store && width < 8)
        request.value &= ((uint64_t)1 << (width * 8)) - 1;
    if (!vm_access(cpu, window, &request))
        return false;
    if (!store && reg != &cpu->arch.x[0])
        *reg = transformed_value(instruction, request.value);
    csr_write(sepc, csr_read(sepc) + transformed_length(instruction));
    return true;
}

/* A load or store that stage 2 stopped: for a virtual device, or one that the VM may not make. */
void trap_access(struct cpu *cpu, bool store)
{
    uint64_t ipa = (uint64_t)csr_read(htval) << 2 | (csr_read(stval) & 3);
    const struct window *window = vm_window(cpu->vm, ipa);
    uint32_t instruction = trapped_access();
    bool known = transformed_is(instruction, store);
    ureg_t address = csr_read(stval);

    if (window == NULL) {
        cpu->exits[EXIT_FAULT]++;
        vm_fault_access(cpu, store ? ACCESS_STORE : ACCESS_LOAD, ipa, known ? transformed_width(instruction) : 0);
    }
    cpu->exits[EXIT_MMIO]++;
    if (!known || !emulate(cpu, window, ipa, instruction, store))
        inject(store ? EXC_STORE_ACCESS : EXC_LOAD_ACCESS, address);
}

void trap_exception(struct cpu *cpu, ureg_t cause)
{
    switch (cause) {
    case EXC_VIRTUAL:
        /* An instruction of the hypervisor's privilege: the guest has no H extension, so for it this is illegal. */
        cpu->exits[EXIT_FAULT]++;
        inject(EXC_ILLEGAL, csr_read(stval));
        break;
    case EXC_FETCH_GUEST:
        cpu->exits[EXIT_FAULT]++;
        vm_fault_access(cpu, ACCESS_FETCH, (uint64_t)csr_read(htval) << 2 | (csr_read(stval) & 3), 0);
    default:
        cpu->exits[EXIT_FAULT]++;
        vm_fault(cpu, "an exception that no guest should be able to cause");
    }
}

_Noreturn void trap_panic(uintptr_t sp)
{
    panic("exception", sp);
}

void arch_panic_state(uint64_t sp)
{
    console_row("    scause %lx stval %lx sepc %lx sp %lx sstatus %lx hstatus %lx htval %lx hgatp %lx vsatp %lx",
                csr_read(scause), csr_read(stval), csr_read(sepc), (ureg_t)sp, csr_read(sstatus), csr_read(hstatus),
                csr_read(htval), csr_read(hgatp), csr_read(vsatp));
}
