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

/*
 * Words that several CPUs change. The operations are sequentially consistent: of one CPU that makes an interrupt pending and then
 * looks where it stands or goes, and one that ends or moves it and then looks whether it is pending, one sees the other.
 */
static inline uint32_t bits_load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void bits_set(uint32_t *word, uint32_t bits)
{
    __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST);
}

/* False: another CPU, or this one, has set it before. */
static inline bool bits_win(uint32_t *word, uint32_t bits)
{
    return (__atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST) & bits) == 0;
}

static inline void bits_clear(uint32_t *word, uint32_t bits)
{
    __atomic_fetch_and(word, ~bits, __ATOMIC_SEQ_CST);
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

/* What waits in a word: pending bits, and lines that are high; with what stands in a list register. */
static inline uint32_t asking(const struct vgic_word *word)
{
    return __atomic_load_n(&word->pending, __ATOMIC_SEQ_CST) | __atomic_load_n(&word->level, __ATOMIC_SEQ_CST);
}

static inline bool is_asking(const struct vgic_word *word, uint32_t id)
{
    return (asking(word) & bit(id)) != 0;
}

static inline uint32_t priority_of(struct vgic_word *word, uint32_t id)
{
    return __atomic_load_n(vgic_priority(word, id), __ATOMIC_RELAXED);
}

/* vCPU that an interrupt goes to, as `vcpu` sees it. */
static inline uint32_t target_of(const struct virq *virq, uint32_t vcpu, uint32_t id)
{
    return id < GIC_SPI ? vcpu : __atomic_load_n(&virq->route[id - GIC_SPI], __ATOMIC_SEQ_CST);
}

#endif
