// SPDX-License-Identifier: Apache-2.0
/*
 * What the console shows of a fault: at most thirteen lines that stay together. `configtool explain-fault` reads them, and
 * docs/troubleshooting.md shows them: change all three together.
 */
#include "arch.h"
#include "events.h"
#include "vm.h"

#define CALLERS 8u

/* Of a VM in so many ticks, what is more is a line each: a report of twelve lines takes 0.1 s of a UART of 115,200 baud. */
#define WHOLE  4u
#define WITHIN (60 * (uint64_t)PLAN_TIMEBASE)

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

/* Whether this report is to be a whole one; the console is held. */
static bool is_whole(struct vm *vm)
{
    uint64_t now = arch_time();

    if (vm->reports == 0 || now - vm->reports_since > WITHIN) {
        vm->reports_since = now;
        vm->reports = 0;
    }
    vm->reports++;
    return vm->reports <= WHOLE;
}

static void show_place(const char *how, const struct place *place)
{
    unsigned long long first = place->ipa;
    unsigned long long last = place->ipa + place->size - 1;

    if (place->line != 0)
        console_row("  %s: '%s' 0x%llx-0x%llx %s, %s:%u", how, place->name, first, last, place->access, config.file,
                    place->line);
    else
        console_row("  %s: '%s' 0x%llx-0x%llx %s, a default", how, place->name, first, last, place->access);
}

/* What the vCPU was doing: its state, its registers, who called, how often the hypervisor has run for it. */
static void show_vcpu(const struct cpu *cpu, const uint64_t *callers, uint32_t count)
{
    static const char *const titles[] = {"x0:", "x8:", "x16:", "x24:"};
    uint64_t words[8];

    arch_guest_state();
    for (uint32_t i = 0; i < 32; i++) {
        words[i % 8] = arch_guest_register(cpu, i);
        if (i % 8 == 7)
            console_words(titles[i / 8], words, 8);
    }
    console_words("called from:", callers, count);
    console_row("    exits: %lu calls, %lu hypercalls, %lu mmio, %lu device, %lu timer, %lu event, %lu other",
                (unsigned long)cpu->exits[EXIT_CALL], (unsigned long)cpu->exits[EXIT_HYPERCALL],
                (unsigned long)cpu->exits[EXIT_MMIO], (unsigned long)cpu->exits[EXIT_DEVICE],
                (unsigned long)cpu->exits[EXIT_TIMER], (unsigned long)cpu->exits[EXIT_EVENT],
                (unsigned long)cpu->exits[EXIT_FAULT]);
    if (cpu->vm->reports == WHOLE)
        console_row("    what follows within a minute is a line for each fault");
}

/* access: 1 + enum access, 0: it was none. */
static _Noreturn void act_on_fault(struct cpu *cpu, uint32_t access, uint64_t address)
{
    uint64_t pc = arch_guest_pc(cpu);

    events_note(RECORD_FAULT, cpu->config->vm, cpu->vcpu, access, address, pc);
    if (PLAN_CONTROL != 0)
        cpu->vm->fault = (struct vm_fault){cpu->vm->fault.count + 1, cpu->vcpu, access, address, pc, arch_time()};
    vm_finish(cpu->vm, &cpu->vm->config->on_fault, "stopped");
    vm_vcpu_off(cpu);
}

_Noreturn void vm_fault_access(struct cpu *cpu, enum access access, uint64_t ipa, uint32_t width)
{
    static const char *const names[] = {"load", "store", "instruction fetch", "walk of its page tables"};
    const struct place *place = vm_place(cpu->vm, ipa);
    const struct place *nearest = nearest_place(cpu->vm, ipa);
    const char *vm = cpu->vm->config->name;
    unsigned long long pc = arch_guest_pc(cpu);
    unsigned long long at = ipa;
    const char *quote = place != NULL ? "'" : "";
    const char *what = place != NULL ? place->name : "nothing is mapped there";
    const char *verb = place != NULL ? "' is " : "";
    const char *right = place != NULL ? place->access : "";
    uint64_t callers[CALLERS];
    uint32_t count = arch_guest_callers(cpu, callers, CALLERS);

    console_hold();
    if (width != 0)
        console_row("vm '%s' vcpu %u: %s of %u byte%s at 0x%llx: %s%s%s%s (pc 0x%llx)", vm, cpu->vcpu, names[access],
                    width, width == 1 ? "" : "s", at, quote, what, verb, right, pc);
    else
        console_row("vm '%s' vcpu %u: %s at 0x%llx: %s%s%s%s (pc 0x%llx)", vm, cpu->vcpu, names[access], at, quote,
                    what, verb, right, pc);
    if (is_whole(cpu->vm)) {
        if (place != NULL)
            show_place("place", place);
        else if (nearest != NULL)
            show_place("nearest", nearest);
        show_vcpu(cpu, callers, count);
    }
    console_release();
    act_on_fault(cpu, 1 + (uint32_t)access, ipa);
}

_Noreturn void vm_fault(struct cpu *cpu, const char *what)
{
    uint64_t callers[CALLERS];
    uint32_t count = arch_guest_callers(cpu, callers, CALLERS);

    console_hold();
    console_row("vm '%s' vcpu %u: %s (pc 0x%llx)", cpu->vm->config->name, cpu->vcpu, what,
                (unsigned long long)arch_guest_pc(cpu));
    if (is_whole(cpu->vm))
        show_vcpu(cpu, callers, count);
    console_release();
    act_on_fault(cpu, 0, 0);
}
