// SPDX-License-Identifier: Apache-2.0
#include "vm.h"

#include "arch.h"
#include "bandwidth.h"
#include "drivers.h"
#include "events.h"
#include "panic.h"
#include "stats.h"
#include "watchdog.h"

struct vm vms[PLAN_VMS];
struct cpu cpus[PLAN_CPUS];

static uint32_t running = PLAN_VMS; /* VMs that have not ended */

enum vm_start vm_start(struct vm *vm, uint32_t vcpu, uint64_t pc, uint64_t arg)
{
    struct cpu *cpu;
    uint32_t state = VCPU_OFF;

    ensure(vcpu < vm->config->vcpu_count);
    cpu = vm_cpu(vm, vcpu);
    ensure(cpu->vm == vm);
    if (!__atomic_compare_exchange_n(&cpu->state, &state, VCPU_CLAIMED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return state == VCPU_MISSING ? VM_START_MISSING : VM_START_NOT_OFF;
    cpu->start_pc = pc;
    cpu->start_arg = arg;
    cpu_set_state(cpu, VCPU_STARTING);
    cpu_notify(cpu, EVENT_WAKE);
    return VM_START_OK;
}

void vm_tell(const struct vm *vm)
{
    for (uint32_t vcpu = 0; vcpu < vm->config->vcpu_count; vcpu++) {
        if (cpu_state(vm_cpu(vm, vcpu)) != VCPU_MISSING)
            cpu_notify(vm_cpu(vm, vcpu), EVENT_WAKE);
    }
}

bool vm_leave(struct vm *vm, uint32_t from, enum vm_state next)
{
    uint32_t state = (uint32_t)vm_state(vm);

    while ((from & VM_IN(state)) != 0) {
        bool changed =
            __atomic_compare_exchange_n(&vm->state, &state, (uint32_t)next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);

        if (changed)
            return true;
    }
    return false;
}

void vm_revive(void)
{
    __atomic_fetch_add(&running, 1, __ATOMIC_ACQ_REL);
}

static _Noreturn void system_off(bool failed)
{
    if (config.stats)
        stats_print();
    arch_system_off(failed);
}

void vm_gone(void)
{
    if (__atomic_sub_fetch(&running, 1, __ATOMIC_ACQ_REL) == 0) {
        console_message("all VMs have ended");
        system_off(false);
    }
}

static uint32_t index_of(const struct vm *vm)
{
    return vm_cpu(vm, 0)->config->vm;
}

bool vm_end(struct vm *vm, const char *how)
{
    if (!vm_leave(vm, VM_ALIVE, VM_ENDED))
        return false;
    vm_tell(vm);
    events_note(RECORD_END, index_of(vm), 0, 0, 0, 0);
    console_end(vm);
    console_message("vm '%s' %s", vm->config->name, how);
    vm_gone();
    return true;
}

static enum action next_action(const struct vm *vm, const struct policy *policy)
{
    bool spent = policy->at_most != 0 && vm->restart_count >= policy->at_most &&
                 arch_time() - vm->restart_since <= policy->within;

    return policy->action == ACTION_RESTART && spent ? policy->then : policy->action;
}

static void count_restart(struct vm *vm, const struct policy *policy)
{
    uint64_t now = arch_time();

    if (vm->restart_count == 0 || now - vm->restart_since > policy->within) {
        vm->restart_since = now;
        vm->restart_count = 0;
    }
    vm->restart_count++;
}

void vm_finish(struct vm *vm, const struct policy *policy, const char *how)
{
    if (policy == &vm->config->on_reset)
        events_note(RECORD_RESET, index_of(vm), 0, 0, 0, 0);
    else if (policy == &vm->config->on_poweroff)
        events_note(RECORD_POWEROFF, index_of(vm), 0, 0, 0, 0);
    switch (next_action(vm, policy)) {
    case ACTION_RESTART:
        if (vm_leave(vm, VM_ALIVE, VM_RESTARTING)) {
            events_note(RECORD_RESTART, index_of(vm), 0, 0, 0, 0);
            count_restart(vm, policy);
            console_end(vm);
            console_message("vm '%s' %s, restarts", vm->config->name, how);
            vm_tell(vm);
        }
        break;
    case ACTION_HALT_SYSTEM:
        events_note(RECORD_HALT, index_of(vm), 0, 0, 0, 0);
        console_message("vm '%s' %s, and the system halts with it", vm->config->name, how);
        system_off(true);
    default:
        (void)vm_end(vm, how);
        break;
    }
}

/* All vCPUs are off: make everything as it was at first, and start. */
static void restart(struct cpu *cpu)
{
    struct vm *vm = cpu->vm;
    const struct vm_config *own = vm->config;

    ensure(cpu->vcpu == 0 && vm_state(vm) == VM_RESTARTING);
    /* First, so that what virq_reset() tells the others is not forgotten. */
    for (uint32_t vcpu = 0; vcpu < own->vcpu_count; vcpu++) {
        struct cpu *other = vm_cpu(vm, vcpu);

        if (cpu_state(other) != VCPU_MISSING) {
            cpu_set_state(other, VCPU_OFF);
            __atomic_store_n(&other->events, 0, __ATOMIC_RELEASE);
        }
    }
    virq_reset(cpu);
    vuart_reset(vm);
    for (uint32_t i = 0; i < own->restore_count; i++)
        arch_guest_fill(vm, &own->restores[i]);
    vm->watched = false;
    events_note(RECORD_START, index_of(vm), 0, 0, 0, 0);
    /* In this order: whoever finds the VM restarting and sees the new number is in the next restart. */
    __atomic_store_n(&vm->state, VM_RUNNING, __ATOMIC_RELEASE);
    __atomic_fetch_add(&vm->restarts, 1, __ATOMIC_RELEASE);
    (void)vm_start(vm, 0, own->entry, own->dtb);
}

void vm_join_restart(struct cpu *cpu)
{
    const struct vm *vm = cpu->vm;
    uint32_t number = __atomic_load_n(&vm->restarts, __ATOMIC_ACQUIRE) + 1;

    /* A vCPU that comes again when the restart is over must not count for the next one. */
    if (vm_state(vm) != VM_RESTARTING)
        return;
    if (cpu->vcpu != 0) {
        if (__atomic_exchange_n(&cpu->joined, number, __ATOMIC_ACQ_REL) != number)
            cpu_notify(vm_cpu(vm, 0), EVENT_WAKE);
        return;
    }
    for (uint32_t vcpu = 1; vcpu < vm->config->vcpu_count; vcpu++) {
        const struct cpu *other = vm_cpu(vm, vcpu);

        if (cpu_state(other) != VCPU_MISSING && __atomic_load_n(&other->joined, __ATOMIC_ACQUIRE) != number)
            return;
    }
    restart(cpu);
}

_Noreturn void vm_vcpu_off(struct cpu *cpu)
{
    const struct vm *vm = cpu->vm;
    bool others = false;

    panic_check();
    cpu_set_state(cpu, VCPU_OFF);
    /* Of two that go off at once, one sees the other off. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (uint32_t vcpu = 0; vcpu < vm->config->vcpu_count; vcpu++) {
        enum vcpu_state state = cpu_state(vm_cpu(vm, vcpu));

        others |= state != VCPU_OFF && state != VCPU_MISSING;
    }
    if (!others)
        (void)vm_end(cpu->vm, "ended: its last vCPU is off");
    cpu_park(cpu);
}

bool cpu_take_events(struct cpu *cpu)
{
    for (;;) {
        uint32_t events = __atomic_exchange_n(&cpu->events, 0, __ATOMIC_ACQUIRE);

        if (events & EVENT_IPI)
            arch_vcpu_set_ipi(cpu);
        if (events & EVENT_VIRQ)
            virq_update(cpu);
        if (PLAN_CONTROL == 0 || (events & EVENT_STOP) != 0 || vm_state(cpu->vm) != VM_SUSPENDED)
            return (events & EVENT_STOP) != 0 || vm_state(cpu->vm) != VM_RUNNING;
        /* Suspended: the vCPU stays where it is, and what is raised for it waits with it. */
        __atomic_store_n(&cpu->resting, true, __ATOMIC_RELEASE);
        arch_wait_held(cpu);
        __atomic_store_n(&cpu->resting, false, __ATOMIC_RELEASE);
    }
}

_Noreturn void cpu_park(struct cpu *cpu)
{
    if (PLAN_BANDWIDTH)
        bandwidth_note(cpu);
    virq_reset_vcpu(cpu);
    for (;;) {
        (void)cpu_take_events(cpu);
        panic_check();
        if (vm_state(cpu->vm) == VM_RESTARTING)
            vm_join_restart(cpu);
        /* One that has used its budget has no other by starting anew. */
        if (vm_state(cpu->vm) == VM_RUNNING && cpu_state(cpu) == VCPU_STARTING && !(PLAN_BANDWIDTH && cpu->held))
            break;
        /* Told to start by a VM that ended before it did. */
        if (vm_state(cpu->vm) == VM_ENDED && cpu_state(cpu) == VCPU_STARTING)
            cpu_set_state(cpu, VCPU_OFF);
        arch_wait(cpu);
    }
    cpu_set_state(cpu, VCPU_ON);
    if (PLAN_WATCHDOG != 0 && cpu->vcpu == 0)
        watchdog_start(cpu);
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

bool vm_may(const struct vm *vm, uint64_t ipa, char wanted)
{
    const struct place *place = vm_place(vm, ipa);

    for (const char *right = place != NULL ? place->access : ""; *right != '\0'; right++) {
        if (*right == wanted)
            return true;
    }
    return false;
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
            (void)vm_ring(cpu, window->index);
        access->value = 0;
        return true;
    }
    return false;
}
