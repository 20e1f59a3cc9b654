// SPDX-License-Identifier: Apache-2.0
/* What of a guest's calls of the SBI extension PMU reaches the firmware, and in which form. */
#include "arch.h"
#include "sbi_test.h"

#define PMU SBI_PMU

/* A call with all five arguments. */
static struct sbi_result pmu(ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2, ureg_t a3, ureg_t a4)
{
    struct cpu *cpu = fake_cpu(0, 0);

    fake_call_count = 0;
    cpu->arch.x[13] = a3;
    cpu->arch.x[14] = a4;
    return guest_call(cpu, PMU, function, a0, a1, a2);
}

static void check_passed(ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2, ureg_t a3, ureg_t a4)
{
    const struct fake_call *call = &fake_calls[0];

    CHECK_EQ(fake_call_count, 1);
    CHECK(call->extension == PMU && call->function == function);
    CHECK(call->args[0] == a0 && call->args[1] == a1 && call->args[2] == a2 && call->args[3] == a3 &&
          call->args[4] == a4);
}

TEST(pmu_configure)
{
    /* VU and VS are the guest's U and S; M, HS and HU are never counted. */
    static const struct {
        ureg_t asked, passed;
    } flags[] = {{0, 0xe0}, {7, 0xe7}, {0x18, 0xe0}, {0x20, 0xe8}, {0x40, 0xf0}, {0x80, 0xe0}, {0xff, 0xff}};

    fake_boot();
    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        fake_answer = (struct sbi_result){SBI_SUCCESS, 5};
        CHECK_EQ(pmu(2, 3, 0x30, flags[i].asked, 0x10009, 77).value, 5);
        check_passed(2, 3, 0x30, flags[i].passed, 0x10009, 0);
    }
    fake_answer = (struct sbi_result){SBI_NOT_SUPPORTED, 0};
    CHECK_EQ(pmu(2, 3, 0x30, 0, 1, 0).error, SBI_NOT_SUPPORTED);
}

TEST(pmu_refused)
{
    static const ureg_t events[] = {0x20000, 0x2ffff, 0x30000, 0xf0000, 0xfffff, 0x100001, (ureg_t)-1};

    fake_boot();
    for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        CHECK_EQ(pmu(2, 0, 1, 0, events[i], 0).error, SBI_NOT_SUPPORTED);
        CHECK_EQ(fake_call_count, 0);
    }
    CHECK_EQ(pmu(2, 0, 1, 0x100, 1, 0).error, SBI_INVALID_PARAM);
    CHECK_EQ(pmu(3, 0, 1, 2, 0, 0).error, -9);
    CHECK_EQ(pmu(4, 0, 1, 3, 0, 0).error, -9);
    for (ureg_t function = 5; function < 12; function++)
        CHECK_EQ(pmu(function, 0, 0, 0, 0, 0).error, SBI_NOT_SUPPORTED);
    CHECK_EQ(fake_call_count, 0);
}

TEST(pmu_passed)
{
    fake_boot();
    fake_answer = (struct sbi_result){SBI_SUCCESS, 35};
    CHECK_EQ(pmu(0, 9, 9, 9, 9, 9).value, 35);
    check_passed(0, 0, 0, 0, 0, 0);
    CHECK_EQ(pmu(1, 4, 0, 0, 0, 0).value, 35);
    check_passed(1, 4, 0, 0, 0, 0);
    pmu(3, 1, 2, 1, 4, 5);
    check_passed(3, 1, 2, 1, 4, 5);
    pmu(4, 1, 2, 1, 4, 5);
    check_passed(4, 1, 2, 1, 0, 0);
    fake_answer.value = 1ul << 63 | 5; /* a counter of the firmware's */
    CHECK_EQ(pmu(1, 4, 0, 0, 0, 0).error, SBI_INVALID_PARAM);
}

/* A vCPU that starts again finds the counters as at first; one that never used them costs no call. */
TEST(pmu_reset)
{
    struct cpu *cpu;

    fake_boot();
    cpu = fake_cpu(0, 0);
    fake_call_count = 0;
    CHECK_EQ(OUTCOME(arch_vcpu_start(cpu, 0x80000000, 0)), ENTERED);
    CHECK_EQ(fake_call_count, 0);
    pmu(4, 0, 1, 0, 0, 0);
    fake_answer = (struct sbi_result){SBI_SUCCESS, 35};
    fake_call_count = 0;
    CHECK_EQ(OUTCOME(arch_vcpu_start(cpu, 0x80000000, 0)), ENTERED);
    CHECK_EQ(fake_call_count, 4);
    CHECK(fake_calls[1].function == 4 && fake_calls[1].args[1] == 0x7ffffffff && fake_calls[1].args[2] == 1);
    CHECK(fake_calls[2].function == 2 && fake_calls[2].args[0] == 0 && fake_calls[2].args[3] == 1);
    CHECK(fake_calls[3].function == 2 && fake_calls[3].args[0] == 2 && fake_calls[3].args[3] == 2);
    fake_call_count = 0;
    CHECK_EQ(OUTCOME(arch_vcpu_start(cpu, 0x80000000, 0)), ENTERED);
    CHECK_EQ(fake_call_count, 0);
}
