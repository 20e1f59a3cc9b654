// SPDX-License-Identifier: Apache-2.0
/* Calls that name a set of vCPUs: IPI and RFENCE. */
#include "sbi_test.h"

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
