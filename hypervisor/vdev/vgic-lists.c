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

static struct vgic_vcpu *own_of(const struct cpu *cpu)
{
    return &cpu->vm->virq.vcpus[cpu->vcpu];
}

/* What waits in a word for a vCPU. */
static uint32_t ready(const struct virq *virq, uint32_t vcpu, uint32_t index)
{
    const struct vgic_word *word = index == 0 ? &virq->vcpus[vcpu].private : &virq->shared[index - 1];
    uint32_t bits = asking(word);

    if (bits == 0)
        return 0;
    bits &= bits_load(&word->enable) & ~bits_load(&word->inflight);
    return index == 0 ? bits : bits & (bits_load(&virq->vcpus[vcpu].shared[index - 1]) ^ (vcpu == 0 ? UINT32_MAX : 0));
}

/* The best one that waits: lowest priority value, then lowest number; NO_INTERRUPT: none. */
static uint32_t best(struct virq *virq, uint32_t vcpu, uint32_t *priority)
{
    uint32_t found = NO_INTERRUPT;

    *priority = 0x100;
    for (uint32_t index = 0; index < PLAN_IRQ_WORDS; index++) {
        struct vgic_word *word = vgic_word(virq, vcpu, index * 32);

        for (uint32_t bits = ready(virq, vcpu, index); bits != 0; bits &= bits - 1) {
            uint32_t n = bit_lowest(bits);
            uint32_t its = priority_of(word, n);

            if (its < *priority) {
                *priority = its;
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

    return bits_load(&virq->enabled) != 0 && (bits_load(&word->enable) & bit(id)) != 0 &&
           target_of(virq, cpu->vcpu, id) == cpu->vcpu &&
           (!is_level(cpu->vm, id) || (bits_load(&word->level) & bit(id)) != 0);
}

/* It stands in no list register of this vCPU any more. Another one that it was given to meanwhile may have waited for that. */
static void release(const struct cpu *cpu, uint32_t index, uint32_t id)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_vcpu *own = own_of(cpu);
    struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);

    own->lr[index] = NO_INTERRUPT;
    own->used &= (uint16_t) ~(1u << index);
    bits_clear(&word->inflight, bit(id));
    if (id >= GIC_SPI && is_asking(word, id) && target_of(virq, cpu->vcpu, id) != cpu->vcpu)
        cpu_notify(vm_cpu(cpu->vm, target_of(virq, cpu->vcpu, id)), EVENT_VIRQ);
}

/* Empty a list register, or what waits in it; that waits as before. */
static void take_back(const struct cpu *cpu, uint32_t index, enum gic_lr_state state)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_vcpu *own = own_of(cpu);
    uint32_t id = own->lr[index];
    struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);

    if (state == LR_EMPTY && physical_of(cpu->vm, id) != 0 && gic_lr_ends_apart(physical_of(cpu->vm, id)))
        gic_deactivate(physical_of(cpu->vm, id));
    if ((state & LR_PENDING) != 0 && !is_level(cpu->vm, id)) {
        if (vgic_sgi_has_sender && id < GIC_PPI)
            __atomic_fetch_or(&own->source[id], (uint64_t)1 << own->lr_source[index], __ATOMIC_SEQ_CST);
        bits_set(&word->pending, bit(id));
    }
    if (state == LR_BOTH) {
        gic_lr_pend(index, false);
    } else {
        /* Even where it is empty: an end that we asked for is told until it is overwritten. */
        gic_lr_clear(index);
        release(cpu, index, id);
    }
}

/*
 * Take one of the senders of an SGI, whose pending bit goes with the last. (A sender posts itself first, then the bit: what is
 * posted after this looks finds the bit clear, and tells.) False: it was taken before.
 */
static bool take_sender(struct vgic_vcpu *own, uint32_t id, uint64_t which)
{
    uint64_t before = __atomic_fetch_and(&own->source[id], ~which, __ATOMIC_SEQ_CST);

    if ((before & ~which) != 0)
        bits_set(&own->private.pending, bit(id));
    return (before & which) != 0;
}

/*
 * An interrupt is pending that stands in a list register already. One that waits there has swallowed it, one that the guest
 * is busy with waits behind itself. What cannot (an SGI of another sender) is looked at when the guest has ended it.
 */
static void merge(const struct cpu *cpu, uint32_t index, uint32_t id, enum gic_lr_state state)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_vcpu *own = own_of(cpu);
    uint64_t same = (uint64_t)1 << own->lr_source[index];
    bool has_sender = vgic_sgi_has_sender && id < GIC_PPI;

    if (!is_wanted(cpu, id) || (has_sender && (__atomic_load_n(&own->source[id], __ATOMIC_SEQ_CST) & same) == 0))
        return;
    bits_clear(&vgic_word(virq, cpu->vcpu, id)->pending, bit(id));
    if (has_sender)
        (void)take_sender(own, id, same);
    if (state == LR_ACTIVE)
        gic_lr_pend(index, true);
}

/* Take back what the guest has ended, and what it is not to take any more. */
static void reclaim(const struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_vcpu *own = own_of(cpu);

    for (uint32_t used = own->used; used != 0; used &= used - 1) {
        uint32_t index = bit_lowest(used);
        uint32_t id = own->lr[index];
        struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);
        enum gic_lr_state state = gic_lr_state(index);

        if (state == LR_EMPTY || ((state & LR_PENDING) != 0 && !is_wanted(cpu, id)))
            take_back(cpu, index, state);
        if (own->lr[index] == NO_INTERRUPT || physical_of(cpu->vm, id) != 0)
            continue;
        if ((bits_load(&word->pending) & bit(id)) != 0)
            merge(cpu, index, id, state);
        if (is_asking(word, id) || target_of(virq, cpu->vcpu, id) != cpu->vcpu)
            gic_lr_tell(index);
    }
}

/* A list register for an interrupt of this priority: an empty one, or that of a worse one not yet taken; -1: none. */
static int find_lr(const struct cpu *cpu, uint32_t priority)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_vcpu *own = own_of(cpu);
    uint32_t count = gic_lr_count();
    uint32_t worst = priority;
    int found = -1;

    for (uint32_t index = 0; index < count; index++) {
        uint32_t id = own->lr[index];
        uint32_t its;

        if (id == NO_INTERRUPT)
            return (int)index;
        its = priority_of(vgic_word(virq, cpu->vcpu, id), id);
        if (its > worst && gic_lr_state(index) == LR_PENDING) {
            worst = its;
            found = (int)index;
        }
    }
    if (found >= 0)
        take_back(cpu, (uint32_t)found, LR_PENDING);
    return found;
}

/*
 * False: it is not there to be taken any more, or stands in a list register of another vCPU, which tells this one when it is
 * free. If it was given away or disabled since it was looked at, this vCPU is told so, and takes it back.
 */
static bool fill(const struct cpu *cpu, uint32_t index, uint32_t id, uint32_t priority)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_vcpu *own = own_of(cpu);
    struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);
    uint32_t source = 0;

    if (!bits_win(&word->inflight, bit(id)))
        return false;
    bits_clear(&word->pending, bit(id));
    if (vgic_sgi_has_sender && id < GIC_PPI) {
        uint64_t sources = __atomic_load_n(&own->source[id], __ATOMIC_SEQ_CST);

        if (sources != 0)
            source = bit_lowest64(sources);
        if (!take_sender(own, id, (uint64_t)1 << source)) {
            bits_clear(&word->inflight, bit(id));
            return false;
        }
    }
    own->lr[index] = (uint16_t)id;
    own->used |= (uint16_t)(1u << index);
    own->lr_source[index] = (uint8_t)source;
    gic_lr_set(index, id, priority, physical_of(cpu->vm, id), is_asking(word, id), source);
    return true;
}

uint32_t vgic_collect(struct cpu *cpu)
{
    struct vgic_vcpu *own = own_of(cpu);
    uint32_t empty = gic_lr_empty();

    for (uint32_t bits = empty & own->used; bits != 0; bits &= bits - 1)
        release(cpu, bit_lowest(bits), own->lr[bit_lowest(bits)]);
    return empty;
}

/* Nothing has changed but that something waits: give it what is free. False: it does not fit, or waits behind itself. */
static bool fill_free(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t empty = vgic_collect(cpu);

    if (bits_load(&virq->enabled) == 0)
        return true;
    for (uint32_t index = 0; index < PLAN_IRQ_WORDS; index++) {
        struct vgic_word *word = vgic_word(virq, cpu->vcpu, index * 32);

        if ((bits_load(&word->pending) & bits_load(&word->inflight)) != 0)
            return false;
        for (uint32_t bits = ready(virq, cpu->vcpu, index); bits != 0; bits &= bits - 1) {
            uint32_t n = bit_lowest(bits);

            if (empty == 0)
                return false;
            if (fill(cpu, bit_lowest(empty), index * 32 + n, priority_of(word, n)))
                empty &= empty - 1;
        }
    }
    return true;
}

void vgic_flush(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_vcpu *own = own_of(cpu);
    bool more = false;

    if (bits_load(&own->changed) == 0 && fill_free(cpu))
        return;
    if ((__atomic_exchange_n(&own->changed, 0, __ATOMIC_SEQ_CST) & VGIC_STALE) != 0) {
        spin_lock(&virq->lock);
        vgic_reset_vcpu(cpu, true);
        spin_unlock(&virq->lock);
    }
    reclaim(cpu);
    /* As often as it can take to put the best in the place of others; for ever if the guest went on to change priorities. */
    for (uint32_t turns = 0; !more && bits_load(&virq->enabled) != 0; turns++) {
        uint32_t priority;
        uint32_t id = best(virq, cpu->vcpu, &priority);
        int index;

        if (id == NO_INTERRUPT)
            break;
        index = turns < 2 * GIC_LR_MAX ? find_lr(cpu, priority) : -1;
        if (index >= 0)
            (void)fill(cpu, (uint32_t)index, id, priority);
        more = index < 0;
    }
    gic_lr_refill(more);
    if (more)
        bits_set(&own->changed, VGIC_RECHECK);
}

/*
 * Take what waits in list registers for a device whose line has gone low: a timer that the guest has stopped meanwhile. Without
 * a hypervisor it would not be pending any more.
 */
static void drop_gone(const struct cpu *cpu)
{
    const struct vgic_vcpu *own = own_of(cpu);

    for (uint32_t used = own->used; used != 0; used &= used - 1) {
        uint32_t index = bit_lowest(used);
        uint32_t id = own->lr[index];
        uint32_t physical = physical_of(cpu->vm, id);

        if (physical == 0 || (config.irq_edges[physical / 32] >> (physical % 32) & 1) != 0 ||
            gic_lr_state(index) != LR_PENDING || gic_line(cpu, physical))
            continue;
        gic_lr_clear(index);
        release(cpu, index, id);
        gic_deactivate(physical);
    }
}

bool virq_waiting(struct cpu *cpu)
{
    const struct vgic_vcpu *own = own_of(cpu);
    bool waiting = false;

    if (vm_is_direct(cpu->vm))
        return direct_waiting();
    drop_gone(cpu);
    for (uint32_t index = 0; index < PLAN_IRQ_WORDS; index++)
        waiting |= ready(&cpu->vm->virq, cpu->vcpu, index) != 0;
    for (uint32_t used = own->used; used != 0; used &= used - 1)
        waiting |= (gic_lr_state(bit_lowest(used)) & LR_PENDING) != 0;
    return waiting;
}

void vgic_change_pending(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool pending)
{
    struct virq *virq = &cpu->vm->virq;
    const struct vgic_vcpu *own = own_of(cpu);
    struct vgic_word *word = vgic_word(virq, vcpu, base);

    /* What already stands in a list register of this CPU waits here again, to be cleared, and is put back below. */
    for (uint32_t used = own->used; used != 0; used &= used - 1) {
        uint32_t index = bit_lowest(used);

        if (vgic_word(virq, cpu->vcpu, own->lr[index]) == word && (gic_lr_state(index) & LR_PENDING) != 0)
            take_back(cpu, index, gic_lr_state(index));
    }
    for (; bits != 0; bits &= bits - 1) {
        uint32_t id = base + bit_lowest(bits);

        /* What is physical becomes pending by its device alone, a level by its line, an SGI of a GICv2 by its sender. */
        if (physical_of(cpu->vm, id) != 0 || is_level(cpu->vm, id) || (vgic_sgi_has_sender && id < GIC_PPI))
            continue;
        if (pending) {
            bits_set(&word->pending, bit(id));
            vgic_deliver(cpu, cpu->vm, target_of(virq, vcpu, id));
        } else {
            bits_clear(&word->pending, bit(id));
        }
    }
    bits_set(&virq->vcpus[cpu->vcpu].changed, VGIC_RECHECK);
    vgic_flush(cpu);
}

/* Interrupts of a word that stand in this CPU's list registers, in a state whose bits of `mask` are `wanted`. */
static uint32_t listed(const struct cpu *cpu, const struct vgic_word *word, uint32_t mask, uint32_t wanted)
{
    const struct vgic_vcpu *own = own_of(cpu);
    uint32_t bits = 0;

    for (uint32_t used = own->used; used != 0; used &= used - 1) {
        uint32_t index = bit_lowest(used);
        uint32_t id = own->lr[index];

        if (vgic_word(&cpu->vm->virq, cpu->vcpu, id) == word && (gic_lr_state(index) & mask) == wanted)
            bits |= bit(id);
    }
    return bits;
}

uint32_t vgic_pending(struct cpu *cpu, const struct vgic_word *word)
{
    return bits_load(&word->pending) | (bits_load(&word->level) & ~bits_load(&word->inflight)) |
           listed(cpu, word, LR_PENDING, LR_PENDING);
}

uint32_t vgic_active(struct cpu *cpu, const struct vgic_word *word)
{
    /* What another vCPU has taken or ended meanwhile its own CPU has to look up; a guest that waits for it asks again. */
    if ((bits_load(&word->inflight) & ~listed(cpu, word, 0, 0)) != 0)
        vgic_deliver_all(cpu);
    return bits_load(&word->inflight) & ~listed(cpu, word, LR_ACTIVE, 0);
}

bool virq_pends(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;
    const struct vgic_word *word = vgic_word(virq, cpu->vcpu, number);

    return (bits_load(&word->enable) & bit(number)) != 0 && target_of(virq, cpu->vcpu, number) == cpu->vcpu &&
           (vgic_pending(cpu, word) & bit(number)) != 0;
}
