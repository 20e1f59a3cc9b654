// SPDX-License-Identifier: Apache-2.0
/*
 * A virtual GIC's interrupts, whatever its version. Work goes by word: 32 interrupts in which nothing waits cost one test.
 * Source: Arm GIC Architecture Specifications IHI 0048B (v2), chapter 3, and IHI 0069H (v3), chapter 4.
 */
#include "vgic.h"

#include "arch.h"
#include "bits.h"
#include "cpu.h"
#include "drivers.h"
#include "vdev.h"
#include "vm.h"

#define NO_INTERRUPT   0xffffu

static uint32_t bit(uint32_t id)
{
    return 1u << (id % 32);
}

struct vgic_word *vgic_word(struct virq *virq, uint32_t vcpu, uint32_t id)
{
    return id < GIC_SPI ? &virq->private[vcpu] : &virq->shared[id / 32 - 1];
}

static void set_pending(struct vgic_word *word, uint32_t id)
{
    __atomic_fetch_or(&word->pending, bit(id), __ATOMIC_ACQ_REL);
}

static void clear_pending(struct vgic_word *word, uint32_t id)
{
    __atomic_fetch_and(&word->pending, ~bit(id), __ATOMIC_ACQ_REL);
}

static bool is_pending(const struct vgic_word *word, uint32_t id)
{
    return (__atomic_load_n(&word->pending, __ATOMIC_RELAXED) & bit(id)) != 0;
}

/* The virtual UART's is the only virtual source with a level. */
static bool is_level(const struct vm *vm, uint32_t id)
{
    return id >= GIC_SPI && id == vm->config->uart_irq;
}

static uint32_t physical_of(const struct vm *vm, uint32_t id)
{
    return id < vm->config->irq_count ? vm->config->irq_physical[id] : 0;
}

/* vCPU that an interrupt goes to, as `vcpu` sees it. */
static uint32_t target_of(const struct virq *virq, uint32_t vcpu, uint32_t id)
{
    return id < GIC_SPI ? vcpu : __atomic_load_n(&virq->route[id - GIC_SPI], __ATOMIC_SEQ_CST);
}

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

    if (state == LR_BOTH) {
        gic_lr_pend(index, false);
    } else {
        /* Even where it is empty: an end that we asked for is told until it is overwritten. */
        gic_lr_clear(index);
        virq->lr[cpu->vcpu][index] = NO_INTERRUPT;
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
    virq->lr_source[cpu->vcpu][index] = (uint8_t)source;
    gic_lr_set(index, id, priority, physical_of(cpu->vm, id),
               (word->level & bit(id)) != 0 || (id < GIC_PPI && virq->source[cpu->vcpu][id] != 0), source);
}

static void reset_vcpu(struct cpu *cpu, bool is_restart);

static void flush(struct cpu *cpu)
{
    struct vm *vm = cpu->vm;
    struct virq *virq = &vm->virq;
    bool more = false;

    if (virq->stale[cpu->vcpu])
        reset_vcpu(cpu, true);
    reclaim(cpu);
    while (virq->enabled) {
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
}

/* Something waits for a vCPU: fill its list registers if it is ours, else tell its CPU. The lock is held. */
static void deliver(struct cpu *cpu, struct vm *vm, uint32_t vcpu)
{
    if (cpu->vm == vm && cpu->vcpu == vcpu)
        flush(cpu);
    else
        cpu_notify(vm_cpu(vm, vcpu), EVENT_VIRQ);
}

static void deliver_all(struct cpu *cpu)
{
    for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++)
        deliver(cpu, cpu->vm, vcpu);
}

void vgic_set_enabled(struct cpu *cpu, uint32_t enabled)
{
    cpu->vm->virq.enabled = enabled;
    deliver_all(cpu);
}

void virq_raise(struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;
    struct vgic_word *word = vgic_word(virq, 0, number);
    /* Sequentially consistent, as are the route and what vgic_route() does: one of the two sees the other. */
    uint32_t before = __atomic_fetch_or(&word->pending, bit(number), __ATOMIC_SEQ_CST);

    /* Already pending: whoever made it so has told the vCPU, and it has not come to take it. So a storm is one event. */
    if ((before & bit(number)) == 0)
        cpu_notify(vm_cpu(vm, target_of(virq, 0, number)), EVENT_VIRQ);
}

void virq_set_level(struct cpu *cpu, struct vm *vm, uint32_t number, bool level)
{
    struct virq *virq = &vm->virq;
    struct vgic_word *word = vgic_word(virq, 0, number);

    if (((__atomic_load_n(&word->level, __ATOMIC_RELAXED) & bit(number)) != 0) == level)
        return;
    spin_lock(&virq->lock);
    if (level) {
        word->level |= bit(number);
        if ((word->inflight & bit(number)) == 0)
            set_pending(word, number);
        deliver(cpu, vm, target_of(virq, 0, number));
    } else {
        word->level &= ~bit(number);
        clear_pending(word, number);
        if (word->inflight & bit(number))
            deliver(cpu, vm, target_of(virq, 0, number));
    }
    spin_unlock(&virq->lock);
}

void virq_physical(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    set_pending(vgic_word(virq, cpu->vcpu, number), number);
    deliver(cpu, cpu->vm, target_of(virq, cpu->vcpu, number));
    spin_unlock(&virq->lock);
}

void virq_update(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    flush(cpu);
    spin_unlock(&virq->lock);
}

bool virq_waiting(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t count = gic_lr_count();
    bool waiting = false;

    spin_lock(&virq->lock);
    for (uint32_t index = 0; index < PLAN_IRQ_WORDS; index++)
        waiting |= ready(virq, cpu->vcpu, index) != 0;
    for (uint32_t index = 0; index < count; index++)
        waiting |= virq->lr[cpu->vcpu][index] != NO_INTERRUPT && (gic_lr_state(index) & LR_PENDING) != 0;
    spin_unlock(&virq->lock);
    return waiting;
}

void vgic_send(struct cpu *cpu, uint32_t id, uint64_t vcpus)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    for (; vcpus != 0; vcpus &= vcpus - 1) {
        uint32_t vcpu = bit_lowest64(vcpus);

        virq->source[vcpu][id] |= (uint64_t)1 << (vgic_sgi_has_sender ? cpu->vcpu : 0);
        set_pending(&virq->private[vcpu], id);
        deliver(cpu, cpu->vm, vcpu);
    }
    spin_unlock(&virq->lock);
}

void vgic_route(struct cpu *cpu, uint32_t id, uint32_t vcpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t index = id / 32 - 1;
    uint32_t physical = physical_of(cpu->vm, id);
    uint32_t before = virq->route[id - GIC_SPI];

    if (vcpu == before)
        return;
    virq->routed[before][index] ^= bit(id);
    virq->routed[vcpu][index] ^= bit(id);
    __atomic_store_n(&virq->route[id - GIC_SPI], (uint8_t)vcpu, __ATOMIC_SEQ_CST);
    if (physical != 0 && (virq->shared[index].enable & bit(id)))
        irqchip_enable(vm_cpu(cpu->vm, vcpu), physical, true);
    if (virq->shared[index].inflight & bit(id))
        deliver(cpu, cpu->vm, before);
    if ((__atomic_load_n(&virq->shared[index].pending, __ATOMIC_SEQ_CST) & bit(id)) != 0)
        deliver(cpu, cpu->vm, vcpu);
}

/* A private interrupt of another vCPU has registers that only its own CPU reaches on a GICv2; none but the own is asked. */
void vgic_enable(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool enabled)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *word = vgic_word(virq, vcpu, base);
    uint32_t changed = enabled ? bits & ~word->enable : bits & word->enable;

    word->enable = enabled ? word->enable | bits : word->enable & ~bits;
    for (; changed != 0; changed &= changed - 1) {
        uint32_t id = base + bit_lowest(changed);
        uint32_t physical = physical_of(cpu->vm, id);
        uint32_t target = target_of(virq, vcpu, id);

        if (physical != 0)
            irqchip_enable(vm_cpu(cpu->vm, target), physical, enabled);
        deliver(cpu, cpu->vm, target);
    }
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
            deliver(cpu, cpu->vm, target_of(virq, vcpu, id));
        } else if ((word->level & bit(id)) == 0) {
            clear_pending(word, id);
            if (id < GIC_PPI)
                virq->source[vcpu][id] = 0;
        }
    }
    flush(cpu);
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
        deliver_all(cpu);
    return word->inflight & ~listed(cpu, word, LR_ACTIVE, 0);
}

/* is_restart: of the whole VM, so nothing waits any more. Else what is shared waits for a vCPU that will take it. */
static void reset_vcpu(struct cpu *cpu, bool is_restart)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *private = &virq->private[cpu->vcpu];

    for (uint32_t index = 0; index < GIC_LR_MAX; index++) {
        uint32_t id = virq->lr[cpu->vcpu][index];

        virq->lr[cpu->vcpu][index] = NO_INTERRUPT;
        /* At first everything is 0. SGIs go with the private word. */
        if (id >= GIC_PPI && id != NO_INTERRUPT) {
            struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);
            enum gic_lr_state state = gic_lr_state(index);

            word->inflight &= ~bit(id);
            if (!is_restart && ((state & LR_PENDING) != 0 || (word->level & bit(id)) != 0))
                set_pending(word, id);
            else if (state != LR_EMPTY && physical_of(cpu->vm, id) != 0)
                gic_deactivate(physical_of(cpu->vm, id));
        }
    }
    gic_reset_virtual();
    virq->stale[cpu->vcpu] = false;
    vgic_enable(cpu, cpu->vcpu, 0, UINT32_MAX, false);
    for (uint32_t bits = private->pending; bits != 0; bits &= bits - 1) {
        uint32_t physical = physical_of(cpu->vm, bit_lowest(bits));

        if (physical != 0)
            gic_deactivate(physical);
    }
    *private = (struct vgic_word){.enable = 0xffff, .edge = 0xffff};
    for (uint32_t id = 0; id < GIC_PPI; id++)
        virq->source[cpu->vcpu][id] = 0;
}

void virq_reset_vcpu(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    reset_vcpu(cpu, false);
    spin_unlock(&virq->lock);
}

void virq_reset(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    virq->enabled = 0;
    for (uint32_t id = GIC_SPI; id < PLAN_IRQ_WORDS * 32; id += 32) {
        struct vgic_word *word = vgic_word(virq, 0, id);

        vgic_enable(cpu, 0, id, UINT32_MAX, false);
        for (uint32_t bits = word->pending; bits != 0; bits &= bits - 1) {
            uint32_t physical = physical_of(cpu->vm, id + bit_lowest(bits));

            if (physical != 0)
                gic_deactivate(physical);
        }
        *word = (struct vgic_word){0};
        for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++)
            virq->routed[vcpu][id / 32 - 1] = 0;
    }
    for (uint32_t i = 0; i < VGIC_SHARED * 32; i++)
        virq->route[i] = 0;
    /* A vCPU may have sent an interrupt to one that was off already: what stands there only its own CPU can clear. */
    for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++)
        virq->stale[vcpu] = true;
    deliver_all(cpu);
    vgic_reset_interface(cpu->vm);
    spin_unlock(&virq->lock);
}
