// SPDX-License-Identifier: Apache-2.0
#include "boot.h"

#include "console.h"
#include "cpu.h"
#include "drivers.h"
#include "events.h"
#include "vm.h"

/* The linker's build id, 20 bytes of SHA-1 (link.ld). */
extern const uint8_t __build_id_start[];

void boot_init(void)
{
    for (uint32_t i = 0; i < PLAN_VMS; i++)
        vms[i].config = &config.vms[i];
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        cpus[i].config = &config.cpus[i];
        cpus[i].vm = &vms[config.cpus[i].vm];
        cpus[i].vcpu = config.cpus[i].vcpu;
        cpus[i].index = i;
    }
}

void boot_no_memory(uint64_t address)
{
    console_message("no memory at 0x%llx, which the plan uses: this board has less than board '%s' says",
                    (unsigned long long)address, config.board);
}

void boot_cpu_missing(struct cpu *cpu)
{
    cpu_set_state(cpu, VCPU_MISSING);
    console_message("%s (" ARCH_CPU_WORD " %lu) is missing: vm '%s' vcpu %u will not run", cpu->config->name,
                    (unsigned long)cpu->config->id, cpu->vm->config->name, cpu->vcpu);
}

void boot_cpu_stuck(struct cpu *cpu, long error)
{
    bool marked;

    console_message("%s (" ARCH_CPU_WORD " %lu) does not start: the firmware answers -%lu", cpu->config->name,
                    (unsigned long)cpu->config->id, (unsigned long)-error);
    /* Another vCPU of the VM may be in vm_start(), which writes the state a second time a few instructions later. */
    do {
        uint32_t state = cpu_state(cpu);

        marked = state != VCPU_CLAIMED && __atomic_compare_exchange_n(&cpu->state, &state, VCPU_MISSING, false,
                                                                      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    } while (!marked);
    if (cpu->vcpu == 0)
        (void)vm_end(cpu->vm, "ended: its first vCPU is missing");
    else
        vm_tell(cpu->vm); /* a restart may wait for this one */
}

static uint64_t build_id(void)
{
    uint64_t id = 0;

    for (int i = 0; i < 8; i++)
        id = id << 8 | __build_id_start[i];
    return id;
}

void boot_start_vms(void)
{
    if (PLAN_EVENTS != 0)
        events_init(build_id());
    for (uint32_t i = 0; i < PLAN_VMS; i++) {
        struct vm *vm = &vms[i];
        struct cpu *cpu = vm_cpu(vm, 0);

        cpu->start_pc = vm->config->entry;
        cpu->start_arg = vm->config->dtb;
        if (cpu_state(cpu) == VCPU_MISSING)
            (void)vm_end(vm, "ended: its first vCPU is missing");
        else
            cpu_set_state(cpu, VCPU_STARTING);
        events_note(RECORD_START, i, 0, 0, 0, 0);
    }
}

void boot_console(struct cpu *cpu)
{
    if (!config.has_console || config.console.cpu != cpu->index)
        return;
    if (config.console.irq != 0) {
        uart_enable_input();
        irqchip_enable(cpu, config.console.irq, true);
    }
    console_message("%s on %s, build %016llx", config.system, config.board, (unsigned long long)build_id());
}
