// SPDX-License-Identifier: Apache-2.0
/* PSCI 1.1 and the hypercalls as a guest sees them. Source: Arm DEN 0022 (PSCI), DEN 0028 (SMCCC). */
#include <string.h>

#include "check.h"
#include "fake.h"
#include "hypercall.h"

#define ENTRY       0x40000100u
#define HIGH        0xdead000000000000u /* upper halves that a 32-bit call does not have */
#define ERROR(name) ((uint64_t)(int64_t)PSCI_##name)

static struct cpu *vcpu[3];

static void boot(void)
{
    fake_boot();
    for (unsigned i = 0; i < 3; i++)
        vcpu[i] = fake_cpu(0, i);
}

static uint64_t call(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
    return guest_hvc(vcpu[0], function, x1, x2, x3);
}

TEST(psci_version)
{
    boot();
    CHECK_EQ(call(PSCI_VERSION, 0, 0, 0), 0x10001);
    CHECK_EQ(call(HIGH | PSCI_VERSION, 0, 0, 0), 0x10001); /* w0 alone counts */
    CHECK_EQ(call(SMCCC_VERSION, 0, 0, 0), 0x10001);
    CHECK_EQ(call(PSCI_MIGRATE_TYPE, 0, 0, 0), 2);
    CHECK_EQ(vcpu[0]->exits[EXIT_CALL], 4);
}

TEST(psci_unknown)
{
    static const uint32_t functions[] = {0,          0x84000005, 0x84000007, 0x8400000b, 0x84000013,
                                         0xc4000000, 0xc4000002, 0xc4000008, 0xc400000a, 0x80008001,
                                         0x80000002, 0xffffffff, 0x87000000, 0x85000001, 0x04000000};

    boot();
    for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        CHECK_EQ(call(functions[i], 0, 0, 0), ERROR(NOT_SUPPORTED));
}

TEST(psci_features)
{
    static const uint32_t there[] = {0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003,
                                     0x84000004, 0xc4000004, 0x84000006, 0x84000008, 0x84000009, 0x8400000a,
                                     0x8400000e, 0xc400000e, 0x84000012, 0xc4000012, 0x80000000};

    boot();
    for (unsigned i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        CHECK_EQ(call(PSCI_FEATURES, there[i], 0, 0), 0);
        CHECK_EQ(call(PSCI_FEATURES, HIGH | there[i], 0, 0), 0);
    }
    CHECK_EQ(call(PSCI_FEATURES, 0x84000005, 0, 0), ERROR(NOT_SUPPORTED));
    CHECK_EQ(call(PSCI_FEATURES, 0xc4000000, 0, 0), ERROR(NOT_SUPPORTED));
    CHECK_EQ(call(PSCI_FEATURES, 0, 0, 0), ERROR(NOT_SUPPORTED));
    CHECK_EQ(call(SMCCC_ARCH_FEATURES, 0x80000000, 0, 0), 0);
    CHECK_EQ(call(SMCCC_ARCH_FEATURES, 0x80000002, 0, 0), ERROR(NOT_SUPPORTED));
    CHECK_EQ(fake_call_count, 0);
}

/* Mitigations are the firmware's: asked for with what the guest says, and not where there is none. */
TEST(psci_workarounds)
{
    boot();
    CHECK_EQ(call(SMCCC_ARCH_FEATURES, HIGH | 0x80008000, 0, 0), 0);
    CHECK_EQ(call(SMCCC_ARCH_FEATURES, 0x80003fff, 0, 0), 1);
    CHECK_EQ(call(SMCCC_ARCH_FEATURES, 0x80007fff, 0, 0), ERROR(NOT_SUPPORTED));
    CHECK_EQ(fake_calls[0].args[0], 0x80008000);
    CHECK_EQ(call(0x80008000, 7, 8, 9), 0);
    CHECK_EQ(fake_calls[3].function, 0x80008000);
    CHECK_EQ(vcpu[0]->arch.x[1], 7); /* its registers are its own */
    CHECK_EQ(call(0x80007fff, HIGH | 1, 0, 0), ERROR(NOT_SUPPORTED));
    CHECK_EQ(fake_calls[4].args[0], 1);
    CHECK_EQ(fake_call_count, 5);
}

/* Whatever features() says is there, is; nothing else answers. */
TEST(psci_features_are_true)
{
    boot();
    for (uint32_t form = 0; form < 2; form++) {
        for (uint32_t n = 0; n < 0x20; n++) {
            uint32_t function = 0x84000000 | form << 30 | n;
            bool there = call(PSCI_FEATURES, function, 0, 0) == 0;
            enum outcome outcome;

            if (function == PSCI_CPU_OFF || function == PSCI_SYSTEM_OFF || function == PSCI_SYSTEM_RESET ||
                (function & ~PSCI_64) == (PSCI_SYSTEM_RESET2 & ~PSCI_64) || (function & ~PSCI_64) == 0x84000001 ||
                (function & ~PSCI_64) == 0x8400000e)
                continue; /* those end it */
            outcome = guest_hvc_outcome(vcpu[0], function, UINT32_MAX, 0, 0);
            CHECK_EQ(outcome, RETURNED);
            if (!there)
                CHECK_EQ(vcpu[0]->arch.x[0], ERROR(NOT_SUPPORTED));
            else if (function != PSCI_FEATURES) /* which says so of ~0 */
                CHECK(vcpu[0]->arch.x[0] != ERROR(NOT_SUPPORTED));
        }
    }
}

static uint64_t passed(struct cpu *cpu, uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
    for (unsigned i = 4; i < 18; i++)
        cpu->arch.x[i] = HIGH | i;
    return guest_hvc(cpu, function, x1, x2, x3);
}

/* What the plan lists goes to the firmware with all registers, and its four results come back, no more. */
TEST(psci_passed_on)
{
    boot();
    CHECK_EQ(passed(vcpu[1], HIGH | 0xc2000024, (uint64_t)5 << 32 | 69, HIGH, 3), 0xf00000000u);
    CHECK_EQ(fake_pass_count, 1);
    CHECK_EQ(fake_passed[0], 0xc2000024);
    CHECK_EQ(fake_passed[1], (uint64_t)5 << 32 | 69);
    CHECK_EQ(fake_passed[2], HIGH);
    CHECK_EQ(fake_passed[3], 3);
    for (unsigned i = 4; i < 8; i++)
        CHECK_EQ(fake_passed[i], HIGH | i);
    for (unsigned i = 1; i < 4; i++)
        CHECK_EQ(vcpu[1]->arch.x[i], 0xf00000000u + i);
    for (unsigned i = 4; i < 18; i++)
        CHECK_EQ(vcpu[1]->arch.x[i], HIGH | i);
    CHECK_EQ(vcpu[1]->exits[EXIT_CALL], 1);
    CHECK_EQ(fake_call_count, 0);
}

/* Each half of each argument counts; a 32-bit call has 32-bit arguments. */
TEST(psci_passed_on_by_argument)
{
    static const struct {
        uint64_t function, x1, x2, x3;
        bool passes;
    } cases[] = {
        {0xc2000024, 68, 0, 0, false},
        {0xc2000024, 70, 0, 0, false},
        {0xc2000024, 71, 0, 0, true},
        {0xc2000024, 72, 0, 0, true},
        {0xc2000024, 73, 0, 0, false},
        {0xc2000025, 69, 0, 0, false},
        {0x82000024, 69, 0, 0, false},
        {0xc2000023, 69, 0, 0, false},
        {0xc200002b, 69, 0, 5, true},
        {0xc200002b, (uint64_t)3 << 32 | 69, HIGH, 5, true},
        {0xc200002b, (uint64_t)4 << 32 | 69, 0, 5, false},
        {0xc200002b, 69, 0, 6, false},
        {0xc200002b, 69, 0, (uint64_t)1 << 32 | 5, false},
        {0xc200002b, 68, 0, 5, false},
        {0x82000001, 7, 0, 0, true},
        {0x82000001, HIGH | 7, HIGH, HIGH, true},
        {0x82000001, 6, 0, 0, false},
        {0xc200002c, 69, 0, 5, false},
        {0xffffffff, 69, 0, 5, false},
    };

    boot();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned before = fake_pass_count;
        uint64_t result = passed(vcpu[0], cases[i].function, cases[i].x1, cases[i].x2, cases[i].x3);

        CHECK_EQ(result, cases[i].passes ? 0xf00000000u : ERROR(NOT_SUPPORTED));
        CHECK_EQ(fake_pass_count - before, cases[i].passes);
        if (cases[i].function == 0x82000001 && cases[i].passes)
            CHECK_EQ(fake_passed[1] | fake_passed[2] | fake_passed[7], 7); /* passed() has 7 in x7 */
        if (!cases[i].passes)
            CHECK_EQ(vcpu[0]->arch.x[1], cases[i].x1);
    }
    CHECK_EQ(passed(fake_cpu(1, 0), 0xc2000024, 69, 0, 0), ERROR(NOT_SUPPORTED)); /* alpha's alone */
}

TEST(psci_cpu_on)
{
    boot();
    CHECK_EQ(call(PSCI_CPU_ON, 1, ENTRY, 7), 0);
    CHECK_EQ(cpu_state(vcpu[1]), VCPU_STARTING);
    CHECK_EQ(vcpu[1]->start_pc, ENTRY);
    CHECK_EQ(vcpu[1]->start_arg, 7);
    CHECK(fake_kicked[vcpu[1]->index]);
    CHECK_EQ(call(PSCI_CPU_ON, 1, ENTRY + 4, 8), ERROR(ON_PENDING));
    CHECK_EQ(vcpu[1]->start_pc, ENTRY);
    CHECK_EQ(call(PSCI_CPU_ON, 0, ENTRY, 0), ERROR(ALREADY_ON));
    fake_run_as(vcpu[1]);
    CHECK_EQ(OUTCOME(cpu_park(vcpu[1])), ENTERED);
    CHECK_EQ(vcpu[1]->arch.x[0], 7);
    CHECK_EQ(sysregs->elr_el2, ENTRY);
    CHECK_EQ(sysregs->spsr_el2, 0x3c5);
    CHECK_EQ(call(PSCI_CPU_ON, 1, ENTRY, 7), ERROR(ALREADY_ON));
}

TEST(psci_cpu_on_32_bit)
{
    boot();
    CHECK_EQ(call(HIGH | 0x84000003, HIGH | 2, HIGH | ENTRY, HIGH | 9), 0);
    CHECK_EQ(vcpu[2]->start_pc, ENTRY);
    CHECK_EQ(vcpu[2]->start_arg, 9);
    CHECK_EQ(call(PSCI_CPU_ON, 1, ENTRY, HIGH | 9), 0);
    CHECK_EQ(vcpu[1]->start_arg, HIGH | 9);
}

TEST(psci_cpu_on_wrong)
{
    static const uint64_t affinities[] = {3,         0x10,       0x11,        0x100,    0x101,     0x10001,
                                          0x1000000, 0x80000001, 0x100000001, HIGH | 1, UINT64_MAX};

    boot();
    for (unsigned i = 0; i < sizeof(affinities) / sizeof(affinities[0]); i++) {
        CHECK_EQ(call(PSCI_CPU_ON, affinities[i], ENTRY, 0), ERROR(INVALID_PARAMETERS));
        CHECK_EQ(call(PSCI_AFFINITY_INFO, affinities[i], 0, 0), ERROR(INVALID_PARAMETERS));
    }
    CHECK_EQ(call(PSCI_CPU_ON, 1, 0x50000000, 0), ERROR(INVALID_ADDRESS)); /* a channel: not executable */
    CHECK_EQ(call(PSCI_CPU_ON, 1, 0x41000000, 0), ERROR(INVALID_ADDRESS));
    CHECK_EQ(call(PSCI_CPU_ON, 1, HIGH | ENTRY, 0), ERROR(INVALID_ADDRESS));
    CHECK_EQ(cpu_state(vcpu[1]), VCPU_OFF);
    cpu_set_state(vcpu[1], VCPU_MISSING);
    CHECK_EQ(call(PSCI_CPU_ON, 1, ENTRY, 0), ERROR(INTERNAL_FAILURE));
}

/* Another vCPU is just about to start it, wherever that is. */
TEST(psci_cpu_on_race)
{
    boot();
    cpu_set_state(vcpu[1], VCPU_CLAIMED);
    CHECK_EQ(call(PSCI_CPU_ON, 1, ENTRY, 0), ERROR(ON_PENDING));
    CHECK_EQ(call(PSCI_AFFINITY_INFO, 1, 0, 0), PSCI_STATE_ON_PENDING);
    cpu_set_state(vcpu[1], VCPU_STARTING);
    CHECK_EQ(call(PSCI_CPU_ON, 1, ENTRY, 0), ERROR(ON_PENDING));
    CHECK_EQ(call(PSCI_AFFINITY_INFO, 1, 0, 0), PSCI_STATE_ON_PENDING);
    cpu_set_state(vcpu[1], VCPU_SUSPENDED);
    CHECK_EQ(call(PSCI_CPU_ON, 1, ENTRY, 0), ERROR(ALREADY_ON));
}

TEST(psci_affinity_info)
{
    boot();
    CHECK_EQ(call(PSCI_AFFINITY_INFO, 0, HIGH, 0), 0); /* the level is 32 bits in the 64-bit form, too */
    CHECK_EQ(call(PSCI_AFFINITY_INFO, 0, 0, 0), PSCI_STATE_ON);
    CHECK_EQ(call(PSCI_AFFINITY_INFO, 1, 0, 0), PSCI_STATE_OFF);
    CHECK_EQ(call(0x84000004, HIGH | 0, HIGH, 0), PSCI_STATE_ON);
    CHECK_EQ(call(PSCI_AFFINITY_INFO, 0, 1, 0), ERROR(INVALID_PARAMETERS));
    cpu_set_state(vcpu[1], VCPU_SUSPENDED);
    CHECK_EQ(call(PSCI_AFFINITY_INFO, 1, 0, 0), PSCI_STATE_ON);
}

TEST(psci_cpu_off)
{
    boot();
    cpu_set_state(vcpu[1], VCPU_ON);
    CHECK_EQ(guest_hvc_outcome(vcpu[1], PSCI_CPU_OFF, 0, 0, 0), PARKED);
    CHECK_EQ(cpu_state(vcpu[1]), VCPU_OFF);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
    CHECK_EQ(guest_hvc_outcome(vcpu[0], PSCI_CPU_OFF, 0, 0, 0), PARKED);
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'alpha' ended: its last vCPU is off\r\n");
}

TEST(psci_system_off_and_reset)
{
    boot();
    CHECK_EQ(guest_hvc_outcome(vcpu[0], 0x84000012, HIGH | 5, 0, 0), RETURNED); /* no such reset */
    CHECK_EQ(vcpu[0]->arch.x[0], ERROR(INVALID_PARAMETERS));
    CHECK_EQ(guest_hvc_outcome(fake_cpu(1, 0), PSCI_SYSTEM_OFF, 0, 0, 0), PARKED);
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'beta' powered off\r\n");
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
    CHECK_EQ(guest_hvc_outcome(vcpu[0], 0x84000012, HIGH, 0, 0), OFF);
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'alpha' reset itself\r\n[bulkhead] all VMs have ended\r\n");
}

/* --- Suspension --- */

static unsigned waits;

static void wake_later(void)
{
    CHECK_EQ(cpu_state(vcpu[0]), VCPU_SUSPENDED);
    if (++waits == 3)
        virq_raise(&vms[0], 36);
}

static void enable_doorbell(void)
{
    struct vdev_access access = {0x104, 4, true, 1u << 4};

    fake_run_as(vcpu[0]);
    CHECK(virq_access(vcpu[0], &access));
    fake_on_wait = wake_later;
}

TEST(psci_suspend_to_standby)
{
    boot();
    enable_doorbell();
    CHECK_EQ(guest_hvc_outcome(vcpu[0], PSCI_CPU_SUSPEND, 0, 0, 0), RETURNED);
    CHECK_EQ(vcpu[0]->arch.x[0], 0);
    CHECK_EQ(waits, 3);
    CHECK_EQ(cpu_state(vcpu[0]), VCPU_ON);
    /* It is still pending. */
    CHECK_EQ(guest_hvc_outcome(vcpu[0], 0x84000001, HIGH, 0, 0), RETURNED);
    CHECK_EQ(waits, 3);
}

TEST(psci_suspend_to_power_down)
{
    boot();
    enable_doorbell();
    CHECK_EQ(call(PSCI_CPU_SUSPEND, 0x10000, 0x50000000, 0), ERROR(INVALID_ADDRESS));
    CHECK_EQ(call(PSCI_CPU_SUSPEND, 0x04010000, ENTRY, 0), ERROR(INVALID_PARAMETERS)); /* reserved bits */
    CHECK_EQ(call(PSCI_CPU_SUSPEND, 0x00030000, ENTRY, 0), ERROR(INVALID_PARAMETERS));
    CHECK_EQ(guest_hvc_outcome(vcpu[0], PSCI_CPU_SUSPEND, 0x10000, ENTRY, 5), ENTERED);
    CHECK_EQ(sysregs->elr_el2, ENTRY);
    CHECK_EQ(vcpu[0]->arch.x[0], 5);
    CHECK_EQ(cpu_state(vcpu[0]), VCPU_ON);
}

TEST(psci_system_suspend)
{
    boot();
    enable_doorbell();
    cpu_set_state(vcpu[1], VCPU_ON);
    CHECK_EQ(call(PSCI_SYSTEM_SUSPEND, ENTRY, 0, 0), ERROR(DENIED));
    cpu_set_state(vcpu[1], VCPU_STARTING);
    CHECK_EQ(call(PSCI_SYSTEM_SUSPEND, ENTRY, 0, 0), ERROR(DENIED));
    cpu_set_state(vcpu[1], VCPU_MISSING);
    CHECK_EQ(guest_hvc_outcome(vcpu[0], 0x8400000e, HIGH | ENTRY, 6, 0), ENTERED);
    CHECK_EQ(vcpu[0]->arch.x[0], 6);
}

static void end_vm(void)
{
    vm_end(&vms[0], "stopped");
    fake_on_wait = NULL;
}

TEST(psci_vm_ends_while_suspended)
{
    boot();
    fake_on_wait = end_vm;
    CHECK_EQ(guest_hvc_outcome(vcpu[0], PSCI_CPU_SUSPEND, 0, 0, 0), PARKED);
    CHECK_EQ(cpu_state(vcpu[0]), VCPU_OFF);
}

/* --- The calling convention --- */

TEST(psci_by_smc)
{
    boot();
    sysregs->elr_el2 = 0x40000200;
    vcpu[0]->arch.x[0] = PSCI_VERSION;
    trap_call(vcpu[0], (uint64_t)EC_SMC << 26 | ESR_IL);
    CHECK_EQ(vcpu[0]->arch.x[0], 0x10001);
    CHECK_EQ(sysregs->elr_el2, 0x40000204); /* a trapped SMC has to be stepped over */
    call(PSCI_VERSION, 0, 0, 0);
    CHECK_EQ(sysregs->elr_el2, 0x40000204);
}

TEST(psci_with_an_immediate)
{
    boot();
    vcpu[0]->arch.x[0] = PSCI_VERSION;
    trap_call(vcpu[0], (uint64_t)EC_HVC << 26 | ESR_IL | 1);
    CHECK_EQ(vcpu[0]->arch.x[0], ERROR(NOT_SUPPORTED));
    vcpu[0]->arch.x[0] = PSCI_SYSTEM_OFF;
    CHECK_EQ(OUTCOME(trap_call(vcpu[0], (uint64_t)EC_SMC << 26 | ESR_IL | 0xffff)), RETURNED);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
}

TEST(psci_keeps_registers)
{
    boot();
    for (unsigned i = 4; i < 31; i++)
        vcpu[0]->arch.x[i] = i;
    call(PSCI_AFFINITY_INFO, 11, 12, 13);
    CHECK_EQ(vcpu[0]->arch.x[1], 11);
    CHECK_EQ(vcpu[0]->arch.x[3], 13);
    for (unsigned i = 4; i < 31; i++)
        CHECK_EQ(vcpu[0]->arch.x[i], i);
}

/* --- Hypercalls --- */

TEST(psci_hypercalls)
{
    boot();
    CHECK_EQ(call(0xc6000001, 0, 0, 0), HYPERCALL_OK);
    CHECK_EQ(vms[1].virq.shared[0].pending, 1u << 4);
    CHECK_EQ(call(0x86000001, HIGH, HIGH, 0), HYPERCALL_OK); /* Bao's, from 32-bit arguments */
    CHECK_EQ(call(0xc6000001, HIGH, 0, 0), HYPERCALL_BAD_ARGUMENT);
    CHECK_EQ(call(0xc6000001, 0, 1, 0), HYPERCALL_BAD_ARGUMENT);
    CHECK_EQ(call(0xc6000001, 1, 0, 0), HYPERCALL_BAD_ARGUMENT);
    CHECK_EQ(vcpu[0]->arch.x[1], 1);
    CHECK_EQ(call(0x86000040, 55, 0, 0), HYPERCALL_OK);
    CHECK_EQ(vcpu[0]->arch.x[1], HYPERCALL_ABI);
    CHECK_EQ(call(0xc6000041, EXIT_HYPERCALL, 0, 0), HYPERCALL_OK);
    CHECK_EQ(vcpu[0]->arch.x[1], 7);
    CHECK_EQ(call(0xc6000000, 0, 0, 0), HYPERCALL_BAD_ID);
    CHECK_EQ(call(0x860000ff, 0, 0, 0), HYPERCALL_BAD_ID);
    CHECK_EQ(call(0x86000100, 0, 0, 0), ERROR(NOT_SUPPORTED));
    CHECK_EQ(vcpu[0]->exits[EXIT_HYPERCALL], 9);
    CHECK_EQ(vcpu[0]->exits[EXIT_CALL], 1);
}
