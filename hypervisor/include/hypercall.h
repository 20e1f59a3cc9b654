// SPDX-License-Identifier: Apache-2.0
/*
 * Hypercalls: numbers and results are those of the Bao hypervisor, so that a guest written for it runs as it is; those from
 * HYPERCALL_VERSION on are Bulkhead's own. docs/abi describes them for guests.
 */
#ifndef HYPERCALL_H
#define HYPERCALL_H

#include <stdint.h>

struct cpu;

enum hypercall {
    HYPERCALL_IPC = 1,         /* (IPC index, event): ring the doorbell of a channel end */
    HYPERCALL_VERSION = 0x40,  /* (): version of these calls */
    HYPERCALL_EXITS = 0x41,    /* (reason): how often the hypervisor ran for this vCPU */
    HYPERCALL_WATCHDOG = 0x42, /* (): a sign of life */
    /* Of managers; `vm` is a place in the manager's list. */
    HYPERCALL_VM_STATE = 0x50,   /* (vm) */
    HYPERCALL_VM_NAME = 0x51,    /* (vm, from): four letters */
    HYPERCALL_VM_CONTROL = 0x52, /* (vm, enum control) */
    HYPERCALL_VM_EXITS = 0x53,   /* (vm, vcpu << 8 | reason) */
    HYPERCALL_VM_FAULT = 0x54,   /* (vm, word) of its last fault */
    HYPERCALL_EVENT_NEXT = 0x55, /* (): number of the next event */
    HYPERCALL_EVENT = 0x56,      /* (number, word) of an event */
};

enum hypercall_result {
    HYPERCALL_OK = 0,
    HYPERCALL_FAILED = 1,
    HYPERCALL_BAD_ID = 2,
    HYPERCALL_BAD_ARGUMENT = 3,
};

#define HYPERCALL_ABI 2u

/*
 * Carry out a hypercall of a guest. `value`: what HYPERCALL_VERSION and HYPERCALL_EXITS return besides the result.
 */
enum hypercall_result hypercall(struct cpu *cpu, uint64_t number, uint64_t argument0, uint64_t argument1,
                                uint64_t *value);

#endif
