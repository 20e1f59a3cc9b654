// SPDX-License-Identifier: Apache-2.0
#include "vm.h"

#include "arch.h"
#include "drivers.h"

struct vm vms[PLAN_VMS];
struct cpu cpus[PLAN_CPUS];

static uint32_t running = PLAN_VMS; /* VMs that have not ended */

void vm_init(void)
{
    for (uint32_t i = 0; i < PLAN_VMS; i++)
        vms[i].config = &config.vms[i];
}

enum vm_start vm_start(struct vm *vm, uint32_t vcpu, uint64_t pc, uint64_t arg)
{
    struct cpu *cpu = vm_cpu(vm, vcpu);
    uint32_t state = VCPU_OFF;

    if (!__atomic_compare_exchange_n(&cpu->state, &state, VCPU_CLAIMED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return state == VCPU_MISSING ? VM_START_MISSING : VM_START_NOT_OFF;
    cpu->start_pc = pc;
    cpu->start_arg = arg;
    cpu_set_state(cpu, VCPU_STARTING);
    cpu_notify(cpu, EVENT_WAKE);
    return VM_START_OK;
}

static bool vm_has_ended(const struct vm *vm)
{
    return __atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE) != 0;
}

void vm_end(struct vm *vm, const char *how)
{
    if (__atomic_exchange_n(&vm->ended, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (uint32_t vcpu = 0; vcpu < vm->config->vcpu_count; vcpu++) {
        if (cpu_state(vm_cpu(vm, vcpu)) != VCPU_MISSING)
            cpu_notify(vm_cpu(vm, vcpu), EVENT_STOP);
    }
    console_end(vm);
    console_message("vm '%s' %s", vm->config->name, how);
    if (__atomic_sub_fetch(&running, 1, __ATOMIC_ACQ_REL) == 0) {
        console_message("all VMs have ended");
        arch_system_off(false);
    }
}

_Noreturn void vm_vcpu_off(struct cpu *cpu)
{
    const struct vm *vm = cpu->vm;
    bool others = false;

    cpu_set_state(cpu, VCPU_OFF);
    for (uint32_t vcpu = 0; vcpu < vm->config->vcpu_count; vcpu++) {
        enum vcpu_state state = cpu_state(vm_cpu(vm, vcpu));

        others |= state != VCPU_OFF && state != VCPU_MISSING;
    }
    if (!others)
        vm_end(cpu->vm, "ended: its last vCPU is off");
    cpu_park(cpu);
}

bool cpu_take_events(struct cpu *cpu)
{
    uint32_t events = __atomic_exchange_n(&cpu->events, 0, __ATOMIC_ACQUIRE);

    if (events & EVENT_IPI)
        arch_vcpu_set_ipi(cpu);
    if (events & EVENT_VIRQ)
        virq_update(cpu);
    return (events & EVENT_STOP) != 0 || vm_has_ended(cpu->vm);
}

_Noreturn void cpu_park(struct cpu *cpu)
{
    virq_reset_vcpu(cpu);
    for (;;) {
        bool stop = cpu_take_events(cpu);

        if (!stop && cpu_state(cpu) == VCPU_STARTING)
            break;
        arch_wait(cpu);
    }
    cpu_set_state(cpu, VCPU_ON);
    arch_vcpu_start(cpu, cpu->start_pc, cpu->start_arg);
}

const struct place *vm_place(const struct vm *vm, uint64_t ipa)
{
    const struct place *places = vm->config->places;

    for (uint32_t i = 0; i < vm->config->place_count; i++) {
        if (ipa - places[i].ipa < places[i].size)
            return &places[i];
    }
    return NULL;
}

bool vm_may_execute(const struct vm *vm, uint64_t ipa)
{
    const struct place *place = vm_place(vm, ipa);

    for (const char *right = place != NULL ? place->access : ""; *right != '\0'; right++) {
        if (*right == 'x')
            return true;
    }
    return false;
}

/* The place that ends or begins closest to an address; NULL: the VM has none at all. */
static const struct place *nearest_place(const struct vm *vm, uint64_t ipa)
{
    const struct place *best = NULL;
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < vm->config->place_count; i++) {
        const struct place *place = &vm->config->places[i];
        uint64_t distance = ipa < place->ipa ? place->ipa - ipa : ipa - (place->ipa + place->size - 1);

        if (distance < least) {
            least = distance;
            best = place;
        }
    }
    return best;
}

static _Noreturn void act_on_fault(struct cpu *cpu)
{
    vm_end(cpu->vm, "stopped");
    vm_vcpu_off(cpu);
}

static void print_place(const char *how, const struct place *place)
{
    console_message("  %s: '%s' 0x%llx-0x%llx %s, %s:%u", how, place->name, (unsigned long long)place->ipa,
                    (unsigned long long)(place->ipa + place->size - 1), place->access, config.file, place->line);
}

_Noreturn void vm_fault_access(struct cpu *cpu, enum access access, uint64_t ipa, uint32_t width)
{
    static const char *const names[] = {"load", "store", "instruction fetch"};
    const struct place *place = vm_place(cpu->vm, ipa);
    const char *vm = cpu->vm->config->name;
    unsigned long long pc = arch_guest_pc(cpu);
    unsigned long long at = ipa;

    if (place != NULL) {
        console_message("vm '%s' vcpu %u: %s at 0x%llx: '%s' is %s (pc 0x%llx)", vm, cpu->vcpu, names[access], at,
                        place->name, place->access, pc);
        print_place("place", place);
    } else {
        if (width != 0)
            console_message("vm '%s' vcpu %u: %s of %u byte%s at 0x%llx: nothing is mapped there (pc 0x%llx)", vm,
                            cpu->vcpu, names[access], width, width == 1 ? "" : "s", at, pc);
        else
            console_message("vm '%s' vcpu %u: %s at 0x%llx: nothing is mapped there (pc 0x%llx)", vm, cpu->vcpu,
                            names[access], at, pc);
        place = nearest_place(cpu->vm, ipa);
        if (place != NULL)
            print_place("nearest", place);
    }
    act_on_fault(cpu);
}

_Noreturn void vm_fault(struct cpu *cpu, const char *what)
{
    console_message("vm '%s' vcpu %u: %s (pc 0x%llx)", cpu->vm->config->name, cpu->vcpu, what,
                    (unsigned long long)arch_guest_pc(cpu));
    act_on_fault(cpu);
}

bool vm_ring(struct cpu *cpu, uint64_t index)
{
    const struct vm_config *own = cpu->vm->config;
    const struct channel_end *end;

    if (index >= own->channel_count)
        return false;
    end = &own->channels[index];
    for (uint32_t i = 0; i < end->ring_count; i++)
        virq_raise(&vms[end->rings[i].vm], end->rings[i].guest);
    return true;
}

const struct window *vm_window(const struct vm *vm, uint64_t ipa)
{
    for (uint32_t i = 0; i < vm->config->window_count; i++) {
        const struct window *window = &vm->config->windows[i];

        if (ipa - window->ipa < window->size)
            return window;
    }
    return NULL;
}

bool vm_access(struct cpu *cpu, const struct window *window, struct vdev_access *access)
{
    switch (window->kind) {
    case WINDOW_IRQCHIP:
        return virq_access(cpu, access);
    case WINDOW_UART:
        return vuart_access(cpu, access);
    case WINDOW_DOORBELL:
        if (access->width != 4 || access->offset != 0)
            return false;
        if (access->write)
            vm_ring(cpu, window->index);
        access->value = 0;
        return true;
    }
    return false;
}
