// SPDX-License-Identifier: Apache-2.0
/*
 * A guest's accesses to its virtual GIC, by what both versions have. Source: Arm GIC Architecture Specifications IHI 0048B
 * (v2) and IHI 0069H (v3).
 */
#ifndef VGIC_TEST_H
#define VGIC_TEST_H

#include "check.h"
#include "fake.h"
#include "gic.h"

/* Of alpha. */
enum { TIMER = 27, UART = 35, BELL = 36, BELL2 = 70, NIC = 40, RTC = 65, RTC_PHYSICAL = 71, VCPUS = 3, IDS = 96 };

enum gicd_register {
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00,
    SGIR = 0xf00,
    IROUTER = 0x6000,
};

static struct cpu *vcpu[VCPUS];

static inline uint64_t access_as(unsigned who, uint64_t offset, uint32_t width, bool write, uint64_t value)
{
    struct vdev_access access = {offset, width, write, value};

    fake_run_as(vcpu[who]);
    CHECK(virq_access(vcpu[who], &access));
    if (width < 8)
        CHECK_EQ(write ? 0 : access.value >> width * 8, 0);
    return access.value;
}

/* Where the registers of an interrupt stand: with a GICv3 those of private ones in the vCPU's redistributor. */
static inline uint64_t frame(unsigned who, uint32_t id)
{
    return FAKE_GIC == 3 && id < 32 ? 0x10000 + 0x20000 * who + 0x10000 : 0;
}

static inline uint32_t get_bits(unsigned who, uint32_t reg, uint32_t id)
{
    return (uint32_t)access_as(who, frame(who, id) + reg + id / 32 * 4, 4, false, 0);
}

static inline bool get_bit(unsigned who, uint32_t reg, uint32_t id)
{
    return (get_bits(who, reg, id) >> (id % 32) & 1) != 0;
}

static inline void put_bit(unsigned who, uint32_t reg, uint32_t id)
{
    access_as(who, frame(who, id) + reg + id / 32 * 4, 4, true, 1u << (id % 32));
}

static inline void enable(unsigned who, uint32_t id, bool on)
{
    put_bit(who, on ? ISENABLER : ICENABLER, id);
}

static inline void set_priority(unsigned who, uint32_t id, uint32_t priority)
{
    access_as(who, frame(who, id) + IPRIORITYR + id, 1, true, priority);
}

static inline void route(unsigned who, uint32_t id, unsigned target)
{
    if (FAKE_GIC == 3)
        access_as(who, IROUTER + id * 8, 8, true, target);
    else
        access_as(who, ITARGETSR + id, 1, true, 1u << target);
}

static inline void send(unsigned who, uint32_t id, uint32_t targets)
{
    fake_run_as(vcpu[who]);
    if (FAKE_GIC == 3)
        CHECK(virq_write_sgi(vcpu[who], id << 24 | targets));
    else
        access_as(who, SGIR, 4, true, targets << 16 | id);
}

static inline void switch_on(bool on)
{
    access_as(0, 0, 4, true, on ? (FAKE_GIC == 3 ? 3 : 1) : 0);
}

static inline void boot(void)
{
    fake_boot();
    for (unsigned i = 0; i < VCPUS; i++) {
        vcpu[i] = fake_cpu(0, i);
        cpu_set_state(vcpu[i], VCPU_ON);
    }
    switch_on(true);
}

/* What the guest reads from its acknowledge register once every CPU has seen to its interrupts. */
static inline uint32_t take(unsigned who)
{
    fake_interrupts();
    fake_run_as(vcpu[who]);
    return guest_acknowledge(vcpu[who]);
}

static inline void end(unsigned who, uint32_t acknowledged)
{
    guest_end(vcpu[who], acknowledged);
    fake_interrupts();
}

static inline void set_level(bool level)
{
    fake_run_as(vcpu[0]);
    virq_set_level(vcpu[0], &vms[0], UART, level);
}

#endif
