// SPDX-License-Identifier: Apache-2.0
/*
 * Steering other VMs: the calls of a VM whose YAML says `manager:`. A VM is named by its place among those that it may
 * steer, in the order of the YAML; `configtool header` writes these places as VM_MANAGES_<NAME>. docs/abi has the calls.
 */
#ifndef MANAGER_H
#define MANAGER_H

#include <stdbool.h>
#include <stdint.h>

enum vm_state { VM_RUNNING, VM_RESTARTING, VM_ENDED, VM_SUSPENDED };

struct vm_info {
    enum vm_state state;
    bool settled;     /* all of its vCPUs are off or suspended, where the state is so */
    bool can_restart; /* there is a copy of what it starts with */
    uint32_t vcpus;
    uint32_t criticality;
    char name[32];
};

/* False: there is no such place in the list. */
bool manager_info(uint32_t vm, struct vm_info *info);

enum vm_order { VM_STOP, VM_START, VM_RESTART, VM_SUSPEND, VM_RESUME };

/* False: not from the state that the VM is in, or it has no copy to start from. */
bool manager_order(uint32_t vm, enum vm_order order);

/* Exits of a vCPU for one reason (docs/abi). */
uint64_t manager_exits(uint32_t vm, uint32_t vcpu, uint32_t reason);

struct vm_fault {
    uint32_t count; /* 0: none so far */
    uint32_t vcpu;
    uint32_t access; /* 0 no access, 1 load, 2 store, 3 instruction fetch */
    uint64_t address;
    uint64_t pc;
};

void manager_fault(uint32_t vm, struct vm_fault *fault);

/* Kinds of events. */
enum {
    EVENT_OTHER, /* of a VM that this one does not manage */
    EVENT_BOOT,
    EVENT_START,
    EVENT_FAULT,
    EVENT_RESET,
    EVENT_POWEROFF,
    EVENT_WATCHDOG,
    EVENT_RESTART,
    EVENT_END,
    EVENT_SUSPEND,
    EVENT_RESUME,
    EVENT_HALT,
    EVENT_ORDER,
};

#define EVENT_OF_ITSELF 0xfffeu
#define EVENT_OF_NO_VM  0xffffu

struct event {
    uint64_t time;
    uint64_t address;
    uint64_t pc;
    uint32_t number;
    uint32_t kind;
    uint32_t vm;
    uint32_t vcpu;
    uint32_t detail;
};

/* Number of the event to come; 0: this system keeps none. */
uint32_t manager_next_event(void);

/* False: it is gone, or not there yet. */
bool manager_event(uint32_t number, struct event *event);

/* A sign of life for this VM's own watchdog. */
bool watchdog_pet(void);

#endif
