// SPDX-License-Identifier: Apache-2.0
/* A guest's accesses to its virtual APLIC. Source: RISC-V Advanced Interrupt Architecture 1.0, chapter 4. */
#ifndef VAPLIC_TEST_H
#define VAPLIC_TEST_H

#include "aplic_model.h"
#include "check.h"
#include "drivers.h"
#include "fake.h"
#include "mmio.h" /* before aplic.h, which has another one beside it */

#include "aplic.h"

/* Of alpha. */
enum { UART = 33, RTC = 11, NIC = 20, NIC_PHYSICAL = 34, LAST = 39, LAST_PHYSICAL = 63, BELL = 36, SOURCES = 40 };

static struct cpu *vcpu[2];

static inline uint32_t get(uint64_t offset)
{
    struct vdev_access access = {offset, 4, false, 0xffffffffffffff55};

    CHECK(virq_access(fake_running(), &access));
    CHECK(access.value <= UINT32_MAX);
    return (uint32_t)access.value;
}

static inline void put(uint64_t offset, uint32_t value)
{
    struct vdev_access access = {offset, 4, true, value};

    CHECK(virq_access(fake_running(), &access));
}

static inline void set_mode(uint32_t source, uint32_t mode)
{
    put(APLIC_SOURCECFG + (source - 1) * 4, mode);
}

static inline void set_target(uint32_t source, uint32_t hart, uint32_t low)
{
    put(APLIC_TARGET + (source - 1) * 4, hart << TARGET_HART_SHIFT | low);
}

static inline bool get_bit(enum aplic_register words, uint32_t source)
{
    return (get((uint32_t)words + source / 32 * 4) >> (source % 32) & 1) != 0;
}

static inline void set_level(bool level)
{
    virq_set_level(fake_running(), &vms[0], UART, level);
}

static inline void boot(void)
{
    fake_boot();
    for (unsigned i = 0; i < PLAN_CPUS; i++) {
        fake_run_as(&cpus[i]);
        irqchip_init_cpu(&cpus[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        vcpu[i] = fake_cpu(0, i);
        cpu_set_state(vcpu[i], VCPU_ON);
        fake_run_as(vcpu[i]);
        virq_reset_vcpu(vcpu[i]);
    }
    fake_run_as(vcpu[0]);
    put(APLIC_DOMAINCFG, DOMAINCFG_IE);
}

#endif
