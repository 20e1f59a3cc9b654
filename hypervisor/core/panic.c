// SPDX-License-Identifier: Apache-2.0
#include "panic.h"

#include "arch.h"
#include "console.h"
#include "cpu.h"
#include "drivers.h"
#include "vm.h"

#define CALLERS   12u
#define GUARD     4096u /* bytes of the unmapped page below a stack */
#define OWN_FRAME 128u  /* bytes, at most, of the stack below `callers` that the search for them takes */

static uint32_t panicked; /* 1: a CPU has */

void panic_check(void)
{
    if (__atomic_load_n(&panicked, __ATOMIC_ACQUIRE) != 0)
        arch_halt();
}

static bool is_text(uintptr_t word)
{
    uintptr_t text = PLAN_TEXT_BASE;

    return word - text < PLAN_TEXT_SIZE;
}

/*
 * What on the stack may be a return address, the innermost first: there are no frame pointers. explain-fault leaves out
 * what no call stands before.
 */
static uint32_t find_callers(uintptr_t sp, uintptr_t top, uint64_t *callers)
{
    uintptr_t own = (uintptr_t)callers - OWN_FRAME;
    uint32_t count = 0;

    /* In the unmapped page: the innermost frames stand just above it. */
    if (top - sp > PLAN_STACK_SIZE && top - sp <= PLAN_STACK_SIZE + GUARD)
        sp = top - PLAN_STACK_SIZE;
    if (sp >= top || top - sp > PLAN_STACK_SIZE || sp % sizeof(uintptr_t) != 0)
        return 0;
    /* Where the stack had to be started anew, its upper part is this panic's. */
    if (own > sp && own < top)
        top = own;
    for (const uintptr_t *word = (const uintptr_t *)sp; word < (const uintptr_t *)top && count < CALLERS; word++) {
        if (is_text(*word)) {
            callers[count] = *word;
            count++;
        }
    }
    return count;
}

_Noreturn void panic(const char *what, uintptr_t sp)
{
    const struct cpu *cpu = arch_this_cpu();
    uint64_t callers[CALLERS];
    uint32_t count = 0;

    /* The first to panic has the word; any other, and the same one again, ends here. */
    if (__atomic_exchange_n(&panicked, 1, __ATOMIC_ACQ_REL) != 0)
        arch_halt();
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        if (&cpus[i] != cpu && cpu_state(&cpus[i]) != VCPU_MISSING)
            cpu_notify(&cpus[i], EVENT_STOP);
    }
    console_seize();
    if (cpu != NULL) {
        count = find_callers(sp, (uintptr_t)cpu->config->stack, callers);
        console_row("hypervisor panic on %s, running for vm '%s' vcpu %u: %s", cpu->config->name, cpu->vm->config->name,
                    cpu->vcpu, what);
    } else {
        console_row("hypervisor panic on the boot CPU: %s", what);
    }
    arch_panic_state(sp);
    if (count != 0)
        console_words("called from:", callers, count);
    if (cpu != NULL) /* else the interrupt controller itself may be what faulted, and nothing is enabled yet */
        irqchip_quiet();
    switch (config.on_panic) {
    case PANIC_HALT:
        console_row("all CPUs halt");
        arch_halt();
    case PANIC_RESET:
        console_row("the board is reset");
        arch_system_reset();
    default:
        console_row("the board is powered off");
        arch_system_off(true);
    }
}

_Noreturn void ensure_failed(const char *place)
{
    panic(place, (uintptr_t)__builtin_frame_address(0));
}
