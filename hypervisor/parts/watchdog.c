// SPDX-License-Identifier: Apache-2.0
#include "watchdog.h"

#include "arch.h"
#include "events.h"
#include "timer.h"
#include "vm.h"

/*
 * Time is kept in 32 bits, which one store writes whole on every architecture: in ticks, or in 1024 of them where they are
 * short. They go round after more than an hour, and check refuses timeouts that come near.
 */
#define UNIT (PLAN_TIMEBASE > 4000000 ? 10u : 0u)

static uint32_t now(void)
{
    return (uint32_t)(arch_time() >> UNIT);
}

static void pet(struct vm *vm)
{
    __atomic_store_n(&vm->petted, now(), __ATOMIC_RELAXED);
}

/* Ticks since the last sign of life. */
static uint64_t silent(const struct vm *vm)
{
    return (uint64_t)(now() - __atomic_load_n(&vm->petted, __ATOMIC_RELAXED)) << UNIT;
}

/*
 * Look again when the time is over that is left of `allowed`, ticks; after a timeout at the latest, for by then the VM may have
 * given its first sign.
 */
static void look_later(struct cpu *cpu, uint64_t allowed)
{
    uint64_t passed = silent(cpu->vm);
    uint64_t rest = passed < allowed ? allowed - passed : 0;
    uint64_t timeout = cpu->vm->config->watchdog.timeout;

    timer_set(cpu, TIMER_WATCHDOG, arch_time() + (rest < timeout ? rest : timeout) + (1u << UNIT));
}

bool watchdog_pet(struct vm *vm)
{
    if (vm->config->watchdog.timeout == 0)
        return false;
    pet(vm);
    vm->awake = true;
    return true;
}

void watchdog_start(struct cpu *cpu)
{
    struct vm *vm = cpu->vm;
    const struct watchdog_config *own = &vm->config->watchdog;

    if (own->timeout == 0 || vm->watched)
        return;
    vm->watched = true;
    vm->awake = false;
    pet(vm);
    look_later(cpu, own->start);
}

void watchdog_resume(struct vm *vm)
{
    pet(vm);
}

void watchdog_look(struct cpu *cpu)
{
    struct vm *vm = cpu->vm;
    const struct watchdog_config *own = &vm->config->watchdog;
    uint64_t allowed = vm->awake ? own->timeout : own->start;
    uint64_t passed = silent(vm);

    if (own->timeout == 0)
        return;
    switch (vm_state(vm)) {
    case VM_SUSPENDED: /* who is kept from running gives no sign; it has all its time when it goes on */
        pet(vm);
        look_later(cpu, allowed);
        break;
    case VM_RUNNING:
        if (passed < allowed) {
            look_later(cpu, allowed);
            break;
        }
        events_note(RECORD_WATCHDOG, cpu->config->vm, 0, 0, 0, arch_guest_pc(cpu));
        console_message("vm '%s' vcpu 0: no sign of life for %u ms, its watchdog bites (pc 0x%llx)", vm->config->name,
                        (unsigned)(passed / (PLAN_TIMEBASE / 1000)), (unsigned long long)arch_guest_pc(cpu));
        vm_finish(vm, &own->policy, "was silent for too long");
        break;
    case VM_RESTARTING:
    case VM_ENDED:
    default: /* its next start sets the timer again */
        break;
    }
}
