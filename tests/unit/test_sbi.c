// SPDX-License-Identifier: Apache-2.0
/* The SBI as a guest sees it. Source of what is right: RISC-V Supervisor Binary Interface Specification 2.0. */
#include <string.h>

#include "check.h"
#include "drivers.h"
#include "fake.h"

#define VSSIP (1ul << IRQ_VS_SOFT)
#define VSTIP (1ul << IRQ_VS_TIMER)

static struct cpu *self; /* alpha's vCPU 0 */
static struct cpu *other;
static struct cpu *beta;

static void boot(void)
{
    fake_boot();
    self = fake_cpu(0, 0);
    other = fake_cpu(0, 1);
    beta = fake_cpu(1, 0);
}

static void check_call(ureg_t extension, ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2, long error, ureg_t value,
                       int line)
{
    struct sbi_result result = guest_call(self, extension, function, a0, a1, a2);

    check_equal((uint64_t)result.error, (uint64_t)error, __FILE__, line, "error");
    check_equal(result.value, value, __FILE__, line, "value");
}

#define CALL(extension, function, a0, a1, a2, error, value) \
    check_call((extension), (function), (a0), (a1), (a2), (error), (value), __LINE__)

TEST(sbi_call_moves_on_and_keeps_registers)
{
    struct cpu *cpu;

    boot();
    cpu = self;
    for (unsigned i = 1; i < 32; i++)
        cpu->arch.x[i] = 1000 + i;
    fake_harts[cpu->index].sepc = 0x80001000;
    guest_call(cpu, SBI_BASE, SBI_BASE_VERSION, 1010, 1011, 1012);
    CHECK_EQ(csrs->sepc, 0x80001004);
    CHECK_EQ(cpu->exits[EXIT_CALL], 1);
    for (unsigned i = 1; i < 32; i++) {
        if (i != 10 && i != 11 && i != 16 && i != 17)
            CHECK_EQ(cpu->arch.x[i], 1000 + i);
    }
}

TEST(sbi_base)
{
    static const ureg_t there[] = {0x10, 0x54494d45, 0x735049, 0x52464e43, 0x48534d, 0x53525354, 0x4442434e, 0x08000ba0};
    static const ureg_t absent[] = {0, 1, 2, 8, 0x53555350, 0x504d55, 0x535441, 0x4e41434c, 0x46574654, (ureg_t)-1};

    boot();
    CALL(0x10, 0, 9, 9, 9, SBI_SUCCESS, 0x02000000);
    CALL(0x10, 1, 9, 9, 9, SBI_SUCCESS, 0x42484b);
    CALL(0x10, 2, 9, 9, 9, SBI_SUCCESS, 1);
    for (unsigned i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        CALL(0x10, 3, there[i], 0, 0, SBI_SUCCESS, 1);
    for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        CALL(0x10, 3, absent[i], 0, 0, SBI_SUCCESS, 0);
    CALL(0x10, 3, 0x10ul | 1ul << 32, 0, 0, SBI_SUCCESS, 0);
    CHECK_EQ(fake_call_count, 0);
    fake_answer = (struct sbi_result){SBI_SUCCESS, 0x489};
    for (ureg_t function = 4; function <= 6; function++)
        CALL(0x10, function, 0, 0, 0, SBI_SUCCESS, 0x489);
    CHECK_EQ(fake_call_count, 3);
    CHECK_EQ(fake_calls[1].function, 5);
    CALL(0x10, 7, 0, 0, 0, SBI_NOT_SUPPORTED, 0);
    CALL(0x10, (ureg_t)-1, 0, 0, 0, SBI_NOT_SUPPORTED, 0);
    CHECK_EQ(fake_call_count, 3);
}

TEST(sbi_unknown_extensions)
{
    static const ureg_t unknown[] = {0, 1, 2, 8, 0xf, 0x11, 0x53555350, 0x504d55, 0x535441, 0x4e41434c, 0x46574654,
                                     0x08000ba1, 0x0a000000, 0x7fffffff, 0xffffffff80000000, (ureg_t)-1,
                                     0x10ul | 1ul << 32};

    boot();
    for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        for (ureg_t function = 0; function < 4; function++)
            CALL(unknown[i], function, 0x80000000, 1, 0, SBI_NOT_SUPPORTED, 0);
    }
    CHECK_EQ(fake_call_count, 0);
    CHECK_TEXT(fake_screen(), "");
}

TEST(sbi_unknown_functions)
{
    static const ureg_t functions[][2] = {{SBI_TIME, 1}, {SBI_IPI, 1}, {SBI_RFENCE, 7}, {SBI_HSM, 4}, {SBI_SRST, 1},
                                          {SBI_DBCN, 3}, {SBI_RFENCE, 3}, {SBI_RFENCE, 4}, {SBI_RFENCE, 5},
                                          {SBI_RFENCE, 6}};

    boot();
    for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        CALL(functions[i][0], functions[i][1], 0, 0, 0, SBI_NOT_SUPPORTED, 0);
    for (unsigned i = 0; i < 6; i++) {
        CALL(functions[i][0], (ureg_t)-1, 0, 0, 0, SBI_NOT_SUPPORTED, 0);
        CALL(functions[i][0], 1ul << 32, 0, 0, 0, SBI_NOT_SUPPORTED, 0);
    }
    CHECK_EQ(fake_call_count, 0);
}

TEST(sbi_time_with_sstc)
{
    boot();
    CALL(SBI_TIME, 0, 0x123456789abcdef, 0, 0, SBI_SUCCESS, 0);
    CHECK_EQ(csrs->vstimecmp, 0x123456789abcdef);
    CALL(SBI_TIME, 0, UINT64_MAX, 0, 0, SBI_SUCCESS, 0);
    CHECK_EQ(csrs->vstimecmp, UINT64_MAX);
    CHECK_EQ(fake_call_count, 0);
}

TEST(sbi_time_without_sstc)
{
    fake_config()->sstc = false;
    boot();
    csrs->hvip = VSTIP | VSSIP;
    CALL(SBI_TIME, 0, 5000, 0, 0, SBI_SUCCESS, 0);
    CHECK_EQ(fake_call_count, 1);
    CHECK_EQ(fake_calls[0].extension, SBI_TIME);
    CHECK_EQ(fake_calls[0].args[0], 5000);
    CHECK_EQ(csrs->hvip, VSSIP);
    CHECK(csrs->sie & 1 << IRQ_S_TIMER);
    csrs->sip = 1 << IRQ_S_TIMER;
    trap_interrupt(self, 1ul << 63 | IRQ_S_TIMER);
    CHECK_EQ(csrs->hvip, VSTIP | VSSIP);
    CHECK_EQ(csrs->sie & 1 << IRQ_S_TIMER, 0);
    CHECK_EQ(self->exits[EXIT_TIMER], 1);
}

/* --- Hart masks ---------------------------------------------------------------------------------------------------- */

static void check_ipi(ureg_t mask, ureg_t base, long error, bool to_self, bool to_other, int line)
{
    memset(fake_kicked, 0, sizeof(fake_kicked));
    csrs->hvip = 0;
    fake_harts[other->index].hvip = 0;
    check_call(SBI_IPI, 0, mask, base, 0, error, 0, line);
    fake_deliver();
    check_equal((csrs->hvip & VSSIP) != 0, to_self, __FILE__, line, "IPI to vCPU 0");
    check_equal((fake_harts[other->index].hvip & VSSIP) != 0, to_other, __FILE__, line, "IPI to vCPU 1");
    check_equal(fake_harts[beta->index].hvip, 0, __FILE__, line, "IPI to the other VM");
}

#define IPI(mask, base, error, to_self, to_other) check_ipi((mask), (base), (error), (to_self), (to_other), __LINE__)

TEST(sbi_ipi_hart_masks)
{
    boot();
    IPI(0, 0, SBI_SUCCESS, false, false);
    IPI(1, 0, SBI_SUCCESS, true, false);
    IPI(2, 0, SBI_SUCCESS, false, true);
    IPI(3, 0, SBI_SUCCESS, true, true);
    IPI(1, 1, SBI_SUCCESS, false, true);
    IPI(0, (ureg_t)-1, SBI_SUCCESS, true, true);
    IPI(0xdead, (ureg_t)-1, SBI_SUCCESS, true, true);
    IPI(4, 0, SBI_INVALID_PARAM, false, false);
    IPI(7, 0, SBI_INVALID_PARAM, false, false);
    IPI(2, 1, SBI_INVALID_PARAM, false, false);
    IPI(3, 1, SBI_INVALID_PARAM, false, false);
    IPI(1, 2, SBI_INVALID_PARAM, false, false);
    IPI(0, 2, SBI_SUCCESS, false, false);
    IPI(1, 63, SBI_INVALID_PARAM, false, false);
    IPI(1, 64, SBI_INVALID_PARAM, false, false);
    IPI(1, 1ul << 32, SBI_INVALID_PARAM, false, false);
    IPI(1ul << 63, 0, SBI_INVALID_PARAM, false, false);
    IPI(1ul << 63, 1, SBI_INVALID_PARAM, false, false);
    IPI(1ul << 63 | 1, 1, SBI_INVALID_PARAM, false, false);
    IPI(~0ul, 0, SBI_INVALID_PARAM, false, false);
    IPI(1, (ureg_t)-2, SBI_INVALID_PARAM, false, false);
    IPI(4, (ureg_t)-2, SBI_INVALID_PARAM, false, false); /* -2 + 2 is 0 */
    IPI(1, 0xffffffff, SBI_INVALID_PARAM, false, false);
}

TEST(sbi_ipi_skips_missing_cpu)
{
    fake_absent[0] = true; /* alpha's vCPU 1 */
    boot();
    IPI(0, (ureg_t)-1, SBI_SUCCESS, true, false);
    CHECK_EQ(fake_call_count, 0);
}

static void check_rfence(ureg_t function, ureg_t physical)
{
    boot();
    fake_answer = (struct sbi_result){SBI_SUCCESS, 0};
    self->arch.x[13] = 0x2000;
    self->arch.x[14] = 77;
    CALL(SBI_RFENCE, function, 3, 0, 0x1000, SBI_SUCCESS, 0);
    /* The harts are 70 and 5: too far apart for one mask. */
    CHECK_EQ(fake_call_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(fake_calls[i].extension, SBI_RFENCE);
        CHECK_EQ(fake_calls[i].function, physical);
        CHECK_EQ(fake_calls[i].args[0], 1);
        CHECK_EQ(fake_calls[i].args[1], i == 0 ? 70 : 5);
        CHECK_EQ(fake_calls[i].args[2], 0x1000);
        CHECK_EQ(fake_calls[i].args[3], 0x2000);
        CHECK_EQ(fake_calls[i].args[4], 77);
    }
}

TEST(sbi_rfence_fence_i)
{
    check_rfence(0, 0);
}

TEST(sbi_rfence_sfence_vma)
{
    check_rfence(1, 6); /* HFENCE.VVMA */
}

TEST(sbi_rfence_sfence_vma_asid)
{
    check_rfence(2, 5); /* HFENCE.VVMA with ASID */
}

TEST(sbi_rfence_masks)
{
    boot();
    fake_answer = (struct sbi_result){SBI_SUCCESS, 0};
    CALL(SBI_RFENCE, 1, 2, 0, 0, SBI_SUCCESS, 0);
    CHECK_EQ(fake_call_count, 1);
    CHECK_EQ(fake_calls[0].args[0], 1);
    CHECK_EQ(fake_calls[0].args[1], 5);
    fake_call_count = 0;
    CALL(SBI_RFENCE, 1, 0, 0, 0, SBI_SUCCESS, 0);
    CALL(SBI_RFENCE, 1, 4, 0, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_RFENCE, 1, 2, 1, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_RFENCE, 0, 1, 2, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_RFENCE, 2, 1ul << 63, 1, 0, SBI_INVALID_PARAM, 0);
    CHECK_EQ(fake_call_count, 0);
}

/* Harts that lie close together are one call; the firmware's error is the guest's. */
TEST(sbi_rfence_near_harts)
{
    fake_config()->cpus[0].id = 72;
    boot();
    fake_answer = (struct sbi_result){SBI_INVALID_ADDRESS, 0};
    CALL(SBI_RFENCE, 0, 0, (ureg_t)-1, 0, SBI_INVALID_ADDRESS, 0);
    CHECK_EQ(fake_call_count, 1);
    CHECK_EQ(fake_calls[0].args[0], 5);
    CHECK_EQ(fake_calls[0].args[1], 70);
}

/* One mask holds harts up to 63 apart. */
TEST(sbi_rfence_hart_distance)
{
    fake_config()->cpus[0].id = 70 + 63;
    boot();
    fake_answer = (struct sbi_result){SBI_SUCCESS, 0};
    CALL(SBI_RFENCE, 0, 3, 0, 0, SBI_SUCCESS, 0);
    CHECK_EQ(fake_call_count, 1);
    CHECK_EQ(fake_calls[0].args[0], 1ul << 63 | 1);
    fake_config()->cpus[0].id = 70 + 64;
    CALL(SBI_RFENCE, 0, 3, 0, 0, SBI_SUCCESS, 0);
    CHECK_EQ(fake_call_count, 3);
    CHECK_EQ(fake_calls[2].args[0], 1);
    CHECK_EQ(fake_calls[2].args[1], 134);
}

TEST(sbi_rfence_skips_missing_cpu)
{
    fake_absent[0] = true;
    boot();
    fake_answer = (struct sbi_result){SBI_SUCCESS, 0};
    CALL(SBI_RFENCE, 0, 0, (ureg_t)-1, 0, SBI_SUCCESS, 0);
    CHECK_EQ(fake_call_count, 1);
    CHECK_EQ(fake_calls[0].args[0], 1);
    CHECK_EQ(fake_calls[0].args[1], 70);
}

/* --- Hart state management ----------------------------------------------------------------------------------------- */

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
    csrs->vsatp = csrs->vsstatus = csrs->vsie = csrs->vstvec = 77;
    csrs->hvip = VSSIP;
    CHECK_EQ(OUTCOME(cpu_park(other)), ENTERED);
    CHECK_EQ(csrs->sepc, 0x80fffffe);
    CHECK_EQ(other->arch.x[10], 1);
    CHECK_EQ(other->arch.x[11], 0xabc);
    CHECK_EQ(csrs->vsatp | csrs->vsstatus | csrs->vsie | csrs->vstvec, 0);
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
    static const ureg_t wrong[] = {1, 0x0fffffff, 0x10000000, 0x7fffffff, 0x80000001, 0x8fffffff, 0x90000000, 0xffffffff};

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

/* --- System reset --------------------------------------------------------------------------------------------------- */

TEST(sbi_srst_shutdown)
{
    boot();
    CHECK_EQ(guest_call_outcome(self, SBI_SRST, 0, 0, 0, 0), PARKED);
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'alpha' powered off\r\n");
    CHECK_EQ(guest_call_outcome(beta, SBI_SRST, 0, 0, 1, 0), OFF);
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'beta' powered off after a failure\r\n[bulkhead] all VMs have ended\r\n");
}

TEST(sbi_srst_types)
{
    boot();
    CALL(SBI_SRST, 0, 3, 0, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_SRST, 0, 0xefffffff, 0, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_SRST, 0, 0xf0000000, 0, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_SRST, 0, (ureg_t)-1, 0, 0, SBI_INVALID_PARAM, 0);
    CHECK_TEXT(fake_screen(), "");
}

TEST(sbi_srst_reset)
{
    boot();
    CHECK_EQ(guest_call_outcome(self, SBI_SRST, 0, 1, 0, 0), PARKED);
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'alpha' reset itself\r\n");
    CHECK_EQ(guest_call_outcome(beta, SBI_SRST, 0, 2, 1, 0), OFF);
    CHECK_TEXT(fake_screen(),
               "[bulkhead] vm 'beta' reset itself after a failure\r\n[bulkhead] all VMs have ended\r\n");
}

/* Reserved or unknown reasons are invalid; both arguments are 32 bits wide. */
TEST(sbi_srst_reasons)
{
    static const ureg_t wrong[] = {2, 0xdfffffff, 0xe0000000, 0xf0000000, 0xffffffff};

    boot();
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_EQ(guest_call_outcome(self, SBI_SRST, 0, 0, wrong[i], 0), RETURNED);
        CHECK_EQ((long)self->arch.x[10], SBI_INVALID_PARAM);
    }
    CHECK_EQ(guest_call_outcome(self, SBI_SRST, 0, 1ul << 32, 1ul << 32, 0), PARKED);
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'alpha' powered off\r\n");
}

/* --- Debug console --------------------------------------------------------------------------------------------------- */

static void fill_memory(void)
{
    fake_memory[0] = (struct fake_memory){.ipa = 0x80000000, .size = 600, .writable = true};
    fake_memory[1] = (struct fake_memory){.ipa = 0x50000000, .size = 16, .writable = false};
    memset(fake_memory[0].bytes, 'm', 600);
    memcpy(fake_memory[0].bytes, "hello\n", 6);
    memcpy(fake_memory[1].bytes, "read only data\n\n", 16);
}

TEST(sbi_dbcn_write)
{
    boot();
    fill_memory();
    CALL(SBI_DBCN, 0, 6, 0x80000000, 0, SBI_SUCCESS, 6);
    CHECK_TEXT(fake_screen(), "[alpha] hello\r\n");
    CALL(SBI_DBCN, 0, 0, 0x80000000, 0, SBI_SUCCESS, 0);
    CALL(SBI_DBCN, 0, 15, 0x50000000, 0, SBI_SUCCESS, 15);
    CHECK_TEXT(fake_screen(), "[alpha] read only data\r\n");
}

/* The call is long, but takes 256 bytes at a time. */
TEST(sbi_dbcn_write_length)
{
    boot();
    fill_memory();
    CALL(SBI_DBCN, 0, 257, 0x80000010, 0, SBI_SUCCESS, 256);
    CALL(SBI_DBCN, 0, 256, 0x80000010, 0, SBI_SUCCESS, 256);
    CALL(SBI_DBCN, 0, 1ul << 32, 0x80000010, 0, SBI_SUCCESS, 256);
    CALL(SBI_DBCN, 0, (ureg_t)-1, 0x80000010, 0, SBI_SUCCESS, 256);
    CALL(SBI_DBCN, 0, 20, 0x80000000 + 590, 0, SBI_SUCCESS, 10); /* the memory's end */
}

TEST(sbi_dbcn_write_not_its_memory)
{
    struct fake_csrs before;

    boot();
    fill_memory();
    csrs->sepc = 0x80000040;
    csrs->sstatus = 0x100;
    csrs->hstatus = HSTATUS_SPV;
    csrs->vsatp = 0x8000000000012345;
    before = *csrs;
    CALL(SBI_DBCN, 0, 1, 0x7fffffff, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 1, 0x80000258, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 1, 0, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 1, 0x10000000, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 100, (ureg_t)-1, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, (ureg_t)-1, (ureg_t)-1, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 6, 0x80000000, 1, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 6, 0x80000000, (ureg_t)-1, SBI_INVALID_PARAM, 0);
    CHECK_TEXT(fake_screen(), "");
    /* The registers of the call under way are as they were, but for its pc. */
    CHECK_EQ(csrs->sepc, before.sepc + 8 * 4);
    CHECK_EQ(csrs->sstatus, before.sstatus);
    CHECK_EQ(csrs->hstatus, before.hstatus);
    CHECK_EQ(csrs->vsatp, before.vsatp);
    CHECK_EQ(self->arch.fixup, 0);
}

TEST(sbi_dbcn_read)
{
    boot();
    fill_memory();
    CALL(SBI_DBCN, 1, 10, 0x80000100, 0, SBI_SUCCESS, 0);
    fake_type("abc");
    CALL(SBI_DBCN, 1, 2, 0x80000100, 0, SBI_SUCCESS, 2);
    CHECK_EQ(memcmp(&fake_memory[0].bytes[0x100], "abmm", 4), 0);
    CALL(SBI_DBCN, 1, 10, 0x80000110, 0, SBI_SUCCESS, 1);
    CHECK_EQ(fake_memory[0].bytes[0x110], 'c');
    CALL(SBI_DBCN, 1, 0, 0x80000100, 0, SBI_SUCCESS, 0);
}

TEST(sbi_dbcn_read_loses_nothing)
{
    boot();
    fill_memory();
    fake_type("abc");
    CALL(SBI_DBCN, 1, 3, 0x50000000, 0, SBI_INVALID_PARAM, 0); /* read-only */
    CALL(SBI_DBCN, 1, 3, 0x40000000, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 1, 3, 0x80000000, 1, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 1, 3, (ureg_t)-1, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 1, 3, 0x80000257, 0, SBI_SUCCESS, 1); /* the memory's last byte */
    CHECK_EQ(fake_memory[0].bytes[0x257], 'a');
    CALL(SBI_DBCN, 1, (ureg_t)-1, 0x80000000, 0, SBI_SUCCESS, 2);
    CHECK_EQ(memcmp(fake_memory[0].bytes, "bc", 2), 0);
    CHECK_EQ(memcmp(fake_memory[1].bytes, "read only data\n\n", 16), 0);
}

TEST(sbi_dbcn_write_byte)
{
    boot();
    CALL(SBI_DBCN, 2, 'x', 0, 0, SBI_SUCCESS, 0);
    CALL(SBI_DBCN, 2, 0xffffff00 | 'y', 0, 0, SBI_SUCCESS, 0);
    CALL(SBI_DBCN, 2, '\n', 0, 0, SBI_SUCCESS, 0);
    CHECK_TEXT(fake_screen(), "[alpha] xy\r\n");
}

TEST(sbi_dbcn_without_uart)
{
    fake_config()->vms[0].uart_irq = 0;
    boot();
    fill_memory();
    CALL(SBI_BASE, 3, SBI_DBCN, 0, 0, SBI_SUCCESS, 0);
    CALL(SBI_DBCN, 0, 6, 0x80000000, 0, SBI_NOT_SUPPORTED, 0);
    CALL(SBI_DBCN, 1, 6, 0x80000000, 0, SBI_NOT_SUPPORTED, 0);
    CALL(SBI_DBCN, 2, 'x', 0, 0, SBI_NOT_SUPPORTED, 0);
    CHECK_TEXT(fake_screen(), "");
}

/* Any call with any arguments: nothing but an answer, and no memory but the caller's. */
TEST(sbi_random_calls)
{
    static const ureg_t extensions[] = {SBI_BASE, SBI_TIME, SBI_IPI, SBI_RFENCE, SBI_HSM, SBI_DBCN, SBI_BAO, SBI_SRST, 1};
    static const ureg_t values[] = {0, 1, 2, 3, 63, 64, 255, 256, 257, 0x50000000, 0x80000000, 0x80000257, 0xffffffff,
                                    1ul << 32, 1ul << 63, ~0ul - 1, ~0ul};

    random_seed(0x5b1);
    boot();
    fill_memory();
    for (unsigned i = 0; i < 50000; i++) {
        ureg_t arguments[4];
        enum outcome outcome;

        for (unsigned n = 0; n < 4; n++) {
            arguments[n] = values[random_below(sizeof(values) / sizeof(values[0]))];
            if (random_below(8) == 0)
                arguments[n] = random_word();
        }
        cpu_set_state(self, VCPU_ON);
        vms[0].state = VM_RUNNING;
        csrs->hip = csrs->hie = VSSIP;
        cpu_set_state(other, VCPU_ON); /* so that the VM goes on when the caller stops itself */
        outcome = guest_call_outcome(self, extensions[random_below(8 - (i < 49999))], arguments[3], arguments[0],
                                     arguments[1], arguments[2]);
        CHECK(outcome == RETURNED || outcome == ENTERED || outcome == PARKED);
        CHECK(outcome != RETURNED || (long)self->arch.x[10] <= 0);
        CHECK((long)self->arch.x[10] >= -8 || outcome != RETURNED);
        CHECK_EQ(cpu_state(beta), VCPU_ON);
        CHECK_EQ(vm_state(&vms[1]), VM_RUNNING);
    }
    CHECK_EQ(memcmp(fake_memory[1].bytes, "read only data\n\n", 16), 0);
}
