// SPDX-License-Identifier: Apache-2.0
/* A guest's accesses to its virtual PLIC. Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0. */
#ifndef VPLIC_TEST_H
#define VPLIC_TEST_H

#include "check.h"
#include "fake.h"

#define VSEIP (1ul << IRQ_VS_EXT)

enum { UART = 33, RTC = 11, NIC = 20, LAST = 39, BELL = 36, SOURCES = 40 }; /* alpha's */

static struct cpu *vcpu[2];

static inline void boot(void)
{
    fake_boot();
    vcpu[0] = fake_cpu(0, 0);
    vcpu[1] = fake_cpu(0, 1);
    cpu_set_state(vcpu[1], VCPU_ON);
}

static inline uint32_t get_as(unsigned who, uint64_t offset)
{
    struct vdev_access access = {offset, 4, false, 0};

    fake_run_as(vcpu[who]);
    CHECK(virq_access(vcpu[who], &access));
    CHECK(access.value <= UINT32_MAX);
    return (uint32_t)access.value;
}

static inline void put_as(unsigned who, uint64_t offset, uint32_t value)
{
    struct vdev_access access = {offset, 4, true, value};

    fake_run_as(vcpu[who]);
    CHECK(virq_access(vcpu[who], &access));
}

static inline uint64_t enable_at(unsigned context, uint32_t source)
{
    return 0x2000 + 0x80 * context + source / 32 * 4;
}

static inline void enable(unsigned context, uint32_t source, bool on)
{
    uint32_t mask = 1u << (source % 32);
    uint32_t word = get_as(context, enable_at(context, source));

    put_as(context, enable_at(context, source), on ? word | mask : word & ~mask);
}

static inline void set_priority(uint32_t source, uint32_t priority)
{
    put_as(0, source * 4, priority);
}

static inline void set_threshold(unsigned context, uint32_t threshold)
{
    put_as(context, 0x200000 + 0x1000 * context, threshold);
}

static inline uint32_t claim(unsigned context)
{
    return get_as(context, 0x200004 + 0x1000 * context);
}

static inline void complete(unsigned context, uint32_t source)
{
    put_as(context, 0x200004 + 0x1000 * context, source);
}

/* The line of a vCPU, once every CPU has seen its events. */
static inline bool line(unsigned context)
{
    fake_deliver();
    return (fake_harts[vcpu[context]->index].hvip & VSEIP) != 0;
}

static inline void raise_line(uint32_t source)
{
    virq_set_level(vcpu[0], &vms[0], source, true);
}

static inline void lower_line(uint32_t source)
{
    virq_set_level(vcpu[0], &vms[0], source, false);
}

#endif
