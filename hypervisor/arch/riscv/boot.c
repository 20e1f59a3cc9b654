// SPDX-License-Identifier: Apache-2.0
/* From the firmware to the guests' first instructions. */
#include "arch.h"
#include "arch/csr.h"
#include "arch/sbi.h"
#include "bandwidth.h"
#include "boot.h"
#include "config.h"
#include "cpu.h"
#include "drivers.h"
#include "vm.h"

extern void hart_start(void);       /* entry.S */
extern bool probe_hypervisor(void); /* entry.S */
struct cpu *boot_prepare(ureg_t id, ureg_t missing_memory);
void boot_start_others(const struct cpu *self);
_Noreturn void hart_main(struct cpu *cpu);

static _Noreturn void give_up(void)
{
    arch_system_off(true);
}

static bool hart_exists(uint64_t id)
{
    return sbi_call(SBI_HSM, SBI_HSM_STATUS, (ureg_t)id, 0, 0, 0, 0).error == SBI_SUCCESS;
}

/* `missing_memory`: one bit for each of boot_probes where there is none. */
static void check_board(ureg_t missing_memory)
{
    bool good = missing_memory == 0;

    for (uint32_t i = 0; missing_memory != 0; i++, missing_memory >>= 1) {
        if ((missing_memory & 1) != 0)
            boot_no_memory(boot_probes[i]);
    }
    if (!probe_hypervisor()) {
        console_message("this hart has no H extension");
        good = false;
    }
    if (!good)
        give_up();
}

struct cpu *boot_prepare(ureg_t id, ureg_t missing_memory)
{
    struct cpu *self = NULL;

    boot_init();
    check_board(missing_memory);
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        cpus[i].arch.stack = (ureg_t)config.cpus[i].stack;
        if (config.cpus[i].id == id)
            self = &cpus[i];
        if (!hart_exists(config.cpus[i].id))
            boot_cpu_missing(&cpus[i]);
    }
    irqchip_init();
    boot_start_vms();
    return self;
}

void boot_start_others(const struct cpu *self)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        struct cpu *cpu = &cpus[i];
        struct sbi_result result;

        if (cpu == self || cpu_state(cpu) == VCPU_MISSING)
            continue;
        result = sbi_call(SBI_HSM, SBI_HSM_START, (ureg_t)cpu->config->id, (ureg_t)&hart_start, (ureg_t)cpu, 0, 0);
        if (result.error != SBI_SUCCESS)
            boot_cpu_stuck(cpu, result.error);
    }
}

static void check_register(const struct cpu *cpu, const char *name, uint64_t found, uint64_t planned)
{
    if (found == planned)
        return;
    console_message("%s (hart %lu) lacks what its device tree says: %s is 0x%llx, planned 0x%llx", cpu->config->name,
                    (unsigned long)cpu->config->id, name, (unsigned long long)found, (unsigned long long)planned);
    give_up();
}

/* What the guest may use of this hart; the board's device tree has promised it. */
static void set_environment(const struct cpu *cpu)
{
    csr_write64(henvcfg, config.henvcfg);
    check_register(cpu, "henvcfg", csr_read64(henvcfg), config.henvcfg);
    if (cpu->config->hstateen0 == 0)
        return;
    csr_write64(hstateen0, cpu->config->hstateen0);
    check_register(cpu, "hstateen0", csr_read64(hstateen0), cpu->config->hstateen0);
}

_Noreturn void hart_main(struct cpu *cpu)
{
    csr_write(hedeleg, HEDELEG_GUEST);
    csr_write(hideleg, HIDELEG_GUEST);
    csr_write(hie, 0);
    csr_write(hcounteren, HCOUNTEREN_GUEST);
    csr_write(hgatp, cpu->vm->config->stage2);
    __asm__ volatile(".option push\n.option arch, +h\nhfence.gvma\n.option pop" ::: "memory");
    set_environment(cpu);
    irqchip_init_cpu(cpu);
    boot_console(cpu);
    csr_write(sie, (1 << IRQ_S_SOFT) | (1 << IRQ_S_EXT));
    if (PLAN_BANDWIDTH)
        bandwidth_start(cpu);
    cpu_park(cpu);
}

_Noreturn void arch_halt(void)
{
    csr_write(sie, 0);
    for (;;)
        __asm__ volatile("wfi");
}

_Noreturn void arch_system_off(bool failed)
{
    (void)sbi_call(SBI_SRST, 0, SBI_SRST_SHUTDOWN, failed ? SBI_SRST_FAILED : 0, 0, 0, 0);
    arch_halt();
}

_Noreturn void arch_system_reset(void)
{
    (void)sbi_call(SBI_SRST, 0, SBI_SRST_COLD_REBOOT, SBI_SRST_FAILED, 0, 0, 0);
    arch_halt();
}
