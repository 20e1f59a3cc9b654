// SPDX-License-Identifier: Apache-2.0
/* The virtual GIC, both versions: what reaches the guest, when and how often. */
#include <string.h>

#include "vgic_test.h"

#define NOTHING FAKE_NOTHING

TEST(vgic_doorbell)
{
    boot();
    virq_raise(&vms[0], BELL);
    CHECK_EQ(take(0), NOTHING);
    CHECK(get_bit(0, ISPENDR, BELL));
    enable(0, BELL, true);
    CHECK_EQ(take(0), BELL);
    CHECK(!get_bit(0, ISPENDR, BELL));
    CHECK(get_bit(0, ISACTIVER, BELL));
    CHECK_EQ(take(0), NOTHING);
    end(0, BELL);
    CHECK_EQ(take(0), NOTHING);
    CHECK(!get_bit(0, ISACTIVER, BELL));
}

/* Rung again before it was taken it is one; while the guest is busy with it, it comes once more. */
TEST(vgic_doorbell_again)
{
    boot();
    enable(0, BELL, true);
    virq_raise(&vms[0], BELL);
    fake_interrupts();
    virq_raise(&vms[0], BELL);
    CHECK_EQ(take(0), BELL);
    end(0, BELL);
    CHECK_EQ(take(0), NOTHING);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(take(0), BELL);
    virq_raise(&vms[0], BELL);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(take(0), NOTHING);
    CHECK(get_bit(0, ISPENDR, BELL));
    end(0, BELL);
    CHECK_EQ(take(0), BELL);
    end(0, BELL);
    CHECK_EQ(take(0), NOTHING);
}

TEST(vgic_sgi)
{
    boot();
    send(0, 3, 6);
    CHECK_EQ(take(0), NOTHING);
    CHECK_EQ(take(1), 3);
    CHECK_EQ(take(2), 3);
    send(1, 3, 1 << 1); /* to oneself, while busy with it */
    CHECK_EQ(take(1), NOTHING);
    end(2, 3);
    end(1, 3);
    CHECK_EQ(take(1) & 0x3ff, 3);
}

/* A GICv2 tells who has sent it, so two senders are two interrupts; on a GICv3 they are one. */
TEST(vgic_sgi_of_two_senders)
{
    uint32_t first;
    uint32_t second;

    boot();
    send(0, 5, 1 << 2);
    send(1, 5, 1 << 2);
    send(0, 5, 1 << 2);
    first = take(2);
    CHECK_EQ(first, 5);
    if (FAKE_GIC == 2) {
        CHECK_EQ(take(2), NOTHING);
        send(0, 5, 1 << 2);
        end(2, first);
        second = take(2);
        CHECK(second == 5 || second == (1 << 10 | 5));
        end(2, second);
        CHECK_EQ(take(2), second == 5 ? 1 << 10 | 5 : 5);
    } else {
        end(2, first);
        CHECK_EQ(take(2), NOTHING);
    }
}

TEST(vgic_priorities)
{
    boot();
    enable(0, BELL, true);
    enable(0, BELL2, true);
    set_priority(0, BELL, 0x80);
    set_priority(0, BELL2, 0x40);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(take(0), BELL);
    virq_raise(&vms[0], BELL2);
    CHECK_EQ(take(0), BELL2); /* preempts */
    end(0, BELL2);
    end(0, BELL);
    virq_raise(&vms[0], BELL);
    virq_raise(&vms[0], BELL2);
    CHECK_EQ(take(0), BELL2);
    CHECK_EQ(take(0), NOTHING);
    end(0, BELL2);
    CHECK_EQ(take(0), BELL);
}

/* More than there are list registers come by priority, the best ones in place of worse ones not yet taken. */
TEST(vgic_overflow)
{
    boot();
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t id = 72 + i;

        enable(0, id, true);
        set_priority(0, id, 0xf8 - 8 * i);
        virq_raise(&vms[0], id);
        fake_interrupts();
    }
    for (uint32_t i = 20; i-- > 0;) {
        CHECK_EQ(take(0), 72 + i);
        end(0, 72 + i);
    }
    CHECK_EQ(take(0), NOTHING);
}

/* The same with all of one priority: none is lost, and each comes once. */
TEST(vgic_overflow_of_equals)
{
    uint32_t seen = 0;

    boot();
    for (uint32_t id = 72; id < 92; id++) {
        enable(0, id, true);
        virq_raise(&vms[0], id);
    }
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t id = take(0);

        CHECK(id >= 72 && id < 92);
        seen |= 1u << (id - 72);
        end(0, id);
    }
    CHECK_EQ(seen, 0xfffff);
    CHECK_EQ(take(0), NOTHING);
}

TEST(vgic_level)
{
    boot();
    enable(0, UART, true);
    set_level(true);
    CHECK_EQ(take(0), UART);
    end(0, UART);
    CHECK_EQ(take(0), UART); /* still high */
    set_level(false);
    end(0, UART);
    CHECK_EQ(take(0), NOTHING);
    set_level(true);
    CHECK_EQ(take(0), UART);
    set_level(false);
    set_level(true);
    end(0, UART);
    CHECK_EQ(take(0), UART);
    set_level(false);
    end(0, UART);
    CHECK_EQ(take(0), NOTHING);
}

/* A level that goes before it was taken takes its interrupt with it. */
TEST(vgic_level_goes)
{
    boot();
    route(0, UART, 1);
    enable(0, UART, true);
    set_level(true);
    fake_interrupts();
    set_level(false);
    CHECK_EQ(take(1), NOTHING);
    CHECK(!get_bit(0, ISPENDR, UART));
}

TEST(vgic_disabled_while_pending)
{
    boot();
    enable(0, BELL, true);
    virq_raise(&vms[0], BELL);
    fake_interrupts();
    enable(0, BELL, false);
    CHECK_EQ(take(0), NOTHING);
    CHECK(get_bit(0, ISPENDR, BELL));
    enable(1, BELL, true);
    CHECK_EQ(take(0), BELL);
    virq_raise(&vms[0], BELL);
    fake_interrupts();
    enable(0, BELL, false); /* active, and pending behind itself */
    end(0, BELL);
    CHECK_EQ(take(0), NOTHING);
    enable(0, BELL, true);
    CHECK_EQ(take(0), BELL);
}

TEST(vgic_cleared_while_pending)
{
    boot();
    enable(0, BELL, true);
    virq_raise(&vms[0], BELL);
    fake_interrupts();
    put_bit(0, ICPENDR, BELL);
    CHECK_EQ(take(0), NOTHING);
    put_bit(0, ISPENDR, BELL);
    CHECK_EQ(take(0), BELL);
    end(0, BELL);
}

TEST(vgic_distributor_off)
{
    boot();
    enable(0, BELL, true);
    route(0, BELL, 2);
    virq_raise(&vms[0], BELL);
    fake_interrupts();
    switch_on(false);
    CHECK_EQ(take(2), NOTHING);
    switch_on(true);
    CHECK_EQ(take(2), BELL);
}

TEST(vgic_route)
{
    boot();
    enable(0, BELL, true);
    virq_raise(&vms[0], BELL);
    fake_interrupts();
    route(0, BELL, 2); /* pending in vCPU 0's list register */
    CHECK_EQ(take(0), NOTHING);
    CHECK_EQ(take(2), BELL);
    route(0, BELL, 1); /* active at vCPU 2 */
    virq_raise(&vms[0], BELL);
    CHECK_EQ(take(1), NOTHING);
    end(2, BELL);
    CHECK_EQ(take(2), NOTHING);
    CHECK_EQ(take(1), BELL);
    end(1, BELL);
}

TEST(vgic_physical)
{
    boot();
    enable(0, RTC, true);
    CHECK(fake_is_enabled(vcpu[0], RTC_PHYSICAL));
    CHECK_EQ(fake_target(RTC_PHYSICAL), vcpu[0]->index);
    fake_fire(NULL, RTC_PHYSICAL);
    CHECK_EQ(take(0), RTC);
    CHECK(fake_is_active(NULL, RTC_PHYSICAL));
    end(0, RTC);
    CHECK(!fake_is_active(NULL, RTC_PHYSICAL));
    route(0, RTC, 2);
    CHECK_EQ(fake_target(RTC_PHYSICAL), vcpu[2]->index);
    fake_fire(NULL, RTC_PHYSICAL);
    CHECK_EQ(take(0), NOTHING);
    CHECK_EQ(take(2), RTC);
    end(2, RTC);
    enable(0, RTC, false);
    CHECK(!fake_is_enabled(NULL, RTC_PHYSICAL));
    /* Its device alone makes it pending. */
    put_bit(0, ISPENDR, RTC);
    CHECK_EQ(take(2), NOTHING);
}

TEST(vgic_timer)
{
    boot();
    enable(1, TIMER, true);
    CHECK(fake_is_enabled(vcpu[1], 27));
    CHECK(!fake_is_enabled(vcpu[0], 27));
    fake_fire(vcpu[1], 27);
    CHECK_EQ(take(0), NOTHING);
    CHECK_EQ(take(1), TIMER);
    end(1, TIMER);
    CHECK(!fake_is_active(vcpu[1], 27));
}

/* An interrupt that is another VM's, nobody's or the hypervisor's never reaches the guest. */
TEST(vgic_not_its_own)
{
    boot();
    for (uint32_t id = 32; id < IDS; id++)
        enable(0, id, true);
    CHECK(!fake_is_enabled(NULL, 90));
    CHECK(!fake_is_enabled(NULL, 50));
    CHECK(fake_is_enabled(NULL, 33)); /* the console's */
    CHECK_EQ(fake_target(33), 1);
    put_bit(0, ICENABLER, 33);
    CHECK(fake_is_enabled(NULL, 33));
    fake_fire(NULL, 33);
    CHECK_EQ(take(0), NOTHING);
    CHECK(!fake_is_active(NULL, 33));
}

/* --- Off and restart --- */

/* What was taken by nobody, or not ended, when a vCPU goes off. */
TEST(vgic_vcpu_off)
{
    boot();
    enable(0, BELL, true);
    enable(0, RTC, true);
    enable(1, TIMER, true);
    route(0, BELL, 1);
    route(0, RTC, 1);
    virq_raise(&vms[0], BELL);
    fake_fire(NULL, RTC_PHYSICAL);
    fake_fire(vcpu[1], 27);
    fake_interrupts();
    CHECK(fake_is_active(vcpu[1], 27));
    fake_run_as(vcpu[1]);
    virq_reset_vcpu(vcpu[1]);
    CHECK(!fake_is_active(vcpu[1], 27));
    CHECK(!fake_is_enabled(vcpu[1], 27));
    route(0, BELL, 0);
    route(0, RTC, 0);
    CHECK_EQ(take(1), NOTHING);
    CHECK_EQ(take(0), BELL);
    end(0, BELL);
    CHECK_EQ(take(0), RTC);
    end(0, RTC);
    CHECK(!fake_is_active(NULL, RTC_PHYSICAL));
}

TEST(vgic_vcpu_off_while_busy)
{
    boot();
    enable(0, RTC, true);
    fake_fire(NULL, RTC_PHYSICAL);
    CHECK_EQ(take(0), RTC);
    fake_run_as(vcpu[0]);
    virq_reset_vcpu(vcpu[0]);
    CHECK(!fake_is_active(NULL, RTC_PHYSICAL));
    CHECK_EQ(take(0), NOTHING);
}

TEST(vgic_restart)
{
    boot();
    for (uint32_t id = 32; id < IDS; id++) {
        enable(0, id, true);
        set_priority(0, id, 0x50);
        if (id != RTC)
            route(0, id, id % 3);
        virq_raise(&vms[0], id == RTC || id == NIC ? BELL : id);
    }
    fake_fire(NULL, RTC_PHYSICAL);
    fake_fire(NULL, NIC);
    set_level(true);
    fake_interrupts();
    for (unsigned i = 0; i < VCPUS; i++) {
        take(i);
        fake_run_as(vcpu[i]);
        virq_reset_vcpu(vcpu[i]);
    }
    send(0, 4, 1 << 2); /* to one that is off already */
    fake_interrupts();
    fake_run_as(vcpu[0]);
    virq_reset(vcpu[0]);
    fake_interrupts();
    CHECK(!fake_is_active(NULL, RTC_PHYSICAL) && !fake_is_enabled(NULL, RTC_PHYSICAL));
    CHECK(!fake_is_active(NULL, NIC) && !fake_is_enabled(NULL, NIC));
    switch_on(true);
    for (uint32_t id = 32; id < IDS; id++) {
        CHECK(!get_bit(0, ISENABLER, id));
        CHECK_EQ(access_as(0, IPRIORITYR + id, 1, false, 0), 0);
        enable(0, id, true);
        CHECK_EQ(take(0), NOTHING);
    }
    CHECK_EQ(take(1), NOTHING);
    CHECK_EQ(take(2), NOTHING);
    virq_raise(&vms[0], BELL2); /* 70 went to vCPU 1 before */
    CHECK_EQ(take(0), BELL2);
}

/* SPIs go to vCPU 0 until the guest says otherwise. */
TEST(vgic_first_route)
{
    boot();
    if (FAKE_GIC == 3)
        CHECK_EQ(access_as(1, IROUTER + BELL * 8, 8, false, 0), 0);
    else
        CHECK_EQ(access_as(1, ITARGETSR + BELL, 1, false, 0), 1);
    enable(1, BELL, true);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(take(1), NOTHING);
    CHECK_EQ(take(0), BELL);
}

TEST(vgic_waiting)
{
    boot();
    CHECK(!virq_waiting(vcpu[0]));
    virq_raise(&vms[0], BELL);
    CHECK(!virq_waiting(vcpu[0]));
    enable(0, BELL, true);
    CHECK(virq_waiting(vcpu[0]));
    CHECK(!virq_waiting(vcpu[1]));
    CHECK_EQ(take(0), BELL);
    CHECK(!virq_waiting(vcpu[0]));
}

/* --- Registers --- */

TEST(vgic_registers_by_width)
{
    boot();
    access_as(0, IPRIORITYR + 40, 4, true, 0x12345678);
    CHECK_EQ(access_as(0, IPRIORITYR + 40, 4, false, 0), 0x10305078);
    CHECK_EQ(access_as(0, IPRIORITYR + 41, 1, false, 0), 0x50);
    CHECK_EQ(access_as(0, IPRIORITYR + 42, 2, false, 0), 0x1030);
    access_as(0, IPRIORITYR + 41, 1, true, 0xff);
    CHECK_EQ(access_as(0, IPRIORITYR + 40, 4, false, 0), 0x1030f878);
    access_as(0, ICFGR + 8, 4, true, 0xffffffff);
    CHECK_EQ(access_as(0, ICFGR + 8, 4, false, 0), 0xaaaaaaaa);
    CHECK_EQ(access_as(0, frame(0, 0) + ICFGR, 4, false, 0), 0xaaaaaaaa);
    access_as(0, frame(0, 0) + ICFGR, 4, true, 0);
    CHECK_EQ(access_as(0, frame(0, 0) + ICFGR, 4, false, 0), 0xaaaaaaaa);
    access_as(0, 0x84, 4, true, 0x55);
    CHECK_EQ(access_as(0, 0x84, 4, false, 0), 0x55);
}

TEST(vgic_registers_misaligned)
{
    boot();
    for (uint64_t offset = 0; offset < 0x1000; offset++) {
        for (uint32_t width = 2; width <= 8; width *= 2) {
            struct vdev_access access = {offset, width, false, 0};

            CHECK_EQ(virq_access(vcpu[0], &access), offset % width == 0);
        }
    }
}

TEST(vgic_beyond_the_last)
{
    boot();
    for (uint32_t id = IDS; id < 1020; id++) {
        if (id % 32 == 0) {
            access_as(0, ISENABLER + id / 8, 4, true, ~0u);
            access_as(0, ISPENDR + id / 8, 4, true, ~0u);
            CHECK_EQ(access_as(0, ISENABLER + id / 8, 4, false, 0), 0);
        }
        set_priority(0, id, 0xf8);
        CHECK_EQ(access_as(0, IPRIORITYR + id, 1, false, 0), 0);
    }
    CHECK_EQ(access_as(0, 4, 4, false, 0) & 0x1f, 2); /* 96 in all */
    CHECK_EQ(take(0), NOTHING);
}

/* No access of any width anywhere does more than it may. */
TEST(vgic_random_accesses)
{
    random_seed(0x61c);
    boot();
    for (unsigned i = 0; i < 200000; i++) {
        unsigned who = random_below(VCPUS);
        uint64_t offset = random_below(2) != 0 ? random_below(0x1000) : random_below(0x80000);
        struct vdev_access access = {offset, 1u << random_below(4), random_below(2) != 0, 0};

        access.value = access.width == 8 ? random_word() : random_word() & ((1ul << access.width * 8) - 1);
        fake_run_as(vcpu[who]);
        virq_access(vcpu[who], &access);
        if (random_below(100) == 0) {
            uint32_t taken = take(who);

            if (taken != NOTHING)
                end(who, taken);
        }
        CHECK(!fake_is_enabled(NULL, 90));
        CHECK(fake_is_enabled(NULL, 33));
    }
}
