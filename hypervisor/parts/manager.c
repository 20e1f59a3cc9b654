// SPDX-License-Identifier: Apache-2.0
#include "manager.h"

#include "control.h"
#include "events.h"
#include "vm.h"

/* How an event names a VM to a manager: its place in the manager's list, or one of these. */
#define EVENT_ITSELF 0xfffeu
#define EVENT_NO_VM  0xffffu

/* The VM at a place in the manager's list; NULL: there is none. */
static struct vm *managed(const struct cpu *cpu, uint64_t place)
{
    const struct vm_config *own = cpu->vm->config;

    return place < own->managed_count ? &vms[own->managed[place]] : NULL;
}

static uint64_t state_word(const struct vm *vm)
{
    const struct vm_config *own = vm->config;
    uint32_t vcpus = own->vcpu_count < 255 ? own->vcpu_count : 255;

    return (uint64_t)vm_state(vm) | (uint64_t)control_settled(vm) << 8 | (uint64_t)control_restarts(vm) << 9 |
           vcpus << 16 | (uint32_t)own->criticality << 24;
}

/* Four letters of a name, 0 behind its end. */
static uint64_t name_word(const char *name, uint64_t from)
{
    uint64_t word = 0;
    uint32_t length = 0;

    while (name[length] != '\0')
        length++;
    for (uint32_t i = 0; i < 4; i++) {
        if (from < length && from + i < length)
            word |= (uint64_t)(uint8_t)name[from + i] << i * 8;
    }
    return word;
}

static enum hypercall_result steer(const struct cpu *cpu, struct vm *vm, uint64_t what)
{
    if (what >= CONTROLS)
        return HYPERCALL_BAD_ARGUMENT;
    return control(vm, (enum control)what, cpu->config->vm + 1u) == CONTROL_DONE ? HYPERCALL_OK : HYPERCALL_FAILED;
}

/* Which: the vCPU from bit 8 on, and below it the reason. */
static enum hypercall_result exits(const struct vm *vm, uint64_t which, uint64_t *value)
{
    if (which >> 8 >= vm->config->vcpu_count || (which & 0xff) >= EXIT_REASONS)
        return HYPERCALL_BAD_ARGUMENT;
    *value = vm_cpu(vm, (uint32_t)(which >> 8))->exits[which & 0xff];
    return HYPERCALL_OK;
}

static enum hypercall_result fault(const struct vm *vm, uint64_t word, uint64_t *value)
{
    const struct vm_fault *last = &vm->fault;

    switch (word) {
    case 0:
        *value = last->count;
        return HYPERCALL_OK;
    case 1:
        *value = last->vcpu | last->access << 16;
        return HYPERCALL_OK;
    case 2:
    case 3:
        *value = (uint32_t)(last->address >> (word & 1) * 32);
        return HYPERCALL_OK;
    case 4:
    case 5:
        *value = (uint32_t)(last->pc >> (word & 1) * 32);
        return HYPERCALL_OK;
    case 6:
    case 7:
        *value = (uint32_t)(last->time >> (word & 1) * 32);
        return HYPERCALL_OK;
    default:
        return HYPERCALL_BAD_ARGUMENT;
    }
}

/* What the manager may see of an event, in its own numbers; false: it is none of its business. */
static bool translate(const struct cpu *cpu, struct event *event)
{
    const struct vm_config *own = cpu->vm->config;
    uint32_t vm = event->vm;

    if (vm == RECORD_NO_VM)
        return true;
    if (event->kind == RECORD_CONTROL)
        event->detail = event->detail == 0 ? 0 : event->detail == cpu->config->vm + 1u ? 1 : 2;
    if (vm == cpu->config->vm) {
        event->vm = EVENT_ITSELF;
        return true;
    }
    for (uint32_t place = 0; place < own->managed_count; place++) {
        if (own->managed[place] == vm) {
            event->vm = (uint16_t)place;
            return true;
        }
    }
    return false;
}

static enum hypercall_result event_word(const struct cpu *cpu, uint64_t sequence, uint64_t word, uint64_t *value)
{
    struct event event;

    if (sequence > UINT32_MAX || word >= EVENT_WORDS)
        return HYPERCALL_BAD_ARGUMENT;
    if (!events_read((uint32_t)sequence, &event))
        return HYPERCALL_FAILED;
    if (!translate(cpu, &event))
        event = (struct event){.time = event.time, .sequence = event.sequence, .vm = EVENT_NO_VM};
    *value = events_word(&event, (uint32_t)word);
    return HYPERCALL_OK;
}

static enum hypercall_result event_call(const struct cpu *cpu, uint64_t number, uint64_t argument0, uint64_t argument1,
                                        uint64_t *value)
{
    if (PLAN_EVENTS == 0)
        return HYPERCALL_FAILED;
    if (number == HYPERCALL_EVENT)
        return event_word(cpu, argument0, argument1, value);
    *value = events_next();
    return HYPERCALL_OK;
}

enum hypercall_result manager_call(struct cpu *cpu, uint64_t number, uint64_t argument0, uint64_t argument1,
                                   uint64_t *value)
{
    struct vm *vm = managed(cpu, argument0);

    if (cpu->vm->config->managed_count == 0 || number < HYPERCALL_VM_STATE || number > HYPERCALL_EVENT)
        return HYPERCALL_BAD_ID;
    if (number >= HYPERCALL_EVENT_NEXT)
        return event_call(cpu, number, argument0, argument1, value);
    if (vm == NULL)
        return HYPERCALL_BAD_ARGUMENT;
    switch (number) {
    case HYPERCALL_VM_STATE:
        *value = state_word(vm);
        return HYPERCALL_OK;
    case HYPERCALL_VM_NAME:
        *value = name_word(vm->config->name, argument1);
        return HYPERCALL_OK;
    case HYPERCALL_VM_CONTROL:
        return steer(cpu, vm, argument1);
    case HYPERCALL_VM_EXITS:
        return exits(vm, argument1, value);
    default:
        return fault(vm, argument1, value);
    }
}
