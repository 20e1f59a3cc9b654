// SPDX-License-Identifier: Apache-2.0
/*
 * The SBI that guests see. Each extension is one function: it takes the guest's arguments and returns error and value.
 * Source: RISC-V Supervisor Binary Interface Specification 2.0.
 */
#include "arch.h"
#include "arch/csr.h"
#include "arch/guest_pmu.h"
#include "arch/sbi.h"
#include "arch/timer.h"
#include "bandwidth.h"
#include "bits.h"
#include "hypercall.h"
#include "vm.h"

#define SBI_VERSION         0x02000000u /* 2.0 */
#define SBI_IMPLEMENTATION  0x42484bu   /* 'BHK' */
#define DBCN_BYTES_PER_CALL 256u        /* a call may take fewer bytes than it was given: bounds the time of an exit */

void trap_call(struct cpu *cpu); /* called by trap.S */

/* A call's own work stays out of the dispatcher, which is then short. */
#define SLOW __attribute__((noinline))

static struct sbi_result result(long error, ureg_t value)
{
    return (struct sbi_result){error, value};
}

/* The n-th argument of the call, from 0. */
static ureg_t argument(const struct cpu *cpu, unsigned n)
{
    return cpu->arch.x[10 + n];
}

/*
 * A set of vCPUs as SBI names it (mask, base): bit n is hart base + n; base -1 means all.
 * False: it names one that the VM does not have.
 */
static bool select(const struct cpu *cpu, uint64_t *vcpus)
{
    uint32_t count = cpu->vm->config->vcpu_count;
    ureg_t mask = argument(cpu, 0);
    ureg_t base = argument(cpu, 1);
    uint64_t all = count == 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;

    if (base == (ureg_t)-1) {
        *vcpus = all;
        return true;
    }
    if (base >= count)
        return mask == 0;
    *vcpus = (uint64_t)mask << base;
    return *vcpus >> base == mask && (*vcpus & ~all) == 0;
}

static bool is_known(const struct cpu *cpu, ureg_t extension)
{
    switch (extension) {
    case SBI_DBCN:
        return cpu->vm->config->uart_irq != 0;
    case SBI_PMU:
        return guest_pmu_exists(cpu);
    case SBI_BASE:
    case SBI_TIME:
    case SBI_IPI:
    case SBI_RFENCE:
    case SBI_HSM:
    case SBI_SRST:
    case SBI_BAO:
        return true;
    default:
        return false;
    }
}

static struct sbi_result call_base(struct cpu *cpu, ureg_t function)
{
    switch (function) {
    case SBI_BASE_VERSION:
        return result(SBI_SUCCESS, SBI_VERSION);
    case SBI_BASE_IMPL_ID:
        return result(SBI_SUCCESS, SBI_IMPLEMENTATION);
    case SBI_BASE_IMPL_VERSION:
        return result(SBI_SUCCESS, HYPERCALL_ABI);
    case SBI_BASE_PROBE:
        return result(SBI_SUCCESS, is_known(cpu, argument(cpu, 0)));
    case SBI_BASE_MVENDORID:
    case SBI_BASE_MARCHID:
    case SBI_BASE_MIMPID:
        return sbi_call(SBI_BASE, function, 0, 0, 0, 0, 0); /* the hart's own: errata go by it */
    default:
        return result(SBI_NOT_SUPPORTED, 0);
    }
}

static struct sbi_result call_time(struct cpu *cpu, ureg_t function)
{
    if (function != 0)
        return result(SBI_NOT_SUPPORTED, 0);
#if __riscv_xlen == 64
    timer_set_guest(argument(cpu, 0));
#else
    timer_set_guest((uint64_t)argument(cpu, 1) << 32 | argument(cpu, 0));
#endif
    return result(SBI_SUCCESS, 0);
}

static SLOW struct sbi_result call_ipi(struct cpu *cpu, ureg_t function)
{
    uint64_t vcpus = 0;

    if (function != 0)
        return result(SBI_NOT_SUPPORTED, 0);
    if (!select(cpu, &vcpus))
        return result(SBI_INVALID_PARAM, 0);
    for (; vcpus != 0; vcpus &= vcpus - 1) {
        uint32_t vcpu = bit_lowest64(vcpus);

        if (vcpu == cpu->vcpu)
            arch_vcpu_set_ipi(cpu);
        else if (cpu_state(vm_cpu(cpu->vm, vcpu)) != VCPU_MISSING)
            cpu_notify(vm_cpu(cpu->vm, vcpu), EVENT_IPI);
    }
    return result(SBI_SUCCESS, 0);
}

/* The firmware does it for the harts that the vCPUs are, with the VMID of this hart, which is theirs, too. */
static SLOW struct sbi_result call_rfence(struct cpu *cpu, ureg_t function)
{
    static const uint8_t physical[] = {SBI_RFENCE_FENCE_I, SBI_RFENCE_HFENCE_VVMA, SBI_RFENCE_HFENCE_VVMA_ASID};
    struct sbi_result done = result(SBI_SUCCESS, 0);
    uint64_t vcpus = 0;

    if (function >= sizeof(physical))
        return result(SBI_NOT_SUPPORTED, 0);
    if (!select(cpu, &vcpus))
        return result(SBI_INVALID_PARAM, 0);
    while (vcpus != 0 && done.error == SBI_SUCCESS) {
        uint64_t base = vm_cpu(cpu->vm, bit_lowest64(vcpus))->config->id;
        uint64_t rest = 0;
        ureg_t mask = 0;

        for (; vcpus != 0; vcpus &= vcpus - 1) {
            const struct cpu *target = vm_cpu(cpu->vm, bit_lowest64(vcpus));
            uint64_t distance = target->config->id - base;

            if (distance >= sizeof(mask) * 8)
                rest |= vcpus & -vcpus;
            else if (cpu_state(target) != VCPU_MISSING)
                mask |= (ureg_t)1 << distance;
        }
        if (mask != 0)
            done = sbi_call(SBI_RFENCE, physical[function], mask, (ureg_t)base, argument(cpu, 2), argument(cpu, 3),
                            argument(cpu, 4));
        vcpus = rest;
    }
    return done;
}

static struct sbi_result hsm_start(struct cpu *cpu)
{
    ureg_t hart = argument(cpu, 0);

    if (hart >= cpu->vm->config->vcpu_count)
        return result(SBI_INVALID_PARAM, 0);
    if (!vm_may(cpu->vm, argument(cpu, 1), 'x'))
        return result(SBI_INVALID_ADDRESS, 0);
    switch (vm_start(cpu->vm, (uint32_t)hart, argument(cpu, 1), argument(cpu, 2))) {
    case VM_START_OK:
        return result(SBI_SUCCESS, 0);
    case VM_START_MISSING:
        return result(SBI_FAILED, 0);
    default:
        return result(SBI_ALREADY_AVAILABLE, 0);
    }
}

static struct sbi_result hsm_status(const struct cpu *cpu)
{
    if (argument(cpu, 0) >= cpu->vm->config->vcpu_count)
        return result(SBI_INVALID_PARAM, 0);
    switch (cpu_state(vm_cpu(cpu->vm, (uint32_t)argument(cpu, 0)))) {
    case VCPU_ON:
        return result(SBI_SUCCESS, SBI_HSM_STARTED);
    case VCPU_SUSPENDED:
        return result(SBI_SUCCESS, SBI_HSM_SUSPENDED);
    case VCPU_CLAIMED:
    case VCPU_STARTING:
        return result(SBI_SUCCESS, SBI_HSM_START_PENDING);
    default:
        return result(SBI_SUCCESS, SBI_HSM_STOPPED);
    }
}

static struct sbi_result hsm_suspend(struct cpu *cpu)
{
    uint32_t type = (uint32_t)argument(cpu, 0); /* of 32-bit data nothing more is used (section 3) */
    ureg_t resume = argument(cpu, 1);
    ureg_t arg = argument(cpu, 2);

    if (type != SBI_HSM_RETENTIVE && type != SBI_HSM_NON_RETENTIVE)
        return result(SBI_INVALID_PARAM, 0);
    if (type == SBI_HSM_NON_RETENTIVE && !vm_may(cpu->vm, resume, 'x'))
        return result(SBI_INVALID_ADDRESS, 0);
    cpu_set_state(cpu, VCPU_SUSPENDED);
    while (!arch_vcpu_has_interrupt(cpu)) {
        arch_wait(cpu);
        if (cpu_take_events(cpu))
            vm_vcpu_off(cpu);
    }
    if (PLAN_BANDWIDTH && cpu->held)
        bandwidth_hold(cpu);
    cpu_set_state(cpu, VCPU_ON);
    if (type == SBI_HSM_NON_RETENTIVE)
        vcpu_enter(cpu, resume, arg);
    return result(SBI_SUCCESS, 0);
}

static SLOW struct sbi_result call_hsm(struct cpu *cpu, ureg_t function)
{
    switch (function) {
    case SBI_HSM_START:
        return hsm_start(cpu);
    case SBI_HSM_STOP:
        vm_vcpu_off(cpu);
    case SBI_HSM_STATUS:
        return hsm_status(cpu);
    case SBI_HSM_SUSPEND:
        return hsm_suspend(cpu);
    default:
        return result(SBI_NOT_SUPPORTED, 0);
    }
}

static SLOW struct sbi_result call_srst(struct cpu *cpu, ureg_t function)
{
    uint32_t reason = (uint32_t)argument(cpu, 1);
    bool failed = reason == SBI_SRST_FAILED;

    if (function != 0)
        return result(SBI_NOT_SUPPORTED, 0);
    if (reason > SBI_SRST_FAILED)
        return result(SBI_INVALID_PARAM, 0);
    switch ((uint32_t)argument(cpu, 0)) {
    case SBI_SRST_SHUTDOWN:
        vm_finish(cpu->vm, &cpu->vm->config->on_poweroff, failed ? "powered off after a failure" : "powered off");
        break;
    case SBI_SRST_COLD_REBOOT:
    case SBI_SRST_WARM_REBOOT:
        vm_finish(cpu->vm, &cpu->vm->config->on_reset, failed ? "reset itself after a failure" : "reset itself");
        break;
    default:
        return result(SBI_INVALID_PARAM, 0);
    }
    vm_vcpu_off(cpu);
}

static struct sbi_result console_write(struct cpu *cpu, uint64_t count, uint64_t ipa)
{
    uint64_t done;

    if (count > DBCN_BYTES_PER_CALL)
        count = DBCN_BYTES_PER_CALL;
    for (done = 0; done < count; done++) {
        uint8_t byte;

        if (!arch_guest_read(ipa + done, &byte))
            break;
        console_put(cpu->vm, (char)byte);
    }
    return done == 0 && count != 0 ? result(SBI_INVALID_PARAM, 0) : result(SBI_SUCCESS, (ureg_t)done);
}

static struct sbi_result console_read(struct cpu *cpu, uint64_t count, uint64_t ipa)
{
    uint64_t done;

    console_idle(cpu->vm);
    if (count > DBCN_BYTES_PER_CALL)
        count = DBCN_BYTES_PER_CALL;
    for (done = 0; done < count; done++) {
        int byte = vuart_peek(cpu->vm);

        if (byte < 0) {
            if (done == 0 && !vm_may(cpu->vm, ipa, 'w'))
                return result(SBI_INVALID_PARAM, 0);
            break;
        }
        /* A byte is taken when it has been stored. */
        if (!arch_guest_write(ipa + done, (uint8_t)byte))
            return done == 0 ? result(SBI_INVALID_PARAM, 0) : result(SBI_SUCCESS, (ureg_t)done);
        (void)vuart_take(cpu->vm);
    }
    return result(SBI_SUCCESS, (ureg_t)done);
}

static SLOW struct sbi_result call_dbcn(struct cpu *cpu, ureg_t function)
{
#if __riscv_xlen == 64
    bool reachable = argument(cpu, 2) == 0;
    uint64_t ipa = argument(cpu, 1);
#else
    bool reachable = true;
    uint64_t ipa = (uint64_t)argument(cpu, 2) << 32 | argument(cpu, 1);
#endif

    if (!is_known(cpu, SBI_DBCN))
        return result(SBI_NOT_SUPPORTED, 0);
    switch (function) {
    case SBI_DBCN_WRITE:
        return reachable ? console_write(cpu, argument(cpu, 0), ipa) : result(SBI_INVALID_PARAM, 0);
    case SBI_DBCN_READ:
        return reachable ? console_read(cpu, argument(cpu, 0), ipa) : result(SBI_INVALID_PARAM, 0);
    case SBI_DBCN_WRITE_BYTE:
        console_put(cpu->vm, (char)argument(cpu, 0));
        return result(SBI_SUCCESS, 0);
    default:
        return result(SBI_NOT_SUPPORTED, 0);
    }
}

/* Bao's calls answer in a1 alone; ours as SBI functions do. */
static SLOW struct sbi_result call_hypercall(struct cpu *cpu, ureg_t function)
{
    uint64_t value = 0;
    enum hypercall_result done;

    cpu->exits[EXIT_CALL]--; /* trap_call could not know */
    cpu->exits[EXIT_HYPERCALL]++;
    done = hypercall(cpu, function, argument(cpu, 0), argument(cpu, 1), &value);
    if (function < HYPERCALL_VERSION)
        return result(SBI_SUCCESS, done);
    switch (done) {
    case HYPERCALL_OK:
        return result(SBI_SUCCESS, (ureg_t)value);
    case HYPERCALL_BAD_ID:
        return result(SBI_NOT_SUPPORTED, 0);
    case HYPERCALL_FAILED:
        return result(SBI_FAILED, 0);
    case HYPERCALL_BAD_ARGUMENT:
    default:
        return result(SBI_INVALID_PARAM, 0);
    }
}

static struct sbi_result call(struct cpu *cpu, ureg_t extension, ureg_t function)
{
    switch (extension) {
    case SBI_BASE:
        return call_base(cpu, function);
    case SBI_TIME:
        return call_time(cpu, function);
    case SBI_IPI:
        return call_ipi(cpu, function);
    case SBI_RFENCE:
        return call_rfence(cpu, function);
    case SBI_HSM:
        return call_hsm(cpu, function);
    case SBI_SRST:
        return call_srst(cpu, function);
    case SBI_DBCN:
        return call_dbcn(cpu, function);
    case SBI_PMU:
        return guest_pmu_call(cpu, function);
    case SBI_BAO:
        return call_hypercall(cpu, function);
    default:
        return result(SBI_NOT_SUPPORTED, 0);
    }
}

void trap_call(struct cpu *cpu)
{
    struct sbi_result done;

    cpu->exits[EXIT_CALL]++;
    csr_write(sepc, csr_read(sepc) + 4);
    done = call(cpu, cpu->arch.x[17], cpu->arch.x[16]);
    cpu->arch.x[10] = (ureg_t)done.error;
    cpu->arch.x[11] = done.value;
}
