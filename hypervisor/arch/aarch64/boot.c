// SPDX-License-Identifier: Apache-2.0
/* From the firmware to the guests' first instructions. */
#include "arch.h"
#include "arch/psci.h"
#include "arch/sysreg.h"
#include "bandwidth.h"
#include "boot.h"
#include "config.h"
#include "cpu.h"
#include "drivers.h"
#include "mmio.h"
#include "vm.h"

extern void cpu_start(void);      /* entry.S */
extern void cpu_start_spin(void); /* entry.S */
struct cpu *boot_prepare(uint64_t missing_memory);
void boot_start_others(const struct cpu *self);
_Noreturn void boot_leave(void);
_Noreturn void cpu_main(struct cpu *cpu);

/* What entry.S has to know of struct cpu. */
extern const uint64_t boot_cpu_size;
const uint64_t boot_cpu_size = sizeof(struct cpu);

#define MPIDR_AFFINITY 0xff00fffffful

/* Where CPUs wait in a spin table nobody answers an SMC. */
static bool has_psci(void)
{
    return config.cpus[0].release == 0;
}

static bool cpu_exists(const struct cpu_config *planned)
{
    /* Nobody knows of a CPU in a spin table before it has come. */
    return planned->release != 0 || (planned->id == (sysreg_read(mpidr_el1) & MPIDR_AFFINITY)) ||
           psci_call(PSCI_AFFINITY_INFO, planned->id, 0, 0) >= 0;
}

struct cpu *boot_prepare(uint64_t missing_memory)
{
    struct cpu *self = NULL;

    boot_init();
    if (missing_memory != 0) {
        boot_no_memory(missing_memory);
        arch_system_off(true);
    }
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        cpus[i].arch.stack = config.cpus[i].stack;
        if (config.cpus[i].id == (sysreg_read(mpidr_el1) & MPIDR_AFFINITY))
            self = &cpus[i];
        if (!cpu_exists(&config.cpus[i]))
            boot_cpu_missing(&cpus[i]);
    }
    irqchip_init();
    boot_start_vms();
    return self;
}

void boot_start_others(const struct cpu *self)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        const struct cpu_config *planned = &config.cpus[i];
        long error;

        if (&cpus[i] == self || cpu_state(&cpus[i]) == VCPU_MISSING)
            continue;
        if (planned->release != 0) {
            mmio_write64(planned->release, (uint64_t)(uintptr_t)&cpu_start_spin);
            __asm__ volatile("dsb sy\n\tsev" ::: "memory");
            continue;
        }
        error = psci_call(PSCI_CPU_ON, planned->id, (uint64_t)(uintptr_t)&cpu_start, (uint64_t)(uintptr_t)&cpus[i]);
        if (error != 0)
            boot_cpu_stuck(&cpus[i], error);
    }
}

/* The CPU that came first is none of the plan's. */
_Noreturn void boot_leave(void)
{
    if (has_psci())
        (void)psci_call(PSCI_CPU_OFF, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}

/* Event counters of this CPU, all of them the guest's (MDCR_EL2.HPMN). */
static uint64_t counter_count(void)
{
    uint64_t version = sysreg_read(id_aa64dfr0_el1) >> 8 & 0xf;

    return version == 0 || version == 0xf ? 0 : sysreg_read(pmcr_el0) >> 11 & 0x1f;
}

_Noreturn void cpu_main(struct cpu *cpu)
{
    sysreg_write(hcr_el2, HCR_GUEST);
    sysreg_write(vtcr_el2, PLAN_VTCR);
    sysreg_write(vttbr_el2, cpu->vm->config->stage2);
    sysreg_write(cptr_el2, CPTR_NO_TRAPS);
    sysreg_write(hstr_el2, 0);
    sysreg_write(mdcr_el2, counter_count());
    sysreg_write(cnthctl_el2, CNTHCTL_GUEST);
    sysreg_write(cntvoff_el2, 0);
    sysreg_write(vpidr_el2, sysreg_read(midr_el1));
    sysreg_write(vmpidr_el2, 0x80000000ul | (cpu->vcpu / 16) << 8 | cpu->vcpu % 16);
    __asm__ volatile("tlbi vmalls12e1\n\tdsb nsh\n\tisb" ::: "memory");
    irqchip_init_cpu(cpu);
    boot_console(cpu);
    if (PLAN_BANDWIDTH)
        bandwidth_start(cpu);
    cpu_park(cpu);
}

_Noreturn void arch_halt(void)
{
    __asm__ volatile("msr daifset, #15" ::: "memory");
    for (;;)
        __asm__ volatile("wfi");
}

_Noreturn void arch_system_off(bool failed)
{
    (void)failed;
    if (has_psci())
        (void)psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    arch_halt();
}

_Noreturn void arch_system_reset(void)
{
    if (has_psci())
        (void)psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    arch_halt();
}

struct cpu *arch_this_cpu(void)
{
    return (struct cpu *)sysreg_read(tpidr_el2);
}
