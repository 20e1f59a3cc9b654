// SPDX-License-Identifier: Apache-2.0
/*
 * The list registers of a virtual GIC: which of the waiting interrupts stand in them, and what becomes of those that the guest
 * has ended, disabled or given away. Source: IHI 0048B (v2), chapter 5, and IHI 0069H (v3), chapter 6.
 */
#include "bits.h"
#include "vdev.h"
#include "vgic-direct.h"
#include "vgic-interrupt.h"
#include "vgic.h"
#include "vm.h"

/* What waits in a word for a vCPU. */
static uint32_t ready(const struct virq *virq, uint32_t vcpu, uint32_t index)
{
    const struct vgic_word *word = index == 0 ? &virq->private[vcpu] : &virq->shared[index - 1];
    uint32_t bits = __atomic_load_n(&word->pending, __ATOMIC_RELAXED) & word->enable & ~word->inflight;

    return index == 0 ? bits : bits & (virq->routed[vcpu][index - 1] ^ (vcpu == 0 ? UINT32_MAX : 0));
}

/* The best one that waits: lowest priority value, then lowest number; NO_INTERRUPT: none. */
static uint32_t best(const struct virq *virq, uint32_t vcpu, uint32_t *priority)
{
    uint32_t found = NO_INTERRUPT;

    *priority = 0x100;
    for (uint32_t index = 0; index < PLAN_IRQ_WORDS; index++) {
        const struct vgic_word *word = index == 0 ? &virq->private[vcpu] : &virq->shared[index - 1];

        for (uint32_t bits = ready(virq, vcpu, index); bits != 0; bits &= bits - 1) {
            uint32_t n = bit_lowest(bits);

            if (word->priority[n] < *priority) {
                *priority = word->priority[n];
                found = index * 32 + n;
            }
        }
    }
    return found;
}

/* The guest may take it here and now: not if it was disabled or given to another vCPU, or if its level has gone. */
static bool is_wanted(const struct cpu *cpu, uint32_t id)
{
    struct virq *virq = &cpu->vm->virq;
    const struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);

    return virq->enabled != 0 && (word->enable & bit(id)) != 0 && target_of(virq, cpu->vcpu, id) == cpu->vcpu &&
           (!is_level(cpu->vm, id) || (word->level & bit(id)) != 0);
}

/* Empty a list register, or what waits in it; that waits as before. */
static void take_back(struct cpu *cpu, uint32_t index, enum gic_lr_state state)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t id = virq->lr[cpu->vcpu][index];
    struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);
    uint32_t target = target_of(virq, cpu->vcpu, id);

    if (state == LR_EMPTY && physical_of(cpu->vm, id) != 0 && gic_lr_ends_apart(physical_of(cpu->vm, id)))
        gic_deactivate(physical_of(cpu->vm, id));
    if (state == LR_BOTH) {
        gic_lr_pend(index, false);
    } else {
        /* Even where it is empty: an end that we asked for is told until it is overwritten. */
        gic_lr_clear(index);
        virq->lr[cpu->vcpu][index] = NO_INTERRUPT;
        virq->used[cpu->vcpu] &= (uint16_t) ~(1u << index);
        word->inflight &= ~bit(id);
    }
    if (is_level(cpu->vm, id) ? (word->level & bit(id)) != 0 : (state & LR_PENDING) != 0) {
        if (id < GIC_PPI)
            virq->source[cpu->vcpu][id] |= (uint64_t)1 << virq->lr_source[cpu->vcpu][index];
        set_pending(word, id);
    }
    if (target != cpu->vcpu && is_pending(word, id))
        cpu_notify(vm_cpu(cpu->vm, target), EVENT_VIRQ);
}

/*
 * An interrupt is pending that stands in a list register already. One that waits there has swallowed it, one that the guest
 * is busy with waits behind itself. What cannot (an SGI of another sender, a level) is looked at when the guest has ended it.
 */
static void merge(struct cpu *cpu, uint32_t index, uint32_t id, enum gic_lr_state state)
{
    struct virq *virq = &cpu->vm->virq;
    uint64_t *sources = &virq->source[cpu->vcpu][id % GIC_PPI];
    uint64_t same = (uint64_t)1 << virq->lr_source[cpu->vcpu][index];
    bool is_sgi = id < GIC_PPI;

    if (!is_wanted(cpu, id) || (is_sgi && (*sources & same) == 0))
        return;
    if (is_sgi)
        *sources &= ~same;
    if (!is_sgi || *sources == 0)
        clear_pending(vgic_word(virq, cpu->vcpu, id), id);
    if (state == LR_ACTIVE)
        gic_lr_pend(index, true);
}

/* Take back what the guest has ended, and what it is not to take any more. */
static void reclaim(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t count = gic_lr_count();

    for (uint32_t index = 0; index < count; index++) {
        uint32_t id = virq->lr[cpu->vcpu][index];
        struct vgic_word *word;
        enum gic_lr_state state;

        if (id == NO_INTERRUPT)
            continue;
        word = vgic_word(virq, cpu->vcpu, id);
        state = gic_lr_state(index);
        if (state == LR_EMPTY || ((state & LR_PENDING) != 0 && !is_wanted(cpu, id)))
            take_back(cpu, index, state);
        if (state == LR_EMPTY || virq->lr[cpu->vcpu][index] == NO_INTERRUPT || physical_of(cpu->vm, id) != 0)
            continue;
        if (is_pending(word, id))
            merge(cpu, index, id, state);
        if (is_pending(word, id) || (word->level & bit(id)) != 0 || target_of(virq, cpu->vcpu, id) != cpu->vcpu)
            gic_lr_tell(index);
    }
}

/* A list register for an interrupt of this priority: an empty one, or that of a worse one not yet taken; -1: none. */
static int find_lr(struct cpu *cpu, uint32_t priority)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t count = gic_lr_count();
    uint32_t worst = priority;
    int found = -1;

    for (uint32_t index = 0; index < count; index++) {
        uint32_t id = virq->lr[cpu->vcpu][index];
        struct vgic_word *word;

        if (id == NO_INTERRUPT)
            return (int)index;
        word = vgic_word(virq, cpu->vcpu, id);
        if (word->priority[id % 32] > worst && gic_lr_state(index) == LR_PENDING) {
            worst = word->priority[id % 32];
            found = (int)index;
        }
    }
    if (found >= 0)
        take_back(cpu, (uint32_t)found, LR_PENDING);
    return found;
}

static void fill(struct cpu *cpu, uint32_t index, uint32_t id, uint32_t priority)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);
    uint32_t source = 0;

    if (id < GIC_PPI && virq->source[cpu->vcpu][id] != 0) {
        source = bit_lowest64(virq->source[cpu->vcpu][id]);
        virq->source[cpu->vcpu][id] &= virq->source[cpu->vcpu][id] - 1;
    }
    /* An SGI that several have sent stays pending until each has been seen. */
    if (id >= GIC_PPI || virq->source[cpu->vcpu][id] == 0)
        clear_pending(word, id);
    word->inflight |= bit(id);
    virq->lr[cpu->vcpu][index] = (uint16_t)id;
    virq->used[cpu->vcpu] |= (uint16_t)(1u << index);
    virq->lr_source[cpu->vcpu][index] = (uint8_t)source;
    gic_lr_set(index, id, priority, physical_of(cpu->vm, id),
               (word->level & bit(id)) != 0 || (id < GIC_PPI && virq->source[cpu->vcpu][id] != 0), source);
}

uint32_t vgic_collect(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t empty = gic_lr_empty();

    for (uint32_t bits = empty & virq->used[cpu->vcpu]; bits != 0; bits &= bits - 1) {
        uint32_t index = bit_lowest(bits);
        uint32_t id = virq->lr[cpu->vcpu][index];
        struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);

        word->inflight &= ~bit(id);
        virq->lr[cpu->vcpu][index] = NO_INTERRUPT;
        if (is_pending(word, id) && target_of(virq, cpu->vcpu, id) != cpu->vcpu)
            cpu_notify(vm_cpu(cpu->vm, target_of(virq, cpu->vcpu, id)), EVENT_VIRQ);
    }
    virq->used[cpu->vcpu] &= (uint16_t)~empty;
    return empty;
}

/* Nothing has changed but that something waits: give it what is free. False: it does not fit, or waits behind itself. */
static bool fill_free(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t empty = vgic_collect(cpu);

    if (virq->enabled == 0)
        return true;
    for (uint32_t index = 0; index < PLAN_IRQ_WORDS; index++) {
        const struct vgic_word *word = index == 0 ? &virq->private[cpu->vcpu] : &virq->shared[index - 1];

        if (__atomic_load_n(&word->pending, __ATOMIC_RELAXED) == 0)
            continue;
        if ((__atomic_load_n(&word->pending, __ATOMIC_RELAXED) & word->inflight) != 0)
            return false;
        for (uint32_t bits = ready(virq, cpu->vcpu, index); bits != 0; bits &= bits - 1) {
            uint32_t n = bit_lowest(bits);

            if (empty == 0)
                return false;
            fill(cpu, bit_lowest(empty), index * 32 + n, word->priority[n]);
            empty &= empty - 1;
        }
    }
    return true;
}

void vgic_flush(struct cpu *cpu)
{
    struct vm *vm = cpu->vm;
    struct virq *virq = &vm->virq;
    bool more = false;

    if (!virq->recheck[cpu->vcpu] && fill_free(cpu))
        return;
    if (virq->stale[cpu->vcpu])
        vgic_reset_vcpu(cpu, true);
    reclaim(cpu);
    while (virq->enabled != 0) {
        uint32_t priority;
        uint32_t id = best(virq, cpu->vcpu, &priority);
        int index;

        if (id == NO_INTERRUPT)
            break;
        index = find_lr(cpu, priority);
        more = index < 0;
        if (more)
            break;
        fill(cpu, (uint32_t)index, id, priority);
    }
    gic_lr_refill(more);
    virq->recheck[cpu->vcpu] = more;
}

bool virq_waiting(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t count = gic_lr_count();
    bool waiting = false;

    if (vm_is_direct(cpu->vm))
        return direct_waiting();
    spin_lock(&virq->lock);
    for (uint32_t index = 0; index < PLAN_IRQ_WORDS; index++)
        waiting |= ready(virq, cpu->vcpu, index) != 0;
    for (uint32_t index = 0; index < count; index++)
        waiting |= virq->lr[cpu->vcpu][index] != NO_INTERRUPT && (gic_lr_state(index) & LR_PENDING) != 0;
    spin_unlock(&virq->lock);
    return waiting;
}

void vgic_change_pending(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool pending)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *word = vgic_word(virq, vcpu, base);

    /* What already stands in a list register of this CPU waits here again, to be cleared, and is put back below. */
    for (uint32_t index = 0; index < gic_lr_count(); index++) {
        uint32_t id = virq->lr[cpu->vcpu][index];

        if (id != NO_INTERRUPT && vgic_word(virq, cpu->vcpu, id) == word && (gic_lr_state(index) & LR_PENDING) != 0)
            take_back(cpu, index, gic_lr_state(index));
    }
    for (; bits != 0; bits &= bits - 1) {
        uint32_t id = base + bit_lowest(bits);

        /* What is physical becomes pending by its device alone. */
        if (physical_of(cpu->vm, id) != 0)
            continue;
        if (pending) {
            set_pending(word, id);
            vgic_deliver(cpu, cpu->vm, target_of(virq, vcpu, id));
        } else if ((word->level & bit(id)) == 0) {
            clear_pending(word, id);
            if (id < GIC_PPI)
                virq->source[vcpu][id] = 0;
        }
    }
    virq->recheck[cpu->vcpu] = true;
    vgic_flush(cpu);
}

/* Interrupts of a word that stand in this CPU's list registers, in a state whose bits of `mask` are `wanted`. */
static uint32_t listed(struct cpu *cpu, const struct vgic_word *word, uint32_t mask, uint32_t wanted)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t bits = 0;

    for (uint32_t index = 0; index < gic_lr_count(); index++) {
        uint32_t id = virq->lr[cpu->vcpu][index];

        if (id != NO_INTERRUPT && vgic_word(virq, cpu->vcpu, id) == word && (gic_lr_state(index) & mask) == wanted)
            bits |= bit(id);
    }
    return bits;
}

uint32_t vgic_pending(struct cpu *cpu, const struct vgic_word *word)
{
    return __atomic_load_n(&word->pending, __ATOMIC_RELAXED) | listed(cpu, word, LR_PENDING, LR_PENDING);
}

uint32_t vgic_active(struct cpu *cpu, const struct vgic_word *word)
{
    /* What another vCPU has taken or ended meanwhile its own CPU has to look up; a guest that waits for it asks again. */
    if ((word->inflight & ~listed(cpu, word, 0, 0)) != 0)
        vgic_deliver_all(cpu);
    return word->inflight & ~listed(cpu, word, LR_ACTIVE, 0);
}

bool virq_pends(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;
    const struct vgic_word *word = vgic_word(virq, cpu->vcpu, number);
    bool pends;

    spin_lock(&virq->lock);
    pends = (word->enable & bit(number)) != 0 && target_of(virq, cpu->vcpu, number) == cpu->vcpu &&
            (vgic_pending(cpu, word) & bit(number)) != 0;
    spin_unlock(&virq->lock);
    return pends;
}
