// SPDX-License-Identifier: Apache-2.0
/*
 * State of a virtual GIC, and what its two register interfaces (vgicv2.c, vgicv3.c) share.
 *
 * Interrupts wait here as bits; the best of them are put into the CPU's list registers, from where the hardware gives them
 * to the guest. `inflight` are those that stand in a list register of some vCPU.
 *
 * List registers, and what is noted of them, are their CPU's alone. Whoever else has news for a vCPU posts it with one atomic
 * operation, in `pending`, `level`, `source` or `changed`, and tells EVENT_VIRQ. So a tick, an SGI and an end of interrupt
 * take no lock; the VM's lock puts what guests write into registers in an order, and nobody who holds it fills list registers.
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

/*
 * 32 interrupts. `pending`, `inflight` and `level` are changed by any CPU, atomically; all else under the lock, and read without
 * it: whoever changes `enable` tells the vCPU that the interrupt goes to.
 */
struct vgic_word {
    uint32_t enable;
    uint32_t pending; /* not of a virtual level: that one waits while its line is high */
    uint32_t inflight;
    uint32_t level;       /* line of a virtual level source */
    uint32_t edge;        /* configured as edge-triggered */
    uint32_t group;       /* as the guest has written it; every interrupt is of group 1 */
    uint32_t priority[8]; /* a byte each, the first one lowest; see vgic_priority() */
};

#define VGIC_SHARED (PLAN_IRQ_WORDS > 1 ? PLAN_IRQ_WORDS - 1 : 1)

#define VGIC_RECHECK 1u /* more has changed than that something waits: look at what stands in list registers */
#define VGIC_STALE   2u /* the VM was reset, and this vCPU's list registers not yet */

/* What is one vCPU's. Others change `changed` and `source`, and the words as said there. */
struct vgic_vcpu {
    uint32_t changed;              /* VGIC_RECHECK, VGIC_STALE */
    uint16_t used;                 /* list registers that hold one, a bit each */
    bool asleep;                   /* GICv3: GICR_WAKER */
    uint16_t lr[GIC_LR_MAX];       /* interrupt in each list register, NO_INTERRUPT: none */
    struct vgic_word private;      /* interrupts 0 to 31 */
    uint32_t shared[VGIC_SHARED];  /* shared interrupts that go here; of vCPU 0 those that do not */
    uint64_t source[GIC_PPI];      /* GICv2: vCPUs that have sent each SGI */
    uint8_t lr_source[GIC_LR_MAX]; /* GICv2: vCPU that has sent the SGI in it */
} __attribute__((aligned(64)));

struct virq {
    struct spinlock lock;
    uint32_t enabled; /* the distributor forwards */
    struct vgic_word shared[VGIC_SHARED];
    uint8_t route[VGIC_SHARED * 32]; /* vCPU of each shared interrupt */
    struct vgic_vcpu vcpus[PLAN_VCPUS_MAX];
};

/* The word that holds an interrupt, as one vCPU sees it; id is less than PLAN_IRQ_WORDS * 32. */
static inline struct vgic_word *vgic_word(struct virq *virq, uint32_t vcpu, uint32_t id)
{
    return id < GIC_SPI ? &virq->vcpus[vcpu].private : &virq->shared[id / 32 - 1];
}

/* The priority of an interrupt in its word, to be read and written atomically. */
static inline uint8_t *vgic_priority(struct vgic_word *word, uint32_t id)
{
    return (uint8_t *)word->priority + id % 32;
}

/* Send an SGI to a set of vCPUs. */
void vgic_send(struct cpu *cpu, uint32_t id, uint64_t vcpus);

/*
 * The registers that both versions have, by offset in the distributor (or a redistributor's SGI page): groups, enables,
 * pending and active bits, priorities, configuration. `vcpu`: whose private interrupts.
 */
void vgic_access(struct cpu *cpu, uint32_t vcpu, uint32_t offset, struct vdev_access *access);

/* Enable or disable some of 32 interrupts from `base` on, as `vcpu` sees them. */
void vgic_enable(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool enabled);

/* A guest's write makes some of them pending, or not any more. */
void vgic_change_pending(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool pending);

/* Which interrupts of a word are pending or active, as far as this CPU knows. */
uint32_t vgic_pending(struct cpu *cpu, const struct vgic_word *word);
uint32_t vgic_active(struct cpu *cpu, const struct vgic_word *word);

/* Give a shared interrupt to a vCPU. */
void vgic_route(struct cpu *cpu, uint32_t id, uint32_t vcpu);

/* Fill this CPU's list registers with the best of what waits. The lock is not held: it may be taken. */
void vgic_flush(struct cpu *cpu);

/*
 * List registers of this CPU that are free, a bit each: what stood in them has been ended. (One whose end is to be told is not
 * free until that has been seen to.)
 */
uint32_t vgic_collect(struct cpu *cpu);

/* What stands in list registers has to be looked at: do it if they are this CPU's, else tell the vCPU's. The lock is not held. */
void vgic_deliver(struct cpu *cpu, struct vm *vm, uint32_t vcpu);
void vgic_deliver_all(struct cpu *cpu);

/*
 * This CPU's vCPU as at first. is_restart: the whole VM is, so nothing waits any more; else what is shared waits for a vCPU that
 * will take it. The lock is held.
 */
void vgic_reset_vcpu(struct cpu *cpu, bool is_restart);

/* Whether the distributor forwards. */
void vgic_set_enabled(struct cpu *cpu, uint32_t enabled);

/* An SGI says who sent it (GICv2), so that two of one number are two. */
extern const bool vgic_sgi_has_sender;

/* The interface's own part of a reset. */
void vgic_reset_interface(struct vm *vm);

#endif
