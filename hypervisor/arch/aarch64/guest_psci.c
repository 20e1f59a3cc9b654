// SPDX-License-Identifier: Apache-2.0
/*
 * The firmware that guests see: PSCI 1.1 and the hypercalls, by HVC and by SMC.
 * Source: Arm DEN 0022F (PSCI), DEN 0028E (SMCCC).
 */
#include "arch.h"
#include "arch/psci.h"
#include "arch/sysreg.h"
#include "bandwidth.h"
#include "hypercall.h"
#include "vm.h"

#define VERSION_1_1    0x00010001u
#define NO_MIGRATION   2u /* a trusted OS that needs none, or none at all */
#define POWER_DOWN     (1u << 16)
#define POWER_RESERVED 0xfcfe0000u /* of power_state in its original format; section 5.4.2 */
#define RESET2_VENDOR  0x80000000u

void trap_call(struct cpu *cpu, uint64_t syndrome); /* called by vectors.S */

/* vCPU of an affinity (MPIDR's fields); -1: the VM has none. */
static int vcpu_of(const struct vm *vm, uint64_t affinity)
{
    uint64_t vcpu = (affinity >> 8 & 0xff) * 16 + (affinity & 0xff);

    return (affinity & ~0xff0ful) == 0 && vcpu < vm->config->vcpu_count ? (int)vcpu : -1;
}

/* `level` is 32 bits in both forms, as every argument that is no address, affinity or context (section 5.1). */
static long affinity_info(const struct cpu *cpu, uint64_t affinity, uint32_t level)
{
    int vcpu = vcpu_of(cpu->vm, affinity);

    if (vcpu < 0 || level != 0)
        return PSCI_INVALID_PARAMETERS;
    switch (cpu_state(vm_cpu(cpu->vm, (uint32_t)vcpu))) {
    case VCPU_ON:
    case VCPU_SUSPENDED:
        return PSCI_STATE_ON;
    case VCPU_CLAIMED:
    case VCPU_STARTING:
        return PSCI_STATE_ON_PENDING;
    default:
        return PSCI_STATE_OFF;
    }
}

static long cpu_on(struct cpu *cpu, uint64_t affinity, uint64_t entry, uint64_t context)
{
    int vcpu = vcpu_of(cpu->vm, affinity);

    if (vcpu < 0)
        return PSCI_INVALID_PARAMETERS;
    if (!vm_may(cpu->vm, entry, 'x'))
        return PSCI_INVALID_ADDRESS;
    switch (vm_start(cpu->vm, (uint32_t)vcpu, entry, context)) {
    case VM_START_OK:
        return PSCI_SUCCESS;
    case VM_START_MISSING:
        return PSCI_INTERNAL_FAILURE;
    default:
        return affinity_info(cpu, affinity, 0) == PSCI_STATE_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
    }
}

/* Wait for an interrupt; then go on, or from the entry where the vCPU was to be powered down. */
static long suspend(struct cpu *cpu, uint32_t power_state, uint64_t entry, uint64_t context)
{
    bool power_down = (power_state & POWER_DOWN) != 0;

    if ((power_state & POWER_RESERVED) != 0)
        return PSCI_INVALID_PARAMETERS;
    if (power_down && !vm_may(cpu->vm, entry, 'x'))
        return PSCI_INVALID_ADDRESS;
    cpu_set_state(cpu, VCPU_SUSPENDED);
    while (!arch_vcpu_has_interrupt(cpu)) {
        arch_wait(cpu);
        if (cpu_take_events(cpu))
            vm_vcpu_off(cpu);
    }
    if (PLAN_BANDWIDTH && cpu->held)
        bandwidth_hold(cpu);
    cpu_set_state(cpu, VCPU_ON);
    if (power_down)
        arch_vcpu_start(cpu, entry, context);
    return PSCI_SUCCESS;
}

/* All other vCPUs have to be off. */
static long system_suspend(struct cpu *cpu, uint64_t entry, uint64_t context)
{
    for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++) {
        enum vcpu_state state = cpu_state(vm_cpu(cpu->vm, vcpu));

        if (vcpu != cpu->vcpu && state != VCPU_OFF && state != VCPU_MISSING)
            return PSCI_DENIED;
    }
    return suspend(cpu, POWER_DOWN, entry, context);
}

static _Noreturn void finish(struct cpu *cpu, const struct policy *policy, const char *how)
{
    vm_finish(cpu->vm, policy, how);
    vm_vcpu_off(cpu);
}

static long features(uint32_t function)
{
    switch (function) {
    case PSCI_VERSION:
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_SUSPEND & ~PSCI_64:
    case PSCI_CPU_OFF:
    case PSCI_CPU_ON:
    case PSCI_CPU_ON & ~PSCI_64:
    case PSCI_AFFINITY_INFO:
    case PSCI_AFFINITY_INFO & ~PSCI_64:
    case PSCI_MIGRATE_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
    case PSCI_SYSTEM_SUSPEND:
    case PSCI_SYSTEM_SUSPEND & ~PSCI_64:
    case PSCI_SYSTEM_RESET2:
    case PSCI_SYSTEM_RESET2 & ~PSCI_64:
    case SMCCC_VERSION:
        return PSCI_SUCCESS;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

/*
 * The mitigations act on the CPU that calls, which is this vCPU's for ever: what the board's firmware has of them is the
 * guest's. A board whose CPUs wait in a spin table has no firmware to call.
 */
static long ask_firmware(const struct cpu *cpu, uint32_t function, uint64_t argument)
{
    return cpu->config->release == 0 ? psci_call(function, argument, 0, 0) : PSCI_NOT_SUPPORTED;
}

static long arch_features(const struct cpu *cpu, uint32_t function)
{
    switch (function) {
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES:
        return PSCI_SUCCESS;
    case SMCCC_WORKAROUND_1:
    case SMCCC_WORKAROUND_2:
    case SMCCC_WORKAROUND_3:
        return ask_firmware(cpu, SMCCC_ARCH_FEATURES, function);
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

/* The 32-bit form of a call has 32-bit arguments. */
static uint64_t argument_mask(uint32_t function)
{
    return function & PSCI_64 ? UINT64_MAX : UINT32_MAX;
}

static void call_hypercall(struct cpu *cpu, uint32_t function)
{
    uint32_t number = function & 0xff;
    uint64_t mask = argument_mask(function);
    uint64_t value = 0;

    cpu->exits[EXIT_HYPERCALL]++;
    cpu->arch.x[0] = hypercall(cpu, number, cpu->arch.x[1] & mask, cpu->arch.x[2] & mask, &value);
    if (number >= HYPERCALL_VERSION)
        cpu->arch.x[1] = value;
}

static bool allows(const struct firmware_row *row, const uint64_t *arguments)
{
    for (unsigned i = 0; i < FIRMWARE_HALVES; i++) {
        uint32_t half = (uint32_t)(arguments[i / 2] >> (i % 2 * 32));

        if (half < row->low[i] || half > row->high[i])
            return false;
    }
    return true;
}

/* What the VM's YAML lists goes on to the board's firmware, which answers in x0 to x3. */
static long pass_on(struct cpu *cpu, uint32_t function)
{
    const struct vm_config *vm = cpu->vm->config;
    uint64_t mask = argument_mask(function);
    uint64_t x[8];

    x[0] = function;
    for (unsigned i = 1; i < 8; i++)
        x[i] = cpu->arch.x[i] & mask;
    for (uint32_t i = 0; i < vm->firmware_count && vm->firmware[i].function <= function; i++) {
        if (vm->firmware[i].function == function && allows(&vm->firmware[i], &x[1])) {
            psci_pass(x);
            for (unsigned result = 1; result < 4; result++)
                cpu->arch.x[result] = x[result];
            return (long)x[0];
        }
    }
    return PSCI_NOT_SUPPORTED;
}

static long call(struct cpu *cpu, uint32_t function, const uint64_t *arguments)
{
    uint64_t mask = argument_mask(function);
    uint64_t first = arguments[0] & mask;
    uint64_t second = arguments[1] & mask;
    uint64_t third = arguments[2] & mask;

    switch (function) {
    case PSCI_VERSION:
    case SMCCC_VERSION:
        return VERSION_1_1;
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_SUSPEND & ~PSCI_64:
        return suspend(cpu, (uint32_t)first, second, third);
    case PSCI_CPU_OFF:
        vm_vcpu_off(cpu);
    case PSCI_CPU_ON:
    case PSCI_CPU_ON & ~PSCI_64:
        return cpu_on(cpu, first, second, third);
    case PSCI_AFFINITY_INFO:
    case PSCI_AFFINITY_INFO & ~PSCI_64:
        return affinity_info(cpu, first, (uint32_t)second);
    case PSCI_MIGRATE_TYPE:
        return NO_MIGRATION;
    case PSCI_SYSTEM_OFF:
        finish(cpu, &cpu->vm->config->on_poweroff, "powered off");
    case PSCI_SYSTEM_RESET:
        finish(cpu, &cpu->vm->config->on_reset, "reset itself");
    case PSCI_SYSTEM_RESET2:
    case PSCI_SYSTEM_RESET2 & ~PSCI_64:
        if ((uint32_t)first != 0 && (first & RESET2_VENDOR) == 0)
            return PSCI_INVALID_PARAMETERS;
        finish(cpu, &cpu->vm->config->on_reset, "reset itself");
    case PSCI_SYSTEM_SUSPEND:
    case PSCI_SYSTEM_SUSPEND & ~PSCI_64:
        return system_suspend(cpu, first, second);
    case PSCI_FEATURES:
        return features((uint32_t)first);
    case SMCCC_ARCH_FEATURES:
        return arch_features(cpu, (uint32_t)first);
    case SMCCC_WORKAROUND_1:
    case SMCCC_WORKAROUND_2:
    case SMCCC_WORKAROUND_3:
        return ask_firmware(cpu, function, first);
    default:
        return PLAN_FIRMWARE ? pass_on(cpu, function) : PSCI_NOT_SUPPORTED;
    }
}

void trap_call(struct cpu *cpu, uint64_t syndrome)
{
    uint32_t function = (uint32_t)cpu->arch.x[0];

    /* A trapped SMC has not been executed. */
    if (EC(syndrome) == EC_SMC)
        sysreg_write(elr_el2, sysreg_read(elr_el2) + 4);
    if ((syndrome & 0xffff) != 0) {
        cpu->arch.x[0] = (uint64_t)PSCI_NOT_SUPPORTED;
    } else if ((function & SMCCC_HYPERCALL_MASK) == SMCCC_HYPERCALL) {
        call_hypercall(cpu, function);
    } else {
        cpu->exits[EXIT_CALL]++;
        cpu->arch.x[0] = (uint64_t)call(cpu, function, &cpu->arch.x[1]);
    }
}
