// SPDX-License-Identifier: Apache-2.0
#include "manager.h"

#include <stddef.h>

#include "firmware.h"

enum {
    CALL_WATCHDOG = 0x42,
    CALL_VM_STATE = 0x50,
    CALL_VM_NAME = 0x51,
    CALL_VM_ORDER = 0x52,
    CALL_VM_EXITS = 0x53,
    CALL_VM_FAULT = 0x54,
    CALL_EVENT_NEXT = 0x55,
    CALL_EVENT = 0x56,
};

/* A 32-bit word of what a call gives; 0 where it gives nothing. */
static uint32_t word(uint32_t number, uint32_t a0, uint32_t a1)
{
    unsigned long value = 0;

    return firmware_call(number, a0, a1, &value) == 0 ? (uint32_t)value : 0;
}

static uint64_t two_words(uint32_t number, uint32_t a0, uint32_t first)
{
    return word(number, a0, first) | (uint64_t)word(number, a0, first + 1) << 32;
}

bool manager_info(uint32_t vm, struct vm_info *info)
{
    unsigned long state = 0;

    if (firmware_call(CALL_VM_STATE, vm, 0, &state) != 0) {
        return false;
    }
    info->state = (enum vm_state)(state & 0xff);
    info->settled = (state >> 8 & 1) != 0;
    info->can_restart = (state >> 9 & 1) != 0;
    info->vcpus = state >> 16 & 0xff;
    info->criticality = state >> 24 & 0xff;
    for (uint32_t i = 0; i < sizeof(info->name); i += 4) {
        uint32_t letters = word(CALL_VM_NAME, vm, i);

        for (uint32_t n = 0; n < 4; n++) {
            info->name[i + n] = (char)(letters >> n * 8);
        }
    }
    info->name[sizeof(info->name) - 1] = '\0';
    return true;
}

bool manager_order(uint32_t vm, enum vm_order order)
{
    return firmware_call(CALL_VM_ORDER, vm, order, NULL) == 0;
}

uint64_t manager_exits(uint32_t vm, uint32_t vcpu, uint32_t reason)
{
    unsigned long value = 0;

    firmware_call(CALL_VM_EXITS, vm, vcpu << 8 | reason, &value);
    return value;
}

void manager_fault(uint32_t vm, struct vm_fault *fault)
{
    uint32_t who = word(CALL_VM_FAULT, vm, 1);

    fault->count = word(CALL_VM_FAULT, vm, 0);
    fault->vcpu = who & 0xffff;
    fault->access = who >> 16;
    fault->address = two_words(CALL_VM_FAULT, vm, 2);
    fault->pc = two_words(CALL_VM_FAULT, vm, 4);
}

uint32_t manager_next_event(void)
{
    return word(CALL_EVENT_NEXT, 0, 0);
}

bool manager_event(uint32_t number, struct event *event)
{
    uint32_t who;

    if (firmware_call(CALL_EVENT, number, 0, NULL) != 0) {
        return false;
    }
    event->time = two_words(CALL_EVENT, number, 0);
    event->address = two_words(CALL_EVENT, number, 2);
    event->pc = two_words(CALL_EVENT, number, 4);
    event->number = word(CALL_EVENT, number, 6);
    who = word(CALL_EVENT, number, 7);
    event->kind = who & 0xffff;
    event->vm = who >> 16;
    who = word(CALL_EVENT, number, 8);
    event->vcpu = who & 0xffff;
    event->detail = who >> 16;
    return true;
}

bool watchdog_pet(void)
{
    return firmware_call(CALL_WATCHDOG, 0, 0, NULL) == 0;
}
