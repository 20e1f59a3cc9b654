// SPDX-License-Identifier: Apache-2.0
/*
 * Steering a VM from outside: by a manager (manager.h) or a person at the console (monitor.h). Linked where PLAN_CONTROL is 1.
 *
 * None of this waits: a VM's CPUs are told, and come to rest by themselves when they leave the hypervisor, so with no lock
 * held. What of this is not possible in the VM's state is refused; nothing is put off.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct vm;

/* The numbers are those of the ABI. */
enum control {
    CONTROL_STOP,    /* end it: from running or suspended */
    CONTROL_START,   /* an ended one: as at first */
    CONTROL_RESTART, /* from any state, as at first */
    CONTROL_SUSPEND, /* a running one: its vCPUs keep all they have, and do not run */
    CONTROL_RESUME,  /* a suspended one */
    CONTROLS
};

enum control_result {
    CONTROL_DONE,
    CONTROL_STATE,   /* not from the state that it is in */
    CONTROL_NO_COPY, /* it cannot start again: there is no pristine copy of it, or no vCPU 0 */
};

/* `by`: 1 + index of the VM that asks, 0: the console. */
enum control_result control(struct vm *vm, enum control what, uint32_t by);

/* It can be started again. */
bool control_restarts(const struct vm *vm);

/* All of its vCPUs have come to rest: off, missing, or held in a suspension. */
bool control_settled(const struct vm *vm);

#endif
