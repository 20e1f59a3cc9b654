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

/* Something waits for a vCPU: fill its list registers if they are this CPU's, else tell the vCPU's. */
static void notify(struct cpu *cpu, struct vm *vm, uint32_t vcpu)
{
    if (cpu->vm == vm && cpu->vcpu == vcpu)
        vgic_flush(cpu);
    else
        cpu_notify(vm_cpu(vm, vcpu), EVENT_VIRQ);
}

void vgic_deliver(struct cpu *cpu, struct vm *vm, uint32_t vcpu)
{
    bits_set(&vm->virq.vcpus[vcpu].changed, VGIC_RECHECK);
    notify(cpu, vm, vcpu);
}

void vgic_deliver_all(struct cpu *cpu)
{
    for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++)
        vgic_deliver(cpu, cpu->vm, vcpu);
}

void vgic_set_enabled(struct cpu *cpu, uint32_t enabled)
{
    struct virq *virq = &cpu->vm->virq;

    if (vm_is_direct(cpu->vm)) {
        spin_lock(&virq->lock);
        direct_set_enabled(cpu, enabled);
        spin_unlock(&virq->lock);
        return;
    }
    __atomic_store_n(&virq->enabled, enabled, __ATOMIC_RELAXED);
    vgic_deliver_all(cpu);
}

void virq_raise(struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;

    if (vm_is_direct(vm)) {
        direct_raise(number);
        return;
    }
    /* Already pending: whoever made it so has told the vCPU, and it has not come to take it. So a storm is one event. */
    if (bits_win(&vgic_word(virq, 0, number)->pending, bit(number)))
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
    if (((bits_load(&word->level) & bit(number)) != 0) == level)
        return;
    if (level)
        bits_set(&word->level, bit(number));
    else
        bits_clear(&word->level, bit(number));
    /* One that stands in a list register goes with its line; or its end is to be told, since the line is high again. */
    vgic_deliver(cpu, vm, target_of(virq, 0, number));
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
static bool take(struct cpu *cpu, struct vgic_vcpu *own, struct vgic_word *word, uint32_t id)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t vcpu = cpu->vcpu;
    uint32_t empty = gic_lr_empty();
    uint32_t index = (empty & 1) != 0 ? 0 : bit_lowest(empty);
    uint32_t old = own->lr[index];

    if (empty == 0 || bits_load(&own->changed) != 0 || bits_load(&virq->enabled) == 0 ||
        (bits_load(&word->enable) & bit(id)) == 0 || target_of(virq, vcpu, id) != vcpu)
        return false;
    if (old != id) {
        if (!bits_win(&word->inflight, bit(id)))
            return false;
        own->lr[index] = (uint16_t)id;
        if (old != NO_INTERRUPT) {
            struct vgic_word *ended = vgic_word(virq, vcpu, old);

            bits_clear(&ended->inflight, bit(old));
            /* It waits again, perhaps at another vCPU. */
            if (is_asking(ended, old))
                vgic_deliver(cpu, cpu->vm, target_of(virq, vcpu, old));
        } else {
            own->used |= (uint16_t)(1u << index);
        }
    }
    gic_lr_set(index, id, priority_of(word, id), physical_of(cpu->vm, id), false, 0);
    return true;
}

void virq_physical(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *word = vgic_word(virq, cpu->vcpu, number);

    if (!take(cpu, &virq->vcpus[cpu->vcpu], word, number) && !(PLAN_DIRECT && is_stray(cpu, word, number))) {
        bits_set(&word->pending, bit(number));
        notify(cpu, cpu->vm, target_of(virq, cpu->vcpu, number));
    }
}

uint32_t virq_look(const struct vm *vm, uint32_t number)
{
    const struct virq *virq = &vm->virq;
    const struct vgic_word *word = number < GIC_SPI ? &virq->vcpus[0].private : &virq->shared[number / 32 - 1];

    return ((bits_load(&word->enable) & bit(number)) != 0 ? (uint32_t)VIRQ_ENABLED : 0) |
           (is_asking(word, number) ? (uint32_t)VIRQ_PENDING : 0) |
           ((bits_load(&word->inflight) & bit(number)) != 0 ? (uint32_t)VIRQ_TAKEN : 0);
}

void virq_update(struct cpu *cpu)
{
    if (!vm_is_direct(cpu->vm))
        vgic_flush(cpu);
}

void virq_maintain(struct cpu *cpu)
{
    vgic_deliver(cpu, cpu->vm, cpu->vcpu);
}

void vgic_send(struct cpu *cpu, uint32_t id, uint64_t vcpus)
{
    struct virq *virq = &cpu->vm->virq;

    if (vm_is_direct(cpu->vm)) {
        direct_send(cpu, id, vcpus);
        return;
    }
    for (; vcpus != 0; vcpus &= vcpus - 1) {
        uint32_t vcpu = bit_lowest64(vcpus);
        struct vgic_vcpu *to = &virq->vcpus[vcpu];

        /* As with virq_raise(): one that waits already has been told. */
        if (vgic_sgi_has_sender) {
            uint64_t self = (uint64_t)1 << cpu->vcpu;

            if ((__atomic_fetch_or(&to->source[id], self, __ATOMIC_SEQ_CST) & self) == 0) {
                bits_set(&to->private.pending, bit(id));
                notify(cpu, cpu->vm, vcpu);
            }
        } else if (bits_win(&to->private.pending, bit(id))) {
            notify(cpu, cpu->vm, vcpu);
        }
    }
}

void vgic_route(struct cpu *cpu, uint32_t id, uint32_t vcpu)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *word = vgic_word(virq, 0, id);
    uint32_t index = id / 32 - 1;
    uint32_t physical = physical_of(cpu->vm, id);
    uint32_t before;

    spin_lock(&virq->lock);
    before = target_of(virq, vcpu, id);
    if (vm_is_direct(cpu->vm)) {
        direct_route(cpu, id, vcpu);
        before = vcpu;
    } else if (vcpu != before) {
        __atomic_fetch_xor(&virq->vcpus[before].shared[index], bit(id), __ATOMIC_SEQ_CST);
        __atomic_fetch_xor(&virq->vcpus[vcpu].shared[index], bit(id), __ATOMIC_SEQ_CST);
        __atomic_store_n(&virq->route[id - GIC_SPI], (uint8_t)vcpu, __ATOMIC_SEQ_CST);
        if (physical != 0 && (word->enable & bit(id)) != 0)
            irqchip_enable(vm_cpu(cpu->vm, vcpu), physical, true);
    }
    spin_unlock(&virq->lock);
    if (vcpu == before)
        return;
    vgic_deliver(cpu, cpu->vm, before);
    if (is_asking(word, id))
        notify(cpu, cpu->vm, vcpu);
}

/* A private interrupt of another vCPU has registers that only its own CPU reaches on a GICv2; none but the own is asked. */
void vgic_enable(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool enabled)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *word = vgic_word(virq, vcpu, base);
    uint64_t vcpus = 0;

    spin_lock(&virq->lock);
    for (uint32_t changed = bits & (enabled ? ~word->enable : word->enable); changed != 0; changed &= changed - 1) {
        uint32_t id = base + bit_lowest(changed);
        uint32_t target = target_of(virq, vcpu, id);

        if (physical_of(cpu->vm, id) != 0)
            irqchip_enable(vm_cpu(cpu->vm, target), physical_of(cpu->vm, id), enabled);
        vcpus |= (uint64_t)1 << target;
    }
    __atomic_store_n(&word->enable, enabled ? word->enable | bits : word->enable & ~bits, __ATOMIC_SEQ_CST);
    spin_unlock(&virq->lock);
    for (; vcpus != 0; vcpus &= vcpus - 1)
        vgic_deliver(cpu, cpu->vm, bit_lowest64(vcpus));
}

void vgic_reset_vcpu(struct cpu *cpu, bool is_restart)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_vcpu *own = &virq->vcpus[cpu->vcpu];
    struct vgic_word *private = &own->private;
    uint32_t pending;

    for (uint32_t index = 0; index < GIC_LR_MAX; index++) {
        uint32_t id = own->lr[index];

        own->lr[index] = NO_INTERRUPT;
        /* At first everything is 0. SGIs go with the private word. */
        if (id >= GIC_PPI && id != NO_INTERRUPT) {
            struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);
            enum gic_lr_state state = gic_lr_state(index);

            if (!is_restart && (state & LR_PENDING) != 0 && !is_level(cpu->vm, id))
                bits_set(&word->pending, bit(id));
            else if (physical_of(cpu->vm, id) != 0 &&
                     (state != LR_EMPTY || gic_lr_ends_apart(physical_of(cpu->vm, id))))
                gic_deactivate(physical_of(cpu->vm, id));
            bits_clear(&word->inflight, bit(id));
        }
    }
    gic_reset_virtual();
    own->used = 0;
    pending = __atomic_exchange_n(&private->pending, 0, __ATOMIC_SEQ_CST);
    for (uint32_t bits = pending | private->enable; bits != 0; bits &= bits - 1) {
        uint32_t id = bit_lowest(bits);
        uint32_t physical = physical_of(cpu->vm, id);

        if (physical == 0)
            continue;
        if ((private->enable & bit(id)) != 0)
            irqchip_enable(cpu, physical, false);
        if ((pending & bit(id)) != 0)
            gic_deactivate(physical);
    }
    *private = (struct vgic_word){.enable = 0xffff, .edge = 0xffff};
    for (uint32_t id = 0; id < GIC_PPI; id++)
        own->source[id] = 0;
}

void virq_reset_vcpu(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    if (vm_is_direct(cpu->vm))
        direct_reset_vcpu(cpu);
    else
        vgic_reset_vcpu(cpu, false);
    spin_unlock(&virq->lock);
    if (!vm_is_direct(cpu->vm))
        vgic_deliver(cpu, cpu->vm, cpu->vcpu);
}

void virq_reset(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    if (vm_is_direct(cpu->vm)) {
        spin_lock(&virq->lock);
        direct_reset(cpu);
        spin_unlock(&virq->lock);
        vgic_reset_interface(cpu->vm);
        return;
    }
    virq->enabled = 0;
    for (uint32_t id = GIC_SPI; id < PLAN_IRQ_WORDS * 32; id += 32) {
        struct vgic_word *word = vgic_word(virq, 0, id);

        vgic_enable(cpu, 0, id, UINT32_MAX, false);
        for (uint32_t bits = bits_load(&word->pending); bits != 0; bits &= bits - 1) {
            uint32_t physical = physical_of(cpu->vm, id + bit_lowest(bits));

            if (physical != 0)
                gic_deactivate(physical);
        }
        *word = (struct vgic_word){0};
        for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++)
            virq->vcpus[vcpu].shared[id / 32 - 1] = 0;
    }
    for (uint32_t i = 0; i < VGIC_SHARED * 32; i++)
        virq->route[i] = 0;
    /* A vCPU may have sent an interrupt to one that was off already: what stands there only its own CPU can clear. */
    for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++)
        bits_set(&virq->vcpus[vcpu].changed, VGIC_STALE);
    vgic_deliver_all(cpu);
    vgic_reset_interface(cpu->vm);
}
