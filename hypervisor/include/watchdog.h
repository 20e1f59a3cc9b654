// SPDX-License-Identifier: Apache-2.0
/*
 * The watchdog of a VM: if the VM does not pet it for longer than its timeout, the VM ends as its YAML says. The CPU of its
 * vCPU 0 looks, by the hypervisor's timer, once in a timeout; no other VM has anything to do with it. Petting is a store.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <stdbool.h>

struct cpu;
struct vm;

/* vCPU 0 is about to run: where its VM starts now, the watchdog does, too. `cpu`: that of vCPU 0. */
void watchdog_start(struct cpu *cpu);

/* A sign of life. False: the VM has no watchdog. */
bool watchdog_pet(struct vm *vm);

/* The VM was suspended, and goes on: it has all its time again. */
void watchdog_resume(struct vm *vm);

/* The timer's deadline on this CPU is reached. */
void watchdog_look(struct cpu *cpu);

#endif
