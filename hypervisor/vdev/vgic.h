// SPDX-License-Identifier: Apache-2.0
/*
 * State of a virtual GIC, and what its two register interfaces (vgicv2.c, vgicv3.c) share.
 *
 * Interrupts wait here as bits; the best of them are put into the CPU's list registers, from where the hardware gives them
 * to the guest. `inflight` are those that stand in a list register of some vCPU.
 */
#ifndef VGIC_H
#define VGIC_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "gic.h"
#include "spinlock.h"

struct cpu;
struct vdev_access;
struct vm;

/* 32 interrupts. `pending` is changed by any CPU, atomically; all else under the lock. */
struct vgic_word {
    uint32_t enable;
    uint32_t pending;
    uint32_t inflight;
    uint32_t level; /* line of a virtual level source */
    uint32_t edge;  /* configured as edge-triggered */
    uint32_t group; /* as the guest has written it; every interrupt is of group 1 */
    uint8_t priority[32];
};

#define VGIC_SHARED (PLAN_IRQ_WORDS > 1 ? PLAN_IRQ_WORDS - 1 : 1)

struct virq {
    struct spinlock lock;
    uint32_t enabled; /* the distributor forwards */
    struct vgic_word private[PLAN_VCPUS_MAX];
    struct vgic_word shared[VGIC_SHARED];
    uint32_t routed[PLAN_VCPUS_MAX][VGIC_SHARED];  /* shared interrupts of each vCPU; of vCPU 0 those that it has not */
    uint8_t route[VGIC_SHARED * 32];               /* vCPU of each shared interrupt */
    uint64_t source[PLAN_VCPUS_MAX][GIC_PPI];      /* vCPUs that have sent each SGI; on a GICv3 they count as one */
    uint16_t lr[PLAN_VCPUS_MAX][GIC_LR_MAX];       /* interrupt in each list register, 0xffff: none */
    uint8_t lr_source[PLAN_VCPUS_MAX][GIC_LR_MAX]; /* vCPU that has sent the SGI in it */
    uint16_t used[PLAN_VCPUS_MAX];                 /* list registers that hold one, a bit each */
    bool recheck[PLAN_VCPUS_MAX];                  /* more has changed than that something waits */
    bool stale[PLAN_VCPUS_MAX];  /* the VM was reset, and the vCPU's list registers not yet: recheck, too */
    bool asleep[PLAN_VCPUS_MAX]; /* GICv3: GICR_WAKER */
};

/* The word that holds an interrupt, as one vCPU sees it; id is less than PLAN_IRQ_WORDS * 32. */
static inline struct vgic_word *vgic_word(struct virq *virq, uint32_t vcpu, uint32_t id)
{
    return id < GIC_SPI ? &virq->private[vcpu] : &virq->shared[id / 32 - 1];
}

/* Send an SGI to a set of vCPUs. */
void vgic_send(struct cpu *cpu, uint32_t id, uint64_t vcpus);

/*
 * The registers that both versions have, by offset in the distributor (or a redistributor's SGI page): groups, enables,
 * pending and active bits, priorities, configuration. `vcpu`: whose private interrupts. The lock is held.
 */
void vgic_access(struct cpu *cpu, uint32_t vcpu, uint32_t offset, struct vdev_access *access);

/* Enable or disable some of 32 interrupts from `base` on, as `vcpu` sees them; the lock is held. */
void vgic_enable(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool enabled);

/* A guest's write makes some of them pending, or not any more; the lock is held. */
void vgic_change_pending(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool pending);

/* Which interrupts of a word are pending or active, as far as this CPU knows; the lock is held. */
uint32_t vgic_pending(struct cpu *cpu, const struct vgic_word *word);
uint32_t vgic_active(struct cpu *cpu, const struct vgic_word *word);

/* Give a shared interrupt to a vCPU; the lock is held. */
void vgic_route(struct cpu *cpu, uint32_t id, uint32_t vcpu);

/* Fill this CPU's list registers with the best of what waits; the lock is held. */
void vgic_flush(struct cpu *cpu);

/*
 * List registers of this CPU that are free, a bit each: what stood in them has been ended. (One whose end is to be told is not
 * free until that has been seen to.) The lock is held.
 */
uint32_t vgic_collect(struct cpu *cpu);

/* Something waits for a vCPU: fill its list registers if it is this CPU's, else tell its CPU. The lock is held. */
void vgic_notify(struct cpu *cpu, struct vm *vm, uint32_t vcpu);

/* The same where what stands in list registers has to be looked at as well; for one vCPU, or for any. */
void vgic_deliver(struct cpu *cpu, struct vm *vm, uint32_t vcpu);
void vgic_deliver_all(struct cpu *cpu);

/*
 * This CPU's vCPU as at first. is_restart: the whole VM is, so nothing waits any more; else what is shared waits for a vCPU that
 * will take it. The lock is held.
 */
void vgic_reset_vcpu(struct cpu *cpu, bool is_restart);

/* Whether the distributor forwards; the lock is held. */
void vgic_set_enabled(struct cpu *cpu, uint32_t enabled);

/* An SGI says who sent it (GICv2), so that two of one number are two. */
extern const bool vgic_sgi_has_sender;

/* The interface's own part of a reset. */
void vgic_reset_interface(struct vm *vm);

#endif
