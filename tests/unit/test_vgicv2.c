// SPDX-License-Identifier: Apache-2.0
/* What only the virtual GICv2 has. Source: Arm GIC Architecture Specification IHI 0048B, section 4.3. */
#include "vgic_test.h"

TEST(vgicv2_identification)
{
    boot();
    CHECK_EQ(access_as(0, 0, 4, false, 0), 1);
    CHECK_EQ(access_as(0, 4, 4, false, 0), 2 << 5 | 2); /* three CPU interfaces, 96 interrupts */
    CHECK_EQ(access_as(0, 0xfe8, 4, false, 0), 0x2b);
    CHECK(!virq_write_sgi(vcpu[0], 1));
}

/* Private interrupts have one register for each vCPU at the same place. */
TEST(vgicv2_banked)
{
    boot();
    enable(1, TIMER, true);
    CHECK(get_bit(1, ISENABLER, TIMER));
    CHECK(!get_bit(0, ISENABLER, TIMER));
    set_priority(2, TIMER, 0x48);
    CHECK_EQ(access_as(2, IPRIORITYR + TIMER, 1, false, 0), 0x48);
    CHECK_EQ(access_as(1, IPRIORITYR + TIMER, 1, false, 0), 0);
    CHECK_EQ(access_as(2, ITARGETSR + 4, 4, false, 0), 0x04040404); /* whom am I? */
    access_as(2, ITARGETSR + 4, 4, true, 0x01010101);
    CHECK_EQ(access_as(2, ITARGETSR + 4, 4, false, 0), 0x04040404);
}

TEST(vgicv2_targets)
{
    boot();
    access_as(0, ITARGETSR + 36, 4, true, 0x04020106);
    CHECK_EQ(access_as(0, ITARGETSR + 36, 4, false, 0), 0x04020102); /* one of them alone */
    access_as(0, ITARGETSR + 37, 1, true, 4);
    CHECK_EQ(access_as(0, ITARGETSR + 36, 2, false, 0), 0x0402);
    access_as(0, ITARGETSR + 36, 4, true, 0xf8f8f8f8); /* no such vCPUs */
    CHECK_EQ(access_as(0, ITARGETSR + 36, 4, false, 0), 0x01010101);
    access_as(0, ITARGETSR + IDS - 8, 8, true, 0x0202020202020202);
    CHECK_EQ(access_as(0, ITARGETSR + IDS, 4, false, 0), 0);
}

static uint32_t reached(uint32_t value)
{
    uint32_t vcpus = 0;

    boot();
    access_as(1, SGIR, 4, true, value | 9);
    for (unsigned i = 0; i < VCPUS; i++)
        vcpus |= (uint32_t)(take(i) == (1 << 10 | 9)) << i;
    return vcpus;
}

TEST(vgicv2_sgi_filters)
{
    CHECK_EQ(reached(0xff0000), 7);
    CHECK_EQ(reached(0x050000), 5);
    CHECK_EQ(reached(0xf80000), 0);
    CHECK_EQ(reached(1 << 24), 5);
    CHECK_EQ(reached(2 << 24 | 0xff0000), 2);
    CHECK_EQ(reached(3 << 24 | 0xff0000), 0);
    CHECK_EQ(access_as(0, SGIR, 4, false, 0), 0);
}
