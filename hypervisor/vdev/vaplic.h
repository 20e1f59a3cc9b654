// SPDX-License-Identifier: Apache-2.0
/* State of a virtual APLIC, and what its two ways of delivery (vaplic-direct.c, vaplic-msi.c) give to the rest of it. */
#ifndef VAPLIC_H
#define VAPLIC_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "spinlock.h"

struct cpu;
struct vdev_access;
struct vm;

/*
 * One bit or word for each guest interrupt number. `pending` is changed by any CPU, atomically, and `enable`, `target` and
 * `domaincfg` are read so; all else is under `lock`.
 */
struct virq {
    struct spinlock lock;
    uint32_t domaincfg;
    uint32_t pending[PLAN_IRQ_WORDS];
    uint32_t enable[PLAN_IRQ_WORDS];
    uint32_t level[PLAN_IRQ_WORDS]; /* line of a virtual level source */
    uint32_t target[PLAN_IRQ_WORDS * 32];
    uint8_t mode[PLAN_IRQ_WORDS * 32]; /* enum aplic_mode */
    uint32_t genmsi;
    /* Direct delivery: */
    uint32_t shut[PLAN_IRQ_WORDS]; /* physical level sources that were taken and wait for the guest */
    uint32_t threshold[PLAN_VCPUS_MAX];
    bool delivery[PLAN_VCPUS_MAX];
    bool force[PLAN_VCPUS_MAX];
    bool asserted[PLAN_VCPUS_MAX]; /* what the vCPU was last told of its line */
};

static inline uint32_t vaplic_bit(uint32_t number)
{
    return 1u << (number % 32);
}

static inline bool vaplic_test(const uint32_t *words, uint32_t number)
{
    return (__atomic_load_n(&words[number / 32], __ATOMIC_ACQUIRE) & vaplic_bit(number)) != 0;
}

/* Physical source behind a guest's; 0: the hypervisor raises it. */
uint32_t vaplic_physical(const struct vm *vm, uint32_t number);

/* --- The way of delivery --- */

/* Bits of domaincfg that stand fixed. */
extern const uint32_t vaplic_domaincfg;

/* What a guest may write to a target register; `hart` in it is a vCPU of the VM. */
uint32_t vaplic_legal_target(const struct vm *vm, uint32_t value);

/* Mode, target or enable of a source have changed; the lock is held. */
void vaplic_configure(struct cpu *cpu, uint32_t number);

/* The guest, or the hypervisor for it, wants the source pending; the lock is held. */
void vaplic_set_pending(struct cpu *cpu, struct vm *vm, uint32_t number);

/* Something has changed: drive lines or send what waits; the lock is held. */
void vaplic_deliver(struct cpu *cpu, struct vm *vm);

/* The registers that only one way of delivery has: genmsi and the IDC structures. The lock is held. */
void vaplic_access_delivery(struct cpu *cpu, uint32_t offset, struct vdev_access *access);

#endif
