// SPDX-License-Identifier: Apache-2.0
/* Everything that brings a CPU out of its guest, but for firmware calls (guest_psci.c). */
#include "arch.h"
#include "arch/psci.h"
#include "arch/sysreg.h"
#include "config.h"
#include "cpu.h"
#include "drivers.h"
#include "gic.h"
#include "timer.h"
#include "vgic-direct.h"
#include "vm.h"

void trap_interrupt(struct cpu *cpu);                                       /* called by vectors.S */
_Noreturn void trap_serror(struct cpu *cpu);                                /* called by vectors.S */
void trap_exception(struct cpu *cpu, uint64_t syndrome);                    /* called by vectors.S */
_Noreturn void trap_panic(const struct cpu *cpu, uint64_t sp, uint64_t lr); /* called by vectors.S */

_Static_assert(__builtin_offsetof(struct arch_cpu, stack) == CPU_STACK, "vectors.S loads the stack from there");

static void take_interrupt(struct cpu *cpu, uint32_t acknowledged)
{
    uint32_t id = acknowledged & 0x3ff;

    gic_end(acknowledged);
    if (id == GIC_KICK || id == config.maintenance_irq) {
        gic_deactivate(acknowledged);
        if (id != GIC_KICK)
            virq_update(cpu);
    } else if (PLAN_TIMER && id == config.timer_irq) {
        sysreg_write(cnthp_ctl_el2, 0); /* its line falls before it is deactivated */
        isb();
        timer_expired(cpu);
        gic_deactivate(acknowledged);
    } else if (id < GIC_SPI) {
        virq_physical(cpu, id); /* a private interrupt is that of the vCPU; deactivated when the guest ends it */
    } else if (id < PLAN_IRQS && config.irq_owner[id].vm == IRQ_HYPERVISOR) {
        console_input(cpu);
        gic_deactivate(id);
    } else if (id < PLAN_IRQS && config.irq_owner[id].vm == cpu->config->vm) {
        virq_physical(cpu, config.irq_owner[id].guest);
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

void trap_interrupt(struct cpu *cpu)
{
    cpu->exits[take_interrupts(cpu)]++;
    if (cpu_take_events(cpu))
        vm_vcpu_off(cpu);
}

/* A bus error that nobody waited for: it is this CPU's, and so its guest's. */
_Noreturn void trap_serror(struct cpu *cpu)
{
    cpu->exits[EXIT_FAULT]++;
    vm_fault(cpu, "an access that the bus has refused (SError)");
}

/*
 * Let the guest take a synchronous exception at EL1, as the hardware does it (DDI 0487, AArch64.TakeException), by hand.
 */
static void inject(uint64_t syndrome, uint64_t address)
{
    uint64_t before = sysreg_read(spsr_el2);
    uint64_t vector = before & 0x10 ? 0x600 : (before & 0xf) == 5 ? 0x200 : (before & 0xf) == 4 ? 0 : 0x400;

    sysreg_write(esr_el1, syndrome | ESR_IL);
    sysreg_write(far_el1, address);
    sysreg_write(elr_el1, sysreg_read(elr_el2));
    sysreg_write(spsr_el1, before);
    sysreg_write(elr_el2, sysreg_read(vbar_el1) + vector);
    sysreg_write(spsr_el2, SPSR_EL1H_MASKED);
}

static void inject_undefined(void)
{
    inject((uint64_t)EC_UNKNOWN << 26, sysreg_read(far_el2));
}

/* A synchronous external abort: what a bus answers that has no such register. */
static void inject_abort(void)
{
    uint64_t from_el0 = (sysreg_read(spsr_el2) & 0xf) == 0;

    inject((uint64_t)(from_el0 ? EC_DATA_LOWER : EC_DATA_SAME) << 26 | ISS_EXTERNAL, sysreg_read(far_el2));
}

static void skip(void)
{
    sysreg_write(elr_el2, sysreg_read(elr_el2) + 4);
}

static uint64_t extend(uint64_t value, uint32_t width, uint64_t syndrome)
{
    uint32_t unused = 64 - width * 8;

    value = syndrome & ISS_SSE ? (uint64_t)((int64_t)(value << unused) >> unused) : value << unused >> unused;
    return syndrome & ISS_SF ? value : (uint32_t)value;
}

static void data_abort(struct cpu *cpu, uint64_t syndrome)
{
    uint64_t ipa = (sysreg_read(hpfar_el2) >> 4 & 0xfffffffffful) << 12 | (sysreg_read(far_el2) & 0xfff);
    const struct window *window = vm_window(cpu->vm, ipa);
    bool store = (syndrome & ISS_WNR) != 0;
    bool described = (syndrome & ISS_ISV) != 0;
    uint32_t width = described ? 1u << (syndrome >> 22 & 3) : 0;
    uint64_t *reg = &cpu->arch.x[syndrome >> 16 & 31];
    struct vdev_access request = {0};

    if (window == NULL || (syndrome & ISS_S1PTW)) {
        cpu->exits[EXIT_FAULT]++;
        vm_fault_access(cpu, store ? ACCESS_STORE : ACCESS_LOAD, ipa, width);
    }
    cpu->exits[EXIT_MMIO]++;
    if (!described)
        vm_fault(
            cpu,
            "an access to a virtual device that the CPU does not describe: with write-back, of a pair or a vector");
    if ((ipa & (width - 1)) != 0) {
        inject_abort();
        return;
    }
    request = (struct vdev_access){ipa - window->ipa, width, store, *reg};
    if (store && width < 8)
        request.value &= ((uint64_t)1 << width * 8) - 1;
    if (!vm_access(cpu, window, &request)) {
        inject_abort();
        return;
    }
    if (!store && reg != &cpu->arch.x[31])
        *reg = extend(request.value, width, syndrome);
    skip();
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
        skip();
    } else if (vm_is_direct(cpu->vm) && direct_sysreg(cpu, which, write, &value)) {
        if (!write && reg != &cpu->arch.x[31])
            *reg = value;
        skip();
    } else {
        inject_undefined();
    }
}

void trap_exception(struct cpu *cpu, uint64_t syndrome)
{
    switch (EC(syndrome)) {
    case EC_DATA_LOWER:
        data_abort(cpu, syndrome);
        break;
    case EC_SYSREG:
        sysreg_trap(cpu, syndrome);
        break;
    case EC_FETCH_LOWER:
        cpu->exits[EXIT_FAULT]++;
        vm_fault_access(cpu, ACCESS_FETCH,
                        (sysreg_read(hpfar_el2) >> 4 & 0xfffffffffful) << 12 | (sysreg_read(far_el2) & 0xfff), 0);
    default:
        cpu->exits[EXIT_FAULT]++;
        inject_undefined();
        break;
    }
}

_Noreturn void trap_panic(const struct cpu *cpu, uint64_t sp, uint64_t lr)
{
    static uint32_t once;

    if (__atomic_exchange_n(&once, 1, __ATOMIC_ACQ_REL) == 0)
        console_panic("hypervisor exception on %s, running for vm '%s' vcpu %u\r\n"
                      "  esr %lx far %lx elr %lx spsr %lx\r\n"
                      "  sp %lx lr %lx hcr %lx vttbr %lx\r\n",
                      cpu != NULL ? cpu->config->name : "the boot CPU", cpu != NULL ? cpu->vm->config->name : "nobody",
                      cpu != NULL ? cpu->vcpu : 0, sysreg_read(esr_el2), sysreg_read(far_el2), sysreg_read(elr_el2),
                      sysreg_read(spsr_el2), sp, lr, sysreg_read(hcr_el2), sysreg_read(vttbr_el2));
    arch_system_off(true);
}
