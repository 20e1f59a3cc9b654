// SPDX-License-Identifier: Apache-2.0
/* Hart state management. */
#include "sbi_test.h"

TEST(sbi_hsm_start_arguments)
{
    boot();
    CALL(SBI_HSM, 0, 2, 0x80000000, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_HSM, 0, (ureg_t)-1, 0x80000000, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_HSM, 0, 1ul << 32, 0x80000000, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_HSM, 0, 1, 0, 0, SBI_INVALID_ADDRESS, 0);
    CALL(SBI_HSM, 0, 1, 0x7fffffff, 0, SBI_INVALID_ADDRESS, 0);
    CALL(SBI_HSM, 0, 1, 0x81000000, 0, SBI_INVALID_ADDRESS, 0);
    CALL(SBI_HSM, 0, 1, 0x50000000, 0, SBI_INVALID_ADDRESS, 0); /* a channel is not for execution */
    CALL(SBI_HSM, 0, 1, 0x10000000, 0, SBI_INVALID_ADDRESS, 0); /* nor is a virtual device */
    CALL(SBI_HSM, 0, 1, (ureg_t)-1, 0, SBI_INVALID_ADDRESS, 0);
    CALL(SBI_HSM, 2, 1, 0, 0, SBI_SUCCESS, SBI_HSM_STOPPED);
    CHECK_EQ(fake_call_count, 0);
}

TEST(sbi_hsm_states)
{
    boot();
    CALL(SBI_HSM, 2, 0, 0, 0, SBI_SUCCESS, SBI_HSM_STARTED);
    CALL(SBI_HSM, 2, 1, 0, 0, SBI_SUCCESS, SBI_HSM_STOPPED);
    CALL(SBI_HSM, 2, 2, 0, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_HSM, 2, (ureg_t)-1, 0, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_HSM, 0, 0, 0x80000000, 0, SBI_ALREADY_AVAILABLE, 0);
    CALL(SBI_HSM, 0, 1, 0x80fffffe, 0xabc, SBI_SUCCESS, 0);
    CHECK(fake_kicked[other->index]);
    CALL(SBI_HSM, 2, 1, 0, 0, SBI_SUCCESS, SBI_HSM_START_PENDING);
    CALL(SBI_HSM, 0, 1, 0x80000000, 0, SBI_ALREADY_AVAILABLE, 0);
    cpu_set_state(other, VCPU_CLAIMED);
    CALL(SBI_HSM, 2, 1, 0, 0, SBI_SUCCESS, SBI_HSM_START_PENDING);
    CALL(SBI_HSM, 0, 1, 0x80000000, 0, SBI_ALREADY_AVAILABLE, 0);
    cpu_set_state(other, VCPU_STARTING);

    fake_run_as(other);
    csrs->vsatp = csrs->vsstatus = csrs->vsie = csrs->vstvec = csrs->vsepc = csrs->vscause = csrs->vstval = 77;
    csrs->hvip = VSSIP;
    CHECK_EQ(OUTCOME(cpu_park(other)), ENTERED);
    CHECK_EQ(csrs->sepc, 0x80fffffe);
    CHECK_EQ(other->arch.x[10], 1);
    CHECK_EQ(other->arch.x[11], 0xabc);
    CHECK_EQ(csrs->vsatp | csrs->vsstatus | csrs->vsie | csrs->vstvec | csrs->vsepc | csrs->vscause | csrs->vstval, 0);
    CHECK_EQ(csrs->hvip, 0);
    CHECK_EQ(csrs->vstimecmp, UINT64_MAX);
    CHECK_EQ(csrs->hstatus & (HSTATUS_SPV | HSTATUS_SPVP), HSTATUS_SPV | HSTATUS_SPVP);
    CALL(SBI_HSM, 2, 1, 0, 0, SBI_SUCCESS, SBI_HSM_STARTED);
    CALL(SBI_HSM, 0, 1, 0x80000000, 0, SBI_ALREADY_AVAILABLE, 0);

    CHECK_EQ(guest_call_outcome(other, SBI_HSM, 1, 0, 0, 0), PARKED);
    CALL(SBI_HSM, 2, 1, 0, 0, SBI_SUCCESS, SBI_HSM_STOPPED);
    CALL(SBI_HSM, 0, 1, 0x80000000, 0, SBI_SUCCESS, 0);
}

TEST(sbi_hsm_missing_cpu)
{
    fake_absent[0] = true;
    boot();
    CALL(SBI_HSM, 0, 1, 0x80000000, 0, SBI_FAILED, 0);
    CALL(SBI_HSM, 2, 1, 0, 0, SBI_SUCCESS, SBI_HSM_STOPPED);
    CHECK_EQ(fake_call_count, 0);
}

static unsigned waits;

/* Nothing at first, then an interrupt that is not enabled, then one that is. */
static void wake_late(void)
{
    CHECK_EQ(cpu_state(self), VCPU_SUSPENDED);
    waits++;
    csrs->hie = VSTIP;
    if (waits == 2)
        csrs->hip = VSSIP;
    if (waits == 3)
        csrs->hip = VSSIP | VSTIP;
}

TEST(sbi_hsm_suspend_retentive)
{
    boot();
    fake_on_wait = wake_late;
    self->arch.x[5] = 55;
    CALL(SBI_HSM, 3, 0, 0, 0, SBI_SUCCESS, 0); /* its resume address means nothing */
    CHECK_EQ(waits, 3);
    CHECK_EQ(cpu_state(self), VCPU_ON);
    CHECK_EQ(self->arch.x[5], 55);
    CALL(SBI_HSM, 3, 0, 0, 0, SBI_SUCCESS, 0); /* at once */
    CHECK_EQ(waits, 3);
}

static void wake_by_ipi(void)
{
    guest_call(other, SBI_IPI, 0, 1, 0, 0);
    fake_run_as(self);
    csrs->hie = VSSIP;
    csrs->sip |= 1 << IRQ_S_SOFT;
    csrs->sie |= 1 << IRQ_S_SOFT;
    fake_on_wait = NULL;
}

/* hip shows what hvip and the timer make pending. */
static void raise_hip(void)
{
    csrs->hip = csrs->hvip;
}

TEST(sbi_hsm_suspend_non_retentive)
{
    boot();
    fake_on_wait = wake_late;
    csrs->vsatp = 9;
    CHECK_EQ(guest_call_outcome(self, SBI_HSM, 3, 0x80000000, 0x80000100, 42), ENTERED);
    CHECK_EQ(csrs->sepc, 0x80000100);
    CHECK_EQ(csrs->vsatp, 0);
    CHECK_EQ(self->arch.x[10], 0);
    CHECK_EQ(self->arch.x[11], 42);
    CHECK_EQ(cpu_state(self), VCPU_ON);
}

/* What wakes a vCPU is still pending when it goes on, as with the firmware of a real hart. */
TEST(sbi_hsm_suspend_non_retentive_keeps_pending)
{
    boot();
    csrs->hip = csrs->hvip = VSSIP;
    csrs->hie = VSSIP;
    csrs->vstimecmp = 123456;
    CHECK_EQ(guest_call_outcome(self, SBI_HSM, 3, 0x80000000, 0x80000100, 42), ENTERED);
    CHECK_EQ(csrs->hvip, VSSIP);
    CHECK_EQ(csrs->vstimecmp, 123456);
}

TEST(sbi_hsm_suspend_types)
{
    static const ureg_t wrong[] = {1,          0x0fffffff, 0x10000000, 0x7fffffff,
                                   0x80000001, 0x8fffffff, 0x90000000, 0xffffffff};

    boot();
    csrs->hip = csrs->hie = VSSIP;
    /* Reserved, or of a platform and not implemented: invalid, both. */
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CALL(SBI_HSM, 3, wrong[i], 0x80000000, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_HSM, 3, 0x80000000, 0x40000000, 0, SBI_INVALID_ADDRESS, 0);
    CALL(SBI_HSM, 3, 0x80000000, 0x50000000, 0, SBI_INVALID_ADDRESS, 0);
    CHECK_EQ(cpu_state(self), VCPU_ON);
    /* The type is 32 bits wide: a C compiler passes it with its sign extended. */
    CHECK_EQ(guest_call_outcome(self, SBI_HSM, 3, 0xffffffff80000000, 0x80000100, 0), ENTERED);
    CALL(SBI_HSM, 3, 1ul << 32, 0, 0, SBI_SUCCESS, 0);
}

TEST(sbi_hsm_suspend_ipi_wakes)
{
    boot();
    cpu_set_state(other, VCPU_ON);
    fake_on_wait = wake_by_ipi;
    /* The events are taken after the wait; what they make pending ends the suspension. */
    CHECK_EQ(guest_call_outcome(self, SBI_HSM, 3, 0, 0, 0), PARKED);
    CHECK_EQ(csrs->hvip, VSSIP);
    raise_hip();
    CALL(SBI_HSM, 3, 0, 0, 0, SBI_SUCCESS, 0);
}

static void end_vm(void)
{
    fake_on_wait = NULL;
    vm_end(&vms[0], "stopped");
}

TEST(sbi_hsm_suspend_while_vm_ends)
{
    boot();
    fake_on_wait = end_vm;
    CHECK_EQ(guest_call_outcome(self, SBI_HSM, 3, 0, 0, 0), PARKED);
    CHECK_EQ(cpu_state(self), VCPU_OFF);
}
