// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include "events.h"
#include "vm.h"
#include "watchdog.h"

static void say(const struct vm *vm, enum control what, uint32_t by)
{
    static const char *const done[] = {"stopped", "started", "restarted", "suspended", "resumed"};

    _Static_assert(sizeof(done) / sizeof(done[0]) == CONTROLS, "a word for each");
    if (by == 0)
        console_message("vm '%s' %s by the console", vm->config->name, done[what]);
    else
        console_message("vm '%s' %s by vm '%s'", vm->config->name, done[what], vms[by - 1].config->name);
}

bool control_restarts(const struct vm *vm)
{
    return vm->config->restore_count != 0 && cpu_state(vm_cpu(vm, 0)) != VCPU_MISSING;
}

bool control_settled(const struct vm *vm)
{
    for (uint32_t vcpu = 0; vcpu < vm->config->vcpu_count; vcpu++) {
        const struct cpu *cpu = vm_cpu(vm, vcpu);
        enum vcpu_state state = cpu_state(cpu);

        if (state != VCPU_OFF && state != VCPU_MISSING && !__atomic_load_n(&cpu->resting, __ATOMIC_ACQUIRE))
            return false;
    }
    return true;
}

/* Into RESTARTING from an end or from life; vCPU 0 does the rest. */
static bool begin_anew(struct vm *vm, bool alive)
{
    if (alive && vm_leave(vm, VM_ALIVE, VM_RESTARTING))
        return true;
    if (!vm_leave(vm, VM_IN(VM_ENDED), VM_RESTARTING))
        return false;
    vm_revive();
    return true;
}

static bool change_state(struct vm *vm, enum control what)
{
    switch (what) {
    case CONTROL_STOP:
        return vm_leave(vm, VM_ALIVE, VM_ENDED);
    case CONTROL_START:
        return begin_anew(vm, false);
    case CONTROL_RESTART:
        return begin_anew(vm, true);
    case CONTROL_SUSPEND:
        return vm_leave(vm, VM_IN(VM_RUNNING), VM_SUSPENDED);
    case CONTROL_RESUME:
        if (PLAN_WATCHDOG != 0)
            watchdog_resume(vm);
        return vm_leave(vm, VM_IN(VM_SUSPENDED), VM_RUNNING);
    case CONTROLS:
        break;
    }
    return false;
}

static void note(const struct vm *vm, enum control what, uint32_t by)
{
    static const uint8_t kinds[] = {RECORD_END, RECORD_RESTART, RECORD_RESTART, RECORD_SUSPEND, RECORD_RESUME};
    uint32_t index = vm_cpu(vm, 0)->config->vm;

    events_note(RECORD_CONTROL, index, 0, by, 0, 0);
    events_note((enum event_kind)kinds[what], index, 0, 0, 0, 0);
}

enum control_result control(struct vm *vm, enum control what, uint32_t by)
{
    if ((what == CONTROL_START || what == CONTROL_RESTART) && !control_restarts(vm))
        return CONTROL_NO_COPY;
    if (!change_state(vm, what))
        return CONTROL_STATE;
    note(vm, what, by);
    vm_tell(vm);
    if (what == CONTROL_STOP || what == CONTROL_RESTART)
        console_end(vm);
    say(vm, what, by);
    if (what == CONTROL_STOP)
        vm_gone();
    return CONTROL_DONE;
}
