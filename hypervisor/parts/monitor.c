// SPDX-License-Identifier: Apache-2.0
/*
 * Each line takes the console for itself, so that a VM that prints waits for one line at most. What is long, the events, is
 * shown in part.
 */
#include "monitor.h"

#include "arch.h"
#include "console.h"
#include "control.h"
#include "events.h"
#include "vm.h"

#define EVENTS_SHOWN 20u

void monitor_help(void)
{
    console_row("  all VMs: l list, e last events; the VM with the input: m memory, i interrupts,");
    console_row("  x stop, r start again, p pause, c continue");
}

static void show_vm(const struct vm *vm)
{
    static const char *const states[] = {"runs", "restarts", "has ended", "is suspended"};
    const struct vm_config *own = vm->config;

    console_message("%s %s: criticality %u, %u restart%s, %u fault%s%s", own->name, states[vm_state(vm)],
                    own->criticality, vm->restarts, vm->restarts == 1 ? "" : "s", vm->fault.count,
                    vm->fault.count == 1 ? "" : "s", control_restarts(vm) ? "" : ", cannot start again");
    if (vm->fault.count != 0)
        console_message("  last fault: vcpu %u, address 0x%llx, pc 0x%llx, %llu ms ago", vm->fault.vcpu,
                        (unsigned long long)vm->fault.address, (unsigned long long)vm->fault.pc,
                        (unsigned long long)((arch_time() - vm->fault.time) / (PLAN_TIMEBASE / 1000)));
}

static void show_vcpu(const struct cpu *cpu)
{
    static const char *const states[] = {"off", "is being started",       "starts",
                                         "on",  "waits for an interrupt", "missing"};
    uint64_t exits = 0;

    for (int reason = 0; reason < EXIT_REASONS; reason++)
        exits += cpu->exits[reason];
    console_message("  vcpu %u on %s: %s, %llu exits", cpu->vcpu, cpu->config->name, states[cpu_state(cpu)],
                    (unsigned long long)exits);
}

static void list(void)
{
    for (uint32_t i = 0; i < PLAN_VMS; i++) {
        show_vm(&vms[i]);
        for (uint32_t vcpu = 0; vcpu < vms[i].config->vcpu_count; vcpu++)
            show_vcpu(vm_cpu(&vms[i], vcpu));
    }
}

static void show_event(const struct event *event)
{
    unsigned long long ms = event->time / (PLAN_TIMEBASE / 1000);

    if (event->kind == RECORD_BOOT)
        console_message("  %u: %llu ms, booted, build %016llx", event->sequence, ms,
                        (unsigned long long)event->address);
    else if (event->vm >= PLAN_VMS)
        console_message("  %u: %llu ms, %s, of a VM that this image has not", event->sequence, ms,
                        events_name(event->kind));
    else if (event->kind == RECORD_FAULT || event->kind == RECORD_WATCHDOG)
        console_message("  %u: %llu ms, vm '%s' vcpu %u: %s at 0x%llx (pc 0x%llx)", event->sequence, ms,
                        vms[event->vm].config->name, event->vcpu, events_name(event->kind),
                        (unsigned long long)event->address, (unsigned long long)event->pc);
    else
        console_message("  %u: %llu ms, vm '%s': %s", event->sequence, ms, vms[event->vm].config->name,
                        events_name(event->kind));
}

static void show_events(void)
{
    uint32_t next = PLAN_EVENTS != 0 ? events_next() : 0;

    if (PLAN_EVENTS == 0) {
        console_message("this system keeps no events: hypervisor: {events: 4KiB}");
        return;
    }
    for (uint32_t i = next > EVENTS_SHOWN ? next - EVENTS_SHOWN : 1; i < next; i++) {
        struct event event;

        if (events_read(i, &event))
            show_event(&event);
    }
}

static void show_memory(const struct vm *vm)
{
    console_message("memory of %s, by its own addresses:", vm->config->name);
    for (uint32_t i = 0; i < vm->config->place_count; i++) {
        const struct place *place = &vm->config->places[i];

        console_message("  0x%llx-0x%llx %s: %s, line %u", (unsigned long long)place->ipa,
                        (unsigned long long)(place->ipa + place->size - 1), place->access, place->name, place->line);
    }
}

static void show_interrupts(const struct vm *vm)
{
    const struct vm_config *own = vm->config;

    console_message("interrupts of %s:", own->name);
    for (uint32_t n = 1; n < own->irq_count; n++) {
        uint32_t state = virq_look(vm, n);

        if (state == 0 && own->irq_physical[n] == 0)
            continue;
        console_message("  %u: %s%s%s%s", n, own->irq_physical[n] != 0 ? "physical" : "virtual",
                        (state & VIRQ_ENABLED) != 0 ? ", enabled" : "", (state & VIRQ_PENDING) != 0 ? ", pending" : "",
                        (state & VIRQ_TAKEN) != 0 ? ", taken" : "");
    }
}

static void steer(struct vm *vm, enum control what)
{
    switch (control(vm, what, 0)) {
    case CONTROL_DONE:
        break;
    case CONTROL_STATE:
        console_message("vm '%s' is in no state for that: Ctrl-E l", vm->config->name);
        break;
    case CONTROL_NO_COPY:
        console_message("vm '%s' cannot start again: its YAML does not say `restartable: true`", vm->config->name);
        break;
    }
}

bool monitor_knows(char key)
{
    switch (key) {
    case 'l':
    case 'e':
    case 'm':
    case 'i':
    case 'x':
    case 'r':
    case 'p':
    case 'c':
        return true;
    default:
        return false;
    }
}

void monitor_act(char key, struct vm *vm)
{
    switch (key) {
    case 'l':
        list();
        break;
    case 'e':
        show_events();
        break;
    case 'm':
        show_memory(vm);
        break;
    case 'i':
        show_interrupts(vm);
        break;
    case 'x':
        steer(vm, CONTROL_STOP);
        break;
    case 'r':
        steer(vm, CONTROL_RESTART);
        break;
    case 'p':
        steer(vm, CONTROL_SUSPEND);
        break;
    default:
        steer(vm, CONTROL_RESUME);
        break;
    }
}
