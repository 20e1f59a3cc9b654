// SPDX-License-Identifier: Apache-2.0
/* From the firmware to the guests' first instructions. */
#include "arch.h"
#include "arch/csr.h"
#include "arch/sbi.h"
#include "config.h"
#include "cpu.h"
#include "drivers.h"
#include "vm.h"

extern void hart_start(void);                /* entry.S */
extern bool probe_read(uintptr_t address);   /* entry.S */
extern bool probe_hypervisor(void);          /* entry.S */
struct cpu *boot_prepare(ureg_t id);
void boot_start_others(const struct cpu *self);
_Noreturn void hart_main(struct cpu *cpu);

/* The linker's build id, 20 bytes of SHA-1 (link.ld). */
extern const uint8_t __build_id_start[];

static _Noreturn void give_up(void)
{
    arch_system_off(true);
}

static bool hart_exists(uint64_t id)
{
    return sbi_call(SBI_HSM, SBI_HSM_STATUS, id, 0, 0, 0, 0).error == SBI_SUCCESS;
}

static void check_board(void)
{
    bool good = true;

    for (uint32_t i = 0; i < config.probe_count; i++) {
        if (!probe_read((uintptr_t)config.probes[i])) {
            console_message("no memory at 0x%llx, which the plan uses: this board has less than board '%s' says",
                            (unsigned long long)config.probes[i], config.board);
            good = false;
        }
    }
    if (!probe_hypervisor()) {
        console_message("this hart has no H extension");
        good = false;
    }
    if (!good)
        give_up();
}

/* Which of the planned harts are there; a VM goes without those that are not. */
static void find_harts(void)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        const struct cpu_config *planned = &config.cpus[i];

        if (!hart_exists(planned->id)) {
            cpu_set_state(&cpus[i], VCPU_MISSING);
            console_message("%s (hart %lu) is missing: vm '%s' vcpu %u will not run", planned->name,
                            (unsigned long)planned->id, config.vms[planned->vm].name, planned->vcpu);
        }
    }
}

/* The first vCPU of each VM starts by itself. */
static void start_vms(void)
{
    for (uint32_t i = 0; i < PLAN_VMS; i++) {
        struct vm *vm = &vms[i];
        struct cpu *cpu = vm_cpu(vm, 0);

        cpu->start_pc = vm->config->entry;
        cpu->start_arg = vm->config->dtb;
        if (cpu_state(cpu) == VCPU_MISSING)
            vm_end(vm, "ended: its first vCPU is missing");
        else
            cpu_set_state(cpu, VCPU_STARTING);
    }
}

struct cpu *boot_prepare(ureg_t id)
{
    struct cpu *self = NULL;

    vm_init();
    check_board();
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        struct cpu *cpu = &cpus[i];

        cpu->config = &config.cpus[i];
        cpu->vm = &vms[cpu->config->vm];
        cpu->vcpu = cpu->config->vcpu;
        cpu->index = i;
        cpu->arch.stack = (ureg_t)cpu->config->stack;
        if (cpu->config->id == id)
            self = cpu;
    }
    irqchip_init();
    find_harts();
    start_vms();
    return self;
}

void boot_start_others(const struct cpu *self)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        struct cpu *cpu = &cpus[i];
        struct sbi_result result;

        if (cpu == self || cpu_state(cpu) == VCPU_MISSING)
            continue;
        result = sbi_call(SBI_HSM, SBI_HSM_START, cpu->config->id, (ureg_t)&hart_start, (ureg_t)cpu, 0, 0);
        if (result.error != SBI_SUCCESS)
            console_message("%s (hart %lu) does not start: SBI error -%lu", cpu->config->name,
                            (unsigned long)cpu->config->id, (unsigned long)-result.error);
    }
}

static uint64_t build_id(void)
{
    uint64_t id = 0;

    for (int i = 0; i < 8; i++)
        id = id << 8 | __build_id_start[i];
    return id;
}

/* What the guest may use of this hart; the board's device tree has promised it. */
static void set_environment(const struct cpu *cpu)
{
    csr_write(henvcfg, config.henvcfg);
    if (csr_read(henvcfg) != (ureg_t)config.henvcfg) {
        console_message("%s (hart %lu) lacks what its device tree says: henvcfg is 0x%lx, planned 0x%lx",
                        cpu->config->name, (unsigned long)cpu->config->id, csr_read(henvcfg),
                        (unsigned long)config.henvcfg);
        give_up();
    }
}

_Noreturn void hart_main(struct cpu *cpu)
{
    csr_write(hedeleg, HEDELEG_GUEST);
    csr_write(hideleg, HIDELEG_GUEST);
    csr_write(hcounteren, HCOUNTEREN_GUEST);
    csr_write(hgatp, cpu->vm->config->stage2);
    __asm__ volatile(".option push\n.option arch, +h\nhfence.gvma\n.option pop" ::: "memory");
    set_environment(cpu);
    irqchip_init_cpu(cpu);
    if (config.has_console && config.console.cpu == cpu->index) {
        if (config.console.irq != 0) {
            uart_enable_input();
            irqchip_enable(cpu, config.console.irq, true);
        }
        console_message("%s on %s, build %016llx", config.system, config.board, (unsigned long long)build_id());
    }
    csr_write(sie, (1 << IRQ_S_SOFT) | (1 << IRQ_S_EXT));
    cpu_park(cpu);
}

_Noreturn void arch_system_off(bool failed)
{
    sbi_call(SBI_SRST, 0, SBI_SRST_SHUTDOWN, failed ? SBI_SRST_FAILED : 0, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}
