// SPDX-License-Identifier: Apache-2.0
/* Hart masks of a VM with 64 vCPUs. */
#include <string.h>

#include "check.h"
#include "fake.h"

/* What an IPI with this mask and base reaches, one bit for each vCPU; error: what the guest got. */
static uint64_t reached(ureg_t mask, ureg_t base, long *error)
{
    uint64_t vcpus = 0;

    memset(fake_kicked, 0, sizeof(fake_kicked));
    for (unsigned i = 0; i < PLAN_CPUS; i++)
        fake_harts[i].hvip = 0;
    *error = guest_call(&cpus[0], SBI_IPI, 0, mask, base, 0).error;
    fake_deliver();
    for (unsigned i = 0; i < PLAN_CPUS; i++)
        vcpus |= (uint64_t)(fake_harts[i].hvip >> IRQ_VS_SOFT & 1) << i;
    return vcpus;
}

TEST(wide_masks)
{
    long error;

    fake_boot();
    CHECK_EQ(reached(~0ul, 0, &error), ~0ul);
    CHECK_EQ(error, SBI_SUCCESS);
    CHECK_EQ(reached(0, (ureg_t)-1, &error), ~0ul);
    CHECK_EQ(error, SBI_SUCCESS);
    CHECK_EQ(reached(1, 63, &error), 1ul << 63);
    CHECK_EQ(error, SBI_SUCCESS);
    CHECK_EQ(reached(1ul << 63, 0, &error), 1ul << 63);
    CHECK_EQ(error, SBI_SUCCESS);
    CHECK_EQ(reached(2, 63, &error), 0);
    CHECK_EQ(error, SBI_INVALID_PARAM);
    CHECK_EQ(reached(~0ul, 1, &error), 0);
    CHECK_EQ(error, SBI_INVALID_PARAM);
    CHECK_EQ(reached(1, 64, &error), 0);
    CHECK_EQ(error, SBI_INVALID_PARAM);
}

TEST(wide_every_base)
{
    fake_boot();
    for (ureg_t base = 0; base < 64; base++) {
        ureg_t most = ~0ul >> base;
        long error;

        CHECK_EQ(reached(most, base, &error), most << base);
        CHECK_EQ(error, SBI_SUCCESS);
        if (base != 0) {
            CHECK_EQ(reached(most << 1 | 1, base, &error), 0);
            CHECK_EQ(error, SBI_INVALID_PARAM);
        }
    }
}

TEST(wide_random_masks)
{
    random_seed(0x3a5c);
    fake_boot();
    for (unsigned i = 0; i < 2000; i++) {
        ureg_t mask = random_word() >> random_below(64);
        ureg_t base = random_below(70);
        bool good = mask == 0 || (base < 64 && mask << base >> base == mask);
        long error;
        uint64_t vcpus = reached(mask, base, &error);

        CHECK_EQ(error, good ? SBI_SUCCESS : SBI_INVALID_PARAM);
        CHECK_EQ(vcpus, good && base < 64 ? mask << base : 0);
    }
}

TEST(wide_rfence_is_one_call)
{
    fake_boot();
    CHECK_EQ(guest_call(&cpus[5], SBI_RFENCE, 1, 0, (ureg_t)-1, 0).error, SBI_SUCCESS);
    CHECK_EQ(fake_call_count, 1);
    CHECK_EQ(fake_calls[0].args[0], ~0ul);
    CHECK_EQ(fake_calls[0].args[1], 0);
    CHECK_EQ(guest_call(&cpus[5], SBI_RFENCE, 1, 6, 62, 0).error, SBI_INVALID_PARAM);
    CHECK_EQ(guest_call(&cpus[5], SBI_RFENCE, 1, 3, 62, 0).error, SBI_SUCCESS);
    CHECK_EQ(fake_call_count, 2);
    CHECK_EQ(fake_calls[1].args[0], 3);
    CHECK_EQ(fake_calls[1].args[1], 62);
}

TEST(wide_last_vcpu)
{
    fake_boot();
    CHECK_EQ(guest_call(&cpus[0], SBI_HSM, SBI_HSM_START, 63, 0x80000000, 0).error, SBI_SUCCESS);
    CHECK_EQ(guest_call(&cpus[0], SBI_HSM, SBI_HSM_STATUS, 63, 0, 0).value, SBI_HSM_START_PENDING);
    CHECK_EQ(guest_call(&cpus[0], SBI_HSM, SBI_HSM_START, 64, 0x80000000, 0).error, SBI_INVALID_PARAM);
}

/* A system that has no use for a timer of its own (PLAN_TIMER 0): without Sstc the firmware's is the guest's. */
TEST(wide_timer_is_the_guests_alone)
{
    fake_config()->sstc = false;
    fake_boot();
    CHECK_EQ(guest_call(&cpus[0], SBI_TIME, 0, 5000, 0, 0).error, SBI_SUCCESS);
    CHECK_EQ(fake_calls[0].args[0], 5000);
    CHECK_EQ(csrs->sie & 1 << IRQ_S_TIMER, 1 << IRQ_S_TIMER);
    csrs->sip = 1 << IRQ_S_TIMER;
    trap_interrupt(&cpus[0], 1ul << 63 | IRQ_S_TIMER);
    CHECK_EQ(csrs->hvip & 1 << IRQ_VS_TIMER, 1 << IRQ_VS_TIMER);
    CHECK_EQ(csrs->sie & 1 << IRQ_S_TIMER, 0);
}
