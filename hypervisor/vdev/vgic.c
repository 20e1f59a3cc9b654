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
#include "vgic-direct.h"
#include "vgic-interrupt.h"
#include "vm.h"

void vgic_notify(struct cpu *cpu, struct vm *vm, uint32_t vcpu)
{
    if (cpu->vm == vm && cpu->vcpu == vcpu)
        vgic_flush(cpu);
    else
        cpu_notify(vm_cpu(vm, vcpu), EVENT_VIRQ);
}

void vgic_deliver(struct cpu *cpu, struct vm *vm, uint32_t vcpu)
{
    vm->virq.recheck[vcpu] = true;
    vgic_notify(cpu, vm, vcpu);
}

void vgic_deliver_all(struct cpu *cpu)
{
    for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++)
        vgic_deliver(cpu, cpu->vm, vcpu);
}

void vgic_set_enabled(struct cpu *cpu, uint32_t enabled)
{
    if (vm_is_direct(cpu->vm)) {
        direct_set_enabled(cpu, enabled);
        return;
    }
    cpu->vm->virq.enabled = enabled;
    vgic_deliver_all(cpu);
}

void virq_raise(struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;
    struct vgic_word *word = vgic_word(virq, 0, number);
    uint32_t before;

    if (vm_is_direct(vm)) {
        direct_raise(number);
        return;
    }
    /* Sequentially consistent, as are the route and what vgic_route() does: one of the two sees the other. */
    before = __atomic_fetch_or(&word->pending, bit(number), __ATOMIC_SEQ_CST);

    /* Already pending: whoever made it so has told the vCPU, and it has not come to take it. So a storm is one event. */
    if ((before & bit(number)) == 0)
        cpu_notify(vm_cpu(vm, target_of(virq, 0, number)), EVENT_VIRQ);
}

void virq_set_level(struct cpu *cpu, struct vm *vm, uint32_t number, bool level)
{
    struct virq *virq = &vm->virq;
    struct vgic_word *word = vgic_word(virq, 0, number);

    if (vm_is_direct(vm)) {
        direct_set_level(vm, number, level);
        return;
    }
    if (((__atomic_load_n(&word->level, __ATOMIC_RELAXED) & bit(number)) != 0) == level)
        return;
    spin_lock(&virq->lock);
    if (level) {
        word->level |= bit(number);
        if ((word->inflight & bit(number)) == 0)
            set_pending(word, number);
        vgic_deliver(cpu, vm, target_of(virq, 0, number));
    } else {
        word->level &= ~bit(number);
        clear_pending(word, number);
        if ((word->inflight & bit(number)) != 0)
            vgic_deliver(cpu, vm, target_of(virq, 0, number));
    }
    spin_unlock(&virq->lock);
}

/*
 * A level whose virtual interrupt the guest has not ended comes again only where a VM with direct interrupts has deactivated
 * it by ending one of its own with this number. Active as it now is once more, it waits for the guest's end as before.
 */
static bool is_stray(struct cpu *cpu, const struct vgic_word *word, uint32_t number)
{
    uint32_t physical = physical_of(cpu->vm, number);

    (void)vgic_collect(cpu);
    return (word->inflight & bit(number)) != 0 && (config.irq_edges[physical / 32] >> (physical % 32) & 1) == 0;
}

/*
 * A physical interrupt into the first list register that is free, past all bookkeeping: most often it is the only one. False:
 * it has to wait, or there is more to look at.
 */
static bool take(struct cpu *cpu, struct vgic_word *word, uint32_t id)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t vcpu = cpu->vcpu;
    uint32_t empty = gic_lr_empty();
    uint32_t index = (empty & 1) != 0 ? 0 : bit_lowest(empty);
    uint16_t *held = &virq->lr[vcpu][index];
    uint32_t old = *held;

    if (empty == 0 || virq->recheck[vcpu] || virq->enabled == 0 || (word->enable & bit(id)) == 0 ||
        target_of(virq, vcpu, id) != vcpu)
        return false;
    if (old != id) {
        if ((word->inflight & bit(id)) != 0)
            return false;
        if (old != NO_INTERRUPT) {
            struct vgic_word *ended = vgic_word(virq, vcpu, old);

            if (is_pending(ended, old))
                return false;
            ended->inflight &= ~bit(old);
        } else {
            virq->used[vcpu] |= (uint16_t)(1u << index);
        }
        word->inflight |= bit(id);
        *held = (uint16_t)id;
    }
    gic_lr_set(index, id, word->priority[id % 32], physical_of(cpu->vm, id), false, 0);
    return true;
}

void virq_physical(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *word = vgic_word(virq, cpu->vcpu, number);

    spin_lock(&virq->lock);
    if (!take(cpu, word, number) && !(PLAN_DIRECT && is_stray(cpu, word, number))) {
        set_pending(word, number);
        vgic_notify(cpu, cpu->vm, target_of(virq, cpu->vcpu, number));
    }
    spin_unlock(&virq->lock);
}

uint32_t virq_look(const struct vm *vm, uint32_t number)
{
    const struct virq *virq = &vm->virq;
    const struct vgic_word *word = number < GIC_SPI ? &virq->private[0] : &virq->shared[number / 32 - 1];

    return ((word->enable & bit(number)) != 0 ? (uint32_t)VIRQ_ENABLED : 0) |
           (is_pending(word, number) ? (uint32_t)VIRQ_PENDING : 0) |
           ((word->inflight & bit(number)) != 0 ? (uint32_t)VIRQ_TAKEN : 0);
}

void virq_update(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    if (vm_is_direct(cpu->vm))
        return;
    spin_lock(&virq->lock);
    vgic_flush(cpu);
    spin_unlock(&virq->lock);
}

void virq_maintain(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    virq->recheck[cpu->vcpu] = true;
    vgic_flush(cpu);
    spin_unlock(&virq->lock);
}

void vgic_send(struct cpu *cpu, uint32_t id, uint64_t vcpus)
{
    struct virq *virq = &cpu->vm->virq;

    if (vm_is_direct(cpu->vm)) {
        direct_send(cpu, id, vcpus);
        return;
    }
    spin_lock(&virq->lock);
    for (; vcpus != 0; vcpus &= vcpus - 1) {
        uint32_t vcpu = bit_lowest64(vcpus);

        virq->source[vcpu][id] |= (uint64_t)1 << (vgic_sgi_has_sender ? cpu->vcpu : 0);
        set_pending(&virq->private[vcpu], id);
        vgic_notify(cpu, cpu->vm, vcpu);
    }
    spin_unlock(&virq->lock);
}

void vgic_route(struct cpu *cpu, uint32_t id, uint32_t vcpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t index = id / 32 - 1;
    uint32_t physical = physical_of(cpu->vm, id);
    uint32_t before = virq->route[id - GIC_SPI];

    if (vm_is_direct(cpu->vm)) {
        direct_route(cpu, id, vcpu);
        return;
    }
    if (vcpu == before)
        return;
    virq->routed[before][index] ^= bit(id);
    virq->routed[vcpu][index] ^= bit(id);
    __atomic_store_n(&virq->route[id - GIC_SPI], (uint8_t)vcpu, __ATOMIC_SEQ_CST);
    if (physical != 0 && (virq->shared[index].enable & bit(id)))
        irqchip_enable(vm_cpu(cpu->vm, vcpu), physical, true);
    if ((virq->shared[index].inflight & bit(id)) != 0)
        vgic_deliver(cpu, cpu->vm, before);
    if ((__atomic_load_n(&virq->shared[index].pending, __ATOMIC_SEQ_CST) & bit(id)) != 0)
        vgic_notify(cpu, cpu->vm, vcpu);
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
        vgic_deliver(cpu, cpu->vm, target);
    }
}

void vgic_reset_vcpu(struct cpu *cpu, bool is_restart)
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
            else if (physical_of(cpu->vm, id) != 0 &&
                     (state != LR_EMPTY || gic_lr_ends_apart(physical_of(cpu->vm, id))))
                gic_deactivate(physical_of(cpu->vm, id));
        }
    }
    gic_reset_virtual();
    virq->used[cpu->vcpu] = 0;
    virq->stale[cpu->vcpu] = false;
    for (uint32_t bits = private->pending | private->enable; bits != 0; bits &= bits - 1) {
        uint32_t id = bit_lowest(bits);
        uint32_t physical = physical_of(cpu->vm, id);

        if (physical == 0)
            continue;
        if ((private->enable & bit(id)) != 0)
            irqchip_enable(cpu, physical, false);
        if ((private->pending & bit(id)) != 0)
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
    if (vm_is_direct(cpu->vm)) {
        direct_reset_vcpu(cpu);
    } else {
        vgic_reset_vcpu(cpu, false);
        virq->recheck[cpu->vcpu] = true;
        vgic_flush(cpu);
    }
    spin_unlock(&virq->lock);
}

void virq_reset(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    if (vm_is_direct(cpu->vm)) {
        direct_reset(cpu);
        vgic_reset_interface(cpu->vm);
        spin_unlock(&virq->lock);
        return;
    }
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
    vgic_deliver_all(cpu);
    vgic_reset_interface(cpu->vm);
    spin_unlock(&virq->lock);
}
