// SPDX-License-Identifier: Apache-2.0
/* What only the virtual GICv3 has. Source: Arm GIC Architecture Specification IHI 0069H, chapter 12. */
#include "vgic_test.h"

#define GICR(vcpu) (0x10000 + 0x20000 * (vcpu))
#define SGI_PAGE   0x10000

TEST(vgicv3_identification)
{
    boot();
    CHECK_EQ(access_as(0, 0, 4, false, 0), 0x53); /* on, affinity routing, one security state */
    CHECK_EQ(access_as(0, 4, 4, false, 0), 0x02480002);
    CHECK_EQ(access_as(0, 0xffe8, 4, false, 0), 0x3b);
    CHECK_EQ(access_as(0, GICR(1) + 0xffe8, 4, false, 0), 0x3b);
    CHECK_EQ(access_as(0, GICR(0) + 8, 8, false, 0), 0);
    CHECK_EQ(access_as(0, GICR(1) + 8, 8, false, 0), 1ul << 32 | 1 << 8);
    CHECK_EQ(access_as(0, GICR(2) + 8, 8, false, 0), 2ul << 32 | 2 << 8 | 1 << 4);
    CHECK_EQ(access_as(0, GICR(2) + 12, 4, false, 0), 2);
    CHECK_EQ(access_as(0, GICR(2) + 8, 4, false, 0), 2 << 8 | 1 << 4);
    CHECK_EQ(access_as(0, GICR(3) + 8, 8, false, 0), 0); /* no such vCPU */
}

TEST(vgicv3_waker)
{
    boot();
    access_as(0, GICR(1) + 0x14, 4, true, 2);
    CHECK_EQ(access_as(0, GICR(1) + 0x14, 4, false, 0), 6);
    CHECK_EQ(access_as(0, GICR(0) + 0x14, 4, false, 0), 0);
    access_as(0, GICR(1) + 0x14, 4, true, 0);
    CHECK_EQ(access_as(0, GICR(1) + 0x14, 4, false, 0), 0);
}

/* Private interrupts stand in the redistributors, shared ones in the distributor, and none in both. */
TEST(vgicv3_frames)
{
    boot();
    access_as(0, GICR(1) + SGI_PAGE + ISENABLER, 4, true, 1u << TIMER);
    CHECK_EQ(access_as(1, GICR(1) + SGI_PAGE + ISENABLER, 4, false, 0), 0xffff | 1u << TIMER);
    CHECK_EQ(access_as(1, GICR(0) + SGI_PAGE + ISENABLER, 4, false, 0), 0xffff);
    CHECK_EQ(access_as(1, ISENABLER, 4, false, 0), 0);
    access_as(1, IPRIORITYR + 4, 4, true, 0x10101010);
    CHECK_EQ(access_as(1, GICR(1) + SGI_PAGE + IPRIORITYR + 4, 4, false, 0), 0);
    enable(0, BELL, true);
    CHECK_EQ(access_as(0, GICR(0) + SGI_PAGE + ISENABLER + 4, 4, false, 0), 0);
    access_as(0, GICR(0) + SGI_PAGE + ICENABLER + 4, 4, true, ~0u);
    CHECK(get_bit(0, ISENABLER, BELL));
    access_as(0, GICR(0) + SGI_PAGE + IPRIORITYR + BELL, 1, true, 0x80);
    CHECK_EQ(access_as(0, IPRIORITYR + BELL, 1, false, 0), 0);
    access_as(0, GICR(0) + SGI_PAGE + ICFGR + 8, 4, true, ~0u);
    CHECK_EQ(access_as(0, ICFGR + 8, 4, false, 0), 0);
}

TEST(vgicv3_routes)
{
    static const struct {
        uint64_t written, read;
    } cases[] = {{2, 2}, {0, 0}, {1, 1}, {3, 0}, {0x80000001, 0}, {0x100, 0}, {0x10001, 0}, {1ul << 32, 0}, {0x11, 0}};

    boot();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        access_as(0, IROUTER + BELL * 8, 8, true, cases[i].written);
        CHECK_EQ(access_as(0, IROUTER + BELL * 8, 8, false, 0), cases[i].read);
        access_as(0, IROUTER + BELL * 8, 4, true, cases[i].written & 0xffffffff);
    }
    access_as(0, IROUTER + BELL * 8, 4, true, 2);
    access_as(0, IROUTER + BELL * 8 + 4, 4, true, 0); /* affinity 3 */
    CHECK_EQ(access_as(0, IROUTER + BELL * 8, 4, false, 0), 2);
    CHECK_EQ(access_as(0, IROUTER + BELL * 8 + 4, 4, false, 0), 0);
    CHECK_EQ(access_as(0, IROUTER + 5 * 8, 8, false, 0), 0);
    access_as(0, IROUTER + IDS * 8, 8, true, 1);
    CHECK_EQ(access_as(0, IROUTER + IDS * 8, 8, false, 0), 0);
}

static uint32_t reached(uint64_t value)
{
    uint32_t vcpus = 0;

    boot();
    fake_run_as(vcpu[1]);
    CHECK(virq_write_sgi(vcpu[1], value | 9ul << 24));
    for (unsigned i = 0; i < VCPUS; i++)
        vcpus |= (uint32_t)(take(i) == 9) << i;
    return vcpus;
}

TEST(vgicv3_sgi_to_itself_and_others)
{
    CHECK_EQ(reached(7), 7);
}

TEST(vgicv3_sgi_to_all_others)
{
    CHECK_EQ(reached(1ul << 40), 5);
}

TEST(vgicv3_sgi_to_those_that_are_not)
{
    CHECK_EQ(reached(0xfff8), 0);
    CHECK_EQ(reached(1ul << 16 | 7), 0); /* affinity 1 */
    CHECK_EQ(reached(1ul << 32 | 7), 0); /* affinity 2 */
    CHECK_EQ(reached(1ul << 48 | 7), 0); /* affinity 3 */
    CHECK_EQ(reached(1ul << 44 | 7), 0); /* range: 16 and up */
    CHECK_EQ(reached(0xffff8), 0);
}
