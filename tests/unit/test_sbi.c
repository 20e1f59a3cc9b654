// SPDX-License-Identifier: Apache-2.0
/* Calls that concern the caller alone, and any call at all. */
#include "sbi_test.h"

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
    static const ureg_t there[] = {0x10,     0x54494d45, 0x735049,   0x52464e43,
                                   0x48534d, 0x53525354, 0x4442434e, 0x08000ba0};
    static const ureg_t absent[] = {0, 1, 2, 8, 0x53555350, 0x535441, 0x4e41434c, 0x46574654, (ureg_t)-1};

    boot();
    CALL(0x10, 0, 9, 9, 9, SBI_SUCCESS, 0x02000000);
    CALL(0x10, 1, 9, 9, 9, SBI_SUCCESS, 0x42484b);
    CALL(0x10, 2, 9, 9, 9, SBI_SUCCESS, 2);
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
    static const ureg_t unknown[] = {0,          1,
                                     2,          8,
                                     0xf,        0x11,
                                     0x53555350, 0x535441,
                                     0x4e41434c, 0x46574654,
                                     0x08000ba1, 0x0a000000,
                                     0x7fffffff, 0xffffffff80000000,
                                     (ureg_t)-1, 0x10ul | 1ul << 32};

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
    static const ureg_t functions[][2] = {{SBI_TIME, 1},   {SBI_IPI, 1},   {SBI_RFENCE, 7}, {SBI_HSM, 4},
                                          {SBI_SRST, 1},   {SBI_DBCN, 3},  {SBI_RFENCE, 3}, {SBI_RFENCE, 4},
                                          {SBI_RFENCE, 5}, {SBI_RFENCE, 6}};

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
    csrs->time = 5000;
    trap_interrupt(self, 1ul << 63 | IRQ_S_TIMER);
    CHECK_EQ(csrs->hvip, VSTIP | VSSIP);
    CHECK_EQ(csrs->sie & 1 << IRQ_S_TIMER, 0);
    CHECK_EQ(self->exits[EXIT_TIMER], 1);
}

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
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'beta' reset itself after a failure\r\n[bulkhead] all VMs have ended\r\n");
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

/* Any call with any arguments: nothing but an answer, and no memory but the caller's. */
TEST(sbi_random_calls)
{
    static const ureg_t extensions[] = {SBI_BASE, SBI_TIME, SBI_IPI,  SBI_RFENCE, SBI_HSM,
                                        SBI_DBCN, SBI_BAO,  SBI_SRST, 1};
    static const ureg_t values[] = {0,          1,         2,         3,          63,         64,
                                    255,        256,       257,       0x50000000, 0x80000000, 0x80000257,
                                    0xffffffff, 1ul << 32, 1ul << 63, ~0ul - 1,   ~0ul};

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
