// SPDX-License-Identifier: Apache-2.0
/* One interrupt of a virtual GIC: its pending bit, the vCPU that it goes to, what is behind it. */
#ifndef VGIC_INTERRUPT_H
#define VGIC_INTERRUPT_H

#include "vgic.h"
#include "vm.h"

#define NO_INTERRUPT 0xffffu /* in virq.lr */

static inline uint32_t bit(uint32_t id)
{
    return 1u << (id % 32);
}

static inline void set_pending(struct vgic_word *word, uint32_t id)
{
    __atomic_fetch_or(&word->pending, bit(id), __ATOMIC_ACQ_REL);
}

static inline void clear_pending(struct vgic_word *word, uint32_t id)
{
    __atomic_fetch_and(&word->pending, ~bit(id), __ATOMIC_ACQ_REL);
}

static inline bool is_pending(const struct vgic_word *word, uint32_t id)
{
    return (__atomic_load_n(&word->pending, __ATOMIC_RELAXED) & bit(id)) != 0;
}

/* The virtual UART's is the only virtual source with a level. */
static inline bool is_level(const struct vm *vm, uint32_t id)
{
    return id >= GIC_SPI && id == vm->config->uart_irq;
}

static inline uint32_t physical_of(const struct vm *vm, uint32_t id)
{
    return id < vm->config->irq_count ? vm->config->irq_physical[id] : 0;
}

/* vCPU that an interrupt goes to, as `vcpu` sees it. */
static inline uint32_t target_of(const struct virq *virq, uint32_t vcpu, uint32_t id)
{
    return id < GIC_SPI ? vcpu : __atomic_load_n(&virq->route[id - GIC_SPI], __ATOMIC_SEQ_CST);
}

#endif
