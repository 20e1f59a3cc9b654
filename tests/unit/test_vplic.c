// SPDX-License-Identifier: Apache-2.0
/* The virtual PLIC, rule by rule. */
#include "vplic_test.h"

TEST(vplic_priorities)
{
    boot();
    for (uint32_t source = 0; source < 1024; source++) {
        put_as(0, source * 4, 0xffffffff);
        CHECK_EQ(get_as(0, source * 4), source != 0 && source < SOURCES ? 7 : 0);
    }
    put_as(0, 5 * 4, 3);
    CHECK_EQ(get_as(1, 5 * 4), 3);
    put_as(0, 5 * 4, 8);
    CHECK_EQ(get_as(0, 5 * 4), 0);
}

TEST(vplic_enables)
{
    boot();
    put_as(0, 0x2000, 0xffffffff);
    put_as(0, 0x2004, 0xffffffff);
    put_as(0, 0x2008, 0xffffffff);
    CHECK_EQ(get_as(0, 0x2000), 0xfffffffe); /* there is no source 0 */
    CHECK_EQ(get_as(0, 0x2004), 0xff);       /* nor one beyond 39 */
    CHECK_EQ(get_as(0, 0x2008), 0);
    CHECK_EQ(get_as(0, 0x207c), 0);
    CHECK_EQ(get_as(0, 0x2080), 0); /* the other context */
    put_as(0, 0x2080, 2);
    CHECK_EQ(get_as(1, 0x2080), 2);
    put_as(0, 0x2100, 0xffffffff); /* a context that is not there */
    CHECK_EQ(get_as(0, 0x2100), 0);
}

/* A source count that fills its words leaves no bit over. */
TEST(vplic_enables_of_full_words)
{
    fake_config()->vms[0].irq_count = 32;
    boot();
    put_as(0, 0x2000, 0xffffffff);
    put_as(0, 0x2004, 0xffffffff);
    CHECK_EQ(get_as(0, 0x2000), 0xfffffffe);
    CHECK_EQ(get_as(0, 0x2004), 0);
}

TEST(vplic_physical_enables)
{
    boot();
    enable(0, RTC, true);
    enable(1, NIC, true);
    enable(0, BELL, true);
    for (unsigned cpu = 0; cpu < PLAN_CPUS; cpu++) {
        for (uint32_t source = 0; source < PLAN_IRQS; source++)
            CHECK_EQ(fake_enabled[cpu][source],
                     (cpu == vcpu[0]->index && source == 11) || (cpu == vcpu[1]->index && source == 34));
    }
    enable(0, RTC, false);
    CHECK(!fake_enabled[vcpu[0]->index][11]);
}

TEST(vplic_wrong_accesses)
{
    static const struct vdev_access wrong[] = {
        {0x4, 1, false, 0}, {0x4, 2, false, 0},     {0x4, 8, false, 0},
        {0x6, 4, false, 0}, {0x200001, 4, true, 1}, {0x200004, 8, true, 1},
    };

    boot();
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct vdev_access access = wrong[i];

        CHECK(!virq_access(vcpu[0], &access));
    }
}

TEST(vplic_registers_that_are_not_there)
{
    static const uint32_t offsets[] = {0xffc,    0x1008,   0x107c,   0x1ffc,   0x2008,   0x1f1ffc, 0x1ffffc,
                                       0x200008, 0x200ffc, 0x202000, 0x202004, 0x3ff004, 0x5ffffc};

    boot();
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        put_as(0, offsets[i], 0xffffffff);
        CHECK_EQ(get_as(0, offsets[i]), 0);
    }
    CHECK(!line(0));
}

TEST(vplic_edge)
{
    boot();
    set_priority(BELL, 1);
    enable(0, BELL, true);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(get_as(0, 0x1004), 1u << (BELL - 32));
    CHECK(line(0));
    CHECK(!line(1));
    CHECK_EQ(claim(0), BELL);
    CHECK(!line(0));
    CHECK_EQ(get_as(0, 0x1004), 0);
    CHECK_EQ(claim(0), 0);
    virq_raise(&vms[0], BELL); /* while it is handled: kept until it is completed */
    CHECK(!line(0));
    CHECK_EQ(claim(0), 0);
    complete(0, BELL);
    CHECK(line(0));
    CHECK_EQ(claim(0), BELL);
    complete(0, BELL);
    CHECK(!line(0));
}

/* Many rings before the guest comes to claim are one interrupt, and one event. */
TEST(vplic_edge_storm)
{
    boot();
    set_priority(BELL, 1);
    enable(1, BELL, true);
    fake_call_count = 0;
    for (unsigned i = 0; i < 1000; i++)
        virq_raise(&vms[0], BELL);
    CHECK_EQ(fake_call_count, 1);
    CHECK(line(1));
    CHECK_EQ(claim(1), BELL);
    complete(1, BELL);
    CHECK_EQ(claim(1), 0);
}

TEST(vplic_level)
{
    boot();
    set_priority(UART, 1);
    enable(0, UART, true);
    raise_line(UART);
    CHECK(line(0));
    CHECK_EQ(claim(0), UART);
    CHECK(!line(0));
    complete(0, UART);
    CHECK(line(0)); /* the line is still high */
    CHECK_EQ(claim(0), UART);
    lower_line(UART);
    complete(0, UART);
    CHECK(!line(0));
    raise_line(UART);
    CHECK(line(0));
    lower_line(UART);
    CHECK(!line(0)); /* nobody came to claim it */
    CHECK_EQ(claim(0), 0);
}

TEST(vplic_level_while_claimed)
{
    boot();
    set_priority(UART, 1);
    enable(0, UART, true);
    raise_line(UART);
    CHECK_EQ(claim(0), UART);
    lower_line(UART);
    raise_line(UART);
    CHECK(!line(0));
    CHECK_EQ(claim(0), 0);
    complete(0, UART);
    CHECK(line(0));
}

TEST(vplic_priority_order)
{
    static const uint32_t order[] = {7, 38, 3, 5, 35};

    boot();
    put_as(0, 0x2000, 0xfffffffe);
    put_as(0, 0x2004, 0xff);
    set_priority(5, 1);
    set_priority(35, 1);
    set_priority(3, 2);
    set_priority(7, 7);
    set_priority(38, 7);
    set_priority(2, 0); /* never */
    virq_raise(&vms[0], 5);
    virq_raise(&vms[0], 35);
    virq_raise(&vms[0], 38);
    virq_raise(&vms[0], 3);
    virq_raise(&vms[0], 7);
    virq_raise(&vms[0], 2);
    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        CHECK(line(0));
        CHECK_EQ(claim(0), order[i]);
    }
    CHECK(!line(0));
    CHECK_EQ(claim(0), 0);
    set_priority(2, 1);
    CHECK(line(0));
    CHECK_EQ(claim(0), 2);
}

TEST(vplic_threshold)
{
    boot();
    enable(0, BELL, true);
    set_priority(BELL, 3);
    set_threshold(0, 3);
    CHECK_EQ(get_as(0, 0x200000), 3);
    virq_raise(&vms[0], BELL);
    CHECK(!line(0)); /* not above it */
    set_threshold(0, 2);
    CHECK(line(0));
    set_threshold(0, 7);
    CHECK(!line(0));
    CHECK_EQ(claim(0), BELL); /* a claim does not ask the threshold (chapter 8) */
    set_threshold(0, 0xfffffff9);
    CHECK_EQ(get_as(0, 0x200000), 1);
    CHECK_EQ(get_as(0, 0x201000), 0);
}

TEST(vplic_two_contexts)
{
    boot();
    enable(0, BELL, true);
    enable(1, BELL, true);
    set_priority(BELL, 1);
    virq_raise(&vms[0], BELL);
    CHECK(line(0));
    CHECK(line(1));
    CHECK_EQ(claim(1), BELL);
    CHECK(!line(0));
    CHECK(!line(1));
    CHECK_EQ(claim(0), 0);
    virq_raise(&vms[0], BELL);
    complete(0, BELL); /* any context that has it enabled may complete it */
    CHECK(line(0));
    CHECK(line(1));
    enable(1, BELL, false); /* the one that is told of new ones */
    CHECK(line(0));
    CHECK(!line(1));
    CHECK_EQ(claim(0), BELL);
    complete(0, BELL);
    virq_raise(&vms[0], BELL);
    CHECK(line(0));
    CHECK(!line(1));
}

TEST(vplic_disabled_while_pending)
{
    boot();
    set_priority(BELL, 1);
    virq_raise(&vms[0], BELL);
    CHECK(!line(0));
    enable(0, BELL, true);
    CHECK(line(0));
    enable(0, BELL, false);
    CHECK(!line(0));
    CHECK_EQ(claim(0), 0);
    enable(1, BELL, true);
    CHECK(line(1));
}

TEST(vplic_wrong_completions)
{
    boot();
    set_priority(BELL, 1);
    enable(0, BELL, true);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(claim(0), BELL);
    virq_raise(&vms[0], BELL);
    complete(1, BELL); /* not enabled there (chapter 9) */
    CHECK(!line(0));
    complete(0, 0);
    complete(0, RTC);
    complete(0, SOURCES);
    complete(0, 64);
    complete(0, 0xffffffff);
    CHECK(!line(0));
    enable(0, BELL, false);
    complete(0, BELL);
    enable(0, BELL, true);
    CHECK(!line(0));
    complete(0, BELL);
    CHECK(line(0));
    CHECK_EQ(fake_completed_count, 0);
}

TEST(vplic_physical)
{
    boot();
    set_priority(RTC, 1);
    enable(0, RTC, true);
    fake_run_as(vcpu[0]);
    fake_interrupt(vcpu[0], 11);
    trap_interrupt(vcpu[0], 1ul << 63 | IRQ_S_EXT);
    CHECK_EQ(vcpu[0]->exits[EXIT_DEVICE], 1);
    CHECK(line(0));
    CHECK_EQ(fake_completed_count, 0);
    CHECK_EQ(claim(0), RTC);
    CHECK_EQ(fake_completed_count, 0);
    complete(0, RTC);
    CHECK_EQ(fake_completed_count, 1);
    CHECK_EQ(fake_completed[0], vcpu[0]->index << 16 | 11);
    CHECK(!line(0));
    complete(0, RTC); /* once */
    CHECK_EQ(fake_completed_count, 1);
}

TEST(vplic_vcpu_reset)
{
    boot();
    set_priority(RTC, 1);
    set_priority(BELL, 1);
    for (unsigned context = 0; context < 2; context++) {
        enable(context, RTC, true);
        enable(context, BELL, true);
        set_threshold(context, 0);
    }
    virq_raise(&vms[0], BELL);
    CHECK(line(1));
    set_threshold(1, 5);
    fake_run_as(vcpu[1]);
    virq_reset_vcpu(vcpu[1]);
    CHECK(!line(1));
    CHECK_EQ(get_as(1, 0x2080), 0);
    CHECK_EQ(get_as(1, 0x201000), 0);
    CHECK(!fake_enabled[vcpu[1]->index][11]);
    CHECK(line(0));
    CHECK(fake_enabled[vcpu[0]->index][11]);
}

/* A restart: nothing is left of what the VM did, and what it had claimed is completed. */
TEST(vplic_reset)
{
    boot();
    for (uint32_t source = 1; source < SOURCES; source++)
        set_priority(source, 1);
    put_as(0, 0x2000, 0xffffffff);
    put_as(0, 0x2004, 0xffffffff);
    put_as(0, 0x2080, 0xffffffff);
    raise_line(UART);
    virq_raise(&vms[0], BELL);
    virq_physical(vcpu[0], RTC);
    CHECK_EQ(claim(0), RTC);
    fake_run_as(vcpu[0]);
    virq_physical(vcpu[0], NIC);
    fake_run_as(vcpu[1]);
    virq_reset_vcpu(vcpu[1]);
    put_as(0, 0x2080, 0xffffffff); /* in a context that is off already */
    set_threshold(0, 3);
    fake_run_as(vcpu[0]);
    virq_reset_vcpu(vcpu[0]);
    virq_reset(vcpu[0]);
    CHECK_EQ(fake_completed_count, 2);
    CHECK_EQ(fake_completed[0] & 0xffff, 11);
    CHECK_EQ(fake_completed[1] & 0xffff, 34);
    CHECK(!line(0));
    CHECK(!line(1));
    for (uint32_t offset = 4; offset < SOURCES * 4; offset += 4)
        CHECK_EQ(get_as(0, offset), 0);
    CHECK_EQ(get_as(0, 0x1000) | get_as(0, 0x1004), 0);
    CHECK_EQ(get_as(0, 0x2000) | get_as(0, 0x2004), 0);
    CHECK_EQ(get_as(0, 0x2080) | get_as(0, 0x2084), 0);
    CHECK_EQ(get_as(0, 0x200000) | get_as(0, 0x201000), 0);
    for (unsigned cpu = 0; cpu < PLAN_CPUS; cpu++) {
        for (uint32_t source = 0; source < PLAN_IRQS; source++)
            CHECK(!fake_enabled[cpu][source]);
    }
    raise_line(UART);
    set_priority(UART, 1);
    enable(0, UART, true);
    CHECK(line(0));
}
