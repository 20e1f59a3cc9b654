// SPDX-License-Identifier: Apache-2.0
/* The hypervisor's own timer, shared by its users and, without Sstc, with the guest. */
#include "check.h"
#include "fake.h"
#include "timer.h"

#define STIP  (1ul << IRQ_S_TIMER)
#define VSTIP (1ul << IRQ_VS_TIMER)

static struct cpu *self;

static void boot(bool sstc)
{
    fake_config()->sstc = sstc;
    fake_boot();
    self = fake_cpu(0, 0);
    fake_run_as(self);
    csrs->sscratch = (unsigned long)self;
    csrs->time = 1000;
    timer_set(self, TIMER_WATCHDOG, TIMER_NEVER);
    guest_call(self, SBI_TIME, 0, ~0ul, 0, 0);
    fake_call_count = 0;
}

static void fire(uint64_t now)
{
    csrs->time = now;
    csrs->sip = STIP;
    trap_interrupt(self, 1ul << 63 | IRQ_S_TIMER);
    csrs->sip = 0;
}

TEST(timer_goes_off_once)
{
    boot(true);
    CHECK_EQ(csrs->sie & STIP, 0);
    timer_set(self, TIMER_WATCHDOG, 5000);
    CHECK_EQ(csrs->stimecmp, 5000);
    CHECK_EQ(csrs->sie & STIP, STIP);
    fire(3000);
    CHECK_EQ(csrs->stimecmp, 5000);
    CHECK_EQ(self->exits[EXIT_TIMER], 1);
    fire(5001);
    CHECK_EQ(csrs->sie & STIP, 0);
    CHECK_EQ(csrs->hvip & VSTIP, 0);
    CHECK_EQ(fake_call_count, 0);
}

TEST(timer_leaves_the_comparator_of_the_guest_alone)
{
    boot(true);
    guest_call(self, SBI_TIME, 0, 2000, 0, 0);
    timer_set(self, TIMER_WATCHDOG, 5000);
    CHECK_EQ(csrs->vstimecmp, 2000);
    CHECK_EQ(csrs->stimecmp, 5000);
}

TEST(timer_without_sstc_is_shared_with_the_guest)
{
    boot(false);
    timer_set(self, TIMER_WATCHDOG, 5000);
    CHECK_EQ(fake_calls[0].args[0], 5000);
    guest_call(self, SBI_TIME, 0, 4000, 0, 0);
    CHECK_EQ(fake_calls[1].args[0], 4000);
    fire(4000);
    CHECK_EQ(csrs->hvip & VSTIP, VSTIP);
    CHECK_EQ(fake_calls[2].args[0], 5000);
    CHECK_EQ(csrs->sie & STIP, STIP);
    guest_call(self, SBI_TIME, 0, 6000, 0, 0);
    CHECK_EQ(fake_calls[3].args[0], 5000);
    fire(5000);
    CHECK_EQ(csrs->hvip & VSTIP, 0);
    CHECK_EQ(fake_calls[4].args[0], 6000);
    fire(6000);
    CHECK_EQ(csrs->hvip & VSTIP, VSTIP);
    CHECK_EQ(csrs->sie & STIP, 0);
    guest_call(self, SBI_TIME, 0, 0, 0, 0); /* at once */
    CHECK_EQ(csrs->sie & STIP, STIP);
}
