// SPDX-License-Identifier: Apache-2.0
#ifndef MANAGER_H
#define MANAGER_H

#include <stdint.h>

#include "hypercall.h"

struct cpu;

/*
 * A hypercall of those that only managers have; linked where PLAN_MANAGER is 1. Whatever a guest passes is checked: a VM is
 * named by its place in the caller's own list (struct vm_config.managed), so that no number reaches another.
 */
enum hypercall_result manager_call(struct cpu *cpu, uint64_t number, uint64_t argument0, uint64_t argument1,
                                   uint64_t *value);

#endif
