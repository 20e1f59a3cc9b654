// SPDX-License-Identifier: Apache-2.0
#include "hypercall.h"

#include "bandwidth.h"
#include "cpu.h"
#include "manager.h"
#include "vm.h"
#include "watchdog.h"

enum hypercall_result hypercall(struct cpu *cpu, uint64_t number, uint64_t argument0, uint64_t argument1,
                                uint64_t *value)
{
    switch (number) {
    case HYPERCALL_IPC:
        /* A channel end has one doorbell, so the only event is 0. */
        return argument1 == 0 && vm_ring(cpu, argument0) ? HYPERCALL_OK : HYPERCALL_BAD_ARGUMENT;
    case HYPERCALL_VERSION:
        *value = HYPERCALL_ABI;
        return HYPERCALL_OK;
    case HYPERCALL_EXITS:
        if (PLAN_BANDWIDTH && argument0 - BANDWIDTH_FIRST < BANDWIDTH_FIGURES && bandwidth_is_regulated(cpu->index)) {
            bandwidth_note(cpu);
            *value = bandwidth_figure(cpu, (uint32_t)argument0 - BANDWIDTH_FIRST);
            return HYPERCALL_OK;
        }
        if (argument0 >= EXIT_REASONS)
            return HYPERCALL_BAD_ARGUMENT;
        *value = cpu->exits[argument0];
        return HYPERCALL_OK;
    case HYPERCALL_WATCHDOG:
        return PLAN_WATCHDOG != 0 && watchdog_pet(cpu->vm) ? HYPERCALL_OK : HYPERCALL_FAILED;
    default:
        return PLAN_MANAGER != 0 ? manager_call(cpu, number, argument0, argument1, value) : HYPERCALL_BAD_ID;
    }
}
