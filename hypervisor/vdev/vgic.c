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

#define REG_IGROUPR    0x080u
#define REG_ISENABLER  0x100u
#define REG_ICENABLER  0x180u
#define REG_ISPENDR    0x200u
#define REG_ICPENDR    0x280u
#define REG_ISACTIVER  0x300u
#define REG_IPRIORITYR 0x400u
#define REG_ITARGETSR  0x800u
#define REG_ICFGR      0xc00u
#define REG_END        0xd00u
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

static uint32_t physical_of(const struct vm *vm, uint32_t id)
{
    return id < vm->config->irq_count ? vm->config->irq_physical[id] : 0;
}

/* vCPU that an interrupt goes to, as `vcpu` sees it. */
static uint32_t target_of(const struct virq *virq, uint32_t vcpu, uint32_t id)
{
    return id < GIC_SPI ? vcpu : __atomic_load_n(&virq->route[id - GIC_SPI], __ATOMIC_RELAXED);
}

/* What waits in a word for a vCPU. */
static uint32_t ready(const struct virq *virq, uint32_t vcpu, uint32_t index)
{
    const struct vgic_word *word = index == 0 ? &virq->private[vcpu] : &virq->shared[index - 1];
    uint32_t bits = __atomic_load_n(&word->pending, __ATOMIC_RELAXED) & word->enable & ~word->inflight;

    return index == 0 ? bits : bits & virq->routed[vcpu][index - 1];
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

/* Take back what the guest has ended, and what it has disabled before it took it. */
static void reclaim(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t count = gic_lr_count();
    uint32_t empty = gic_lr_empty();

    for (uint32_t index = 0; index < count; index++) {
        uint32_t id = virq->lr[cpu->vcpu][index];
        struct vgic_word *word;

        if (id == NO_INTERRUPT)
            continue;
        word = vgic_word(virq, cpu->vcpu, id);
        if ((empty & 1u << index) == 0) {
            if ((word->enable & bit(id)) != 0 || gic_lr_state(index) != LR_PENDING)
                continue;
            gic_lr_clear(index);
            set_pending(word, id);
        } else if (word->level & bit(id)) {
            set_pending(word, id);
        }
        virq->lr[cpu->vcpu][index] = NO_INTERRUPT;
        word->inflight &= ~bit(id);
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
    if (found >= 0) {
        uint32_t id = virq->lr[cpu->vcpu][found];
        struct vgic_word *word = vgic_word(virq, cpu->vcpu, id);

        gic_lr_clear((uint32_t)found);
        word->inflight &= ~bit(id);
        set_pending(word, id);
    }
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
    gic_lr_set(index, id, priority, physical_of(cpu->vm, id),
               (word->level & bit(id)) != 0 || (id < GIC_PPI && vgic_sgi_has_sender), source);
}

/*
 * What has come again while it stands in a list register: one that waits there has swallowed it, one that the guest is busy
 * with waits behind itself. An SGI with a sender, and a level, are looked at again when the guest has ended them.
 */
static void merge(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t count = gic_lr_count();

    for (uint32_t index = 0; index < count; index++) {
        uint32_t id = virq->lr[cpu->vcpu][index];
        struct vgic_word *word;

        if (id == NO_INTERRUPT || (id < GIC_PPI && vgic_sgi_has_sender) || physical_of(cpu->vm, id) != 0)
            continue;
        word = vgic_word(virq, cpu->vcpu, id);
        if ((__atomic_load_n(&word->pending, __ATOMIC_RELAXED) & word->enable & bit(id)) == 0)
            continue;
        clear_pending(word, id);
        if (gic_lr_state(index) == LR_ACTIVE)
            gic_lr_pend(index);
    }
}

static void flush(struct cpu *cpu)
{
    struct vm *vm = cpu->vm;
    struct virq *virq = &vm->virq;
    bool more = false;

    reclaim(cpu);
    merge(cpu);
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

void vgic_set_enabled(struct cpu *cpu, uint32_t enabled)
{
    cpu->vm->virq.enabled = enabled;
    for (uint32_t vcpu = 0; vcpu < cpu->vm->config->vcpu_count; vcpu++)
        deliver(cpu, cpu->vm, vcpu);
}

void virq_raise(struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;
    struct vgic_word *word = vgic_word(virq, 0, number);
    uint32_t before = __atomic_fetch_or(&word->pending, bit(number), __ATOMIC_ACQ_REL);

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
    bool waiting = false;

    spin_lock(&virq->lock);
    for (uint32_t index = 0; index < PLAN_IRQ_WORDS; index++)
        waiting |= ready(virq, cpu->vcpu, index) != 0;
    for (uint32_t index = 0; index < gic_lr_count(); index++)
        waiting |= virq->lr[cpu->vcpu][index] != NO_INTERRUPT && gic_lr_state(index) == LR_PENDING;
    spin_unlock(&virq->lock);
    return waiting;
}

void vgic_send(struct cpu *cpu, uint32_t id, uint64_t vcpus)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    for (; vcpus != 0; vcpus &= vcpus - 1) {
        uint32_t vcpu = bit_lowest64(vcpus);

        virq->source[vcpu][id] |= (uint64_t)1 << cpu->vcpu;
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

    virq->routed[virq->route[id - GIC_SPI]][index] &= ~bit(id);
    virq->routed[vcpu][index] |= bit(id);
    __atomic_store_n(&virq->route[id - GIC_SPI], (uint8_t)vcpu, __ATOMIC_RELAXED);
    if (physical != 0 && (virq->shared[index].enable & bit(id)))
        irqchip_enable(vm_cpu(cpu->vm, vcpu), physical, true);
    if ((__atomic_load_n(&virq->shared[index].pending, __ATOMIC_RELAXED) & bit(id)) != 0)
        deliver(cpu, cpu->vm, vcpu);
}

/* A private interrupt of another vCPU has registers that only its own CPU reaches on a GICv2; none but the own is asked. */
static void enable(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool enabled)
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

static void change_pending(struct cpu *cpu, uint32_t vcpu, uint32_t base, uint32_t bits, bool pending)
{
    struct virq *virq = &cpu->vm->virq;
    struct vgic_word *word = vgic_word(virq, vcpu, base);

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
        }
    }
}

/* Registers with a bit for each interrupt. */
static uint32_t access_bits(struct cpu *cpu, uint32_t vcpu, uint32_t offset, uint32_t base, bool write, uint32_t value)
{
    struct vgic_word *word = vgic_word(&cpu->vm->virq, vcpu, base);

    switch (offset & ~0x7fu) {
    case REG_IGROUPR:
        if (write)
            word->group = value;
        return word->group;
    case REG_ISENABLER:
    case REG_ICENABLER:
        if (write)
            enable(cpu, vcpu, base, value, (offset & ~0x7fu) == REG_ISENABLER);
        return word->enable;
    case REG_ISPENDR:
    case REG_ICPENDR:
        if (write)
            change_pending(cpu, vcpu, base, value, (offset & ~0x7fu) == REG_ISPENDR);
        return __atomic_load_n(&word->pending, __ATOMIC_RELAXED);
    default: /* active: what stands in a list register, near enough; a write changes nothing */
        return word->inflight;
    }
}

static uint32_t access_priorities(struct vgic_word *word, uint32_t n, uint32_t width, bool write, uint32_t value)
{
    uint32_t read = 0;

    for (uint32_t i = 0; i < width; i++) {
        if (write)
            word->priority[n + i] = (uint8_t)(value >> i * 8 & 0xf8); /* five bits are implemented */
        read |= (uint32_t)word->priority[n + i] << i * 8;
    }
    return read;
}

/* Two bits for each of 16 interrupts, of which the upper says edge. */
static uint32_t access_config(struct vgic_word *word, uint32_t n, bool write, uint32_t value)
{
    uint32_t read = 0;

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t edge = 1u << (n + i);

        if (write)
            word->edge = (value >> (i * 2 + 1) & 1) != 0 ? word->edge | edge : word->edge & ~edge;
        if (word->edge & edge)
            read |= 2u << i * 2;
    }
    return read;
}

void vgic_access(struct cpu *cpu, uint32_t vcpu, uint32_t offset, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t value = (uint32_t)access->value;
    uint32_t id;

    access->value = 0;
    if (offset >= REG_IGROUPR && offset < REG_IPRIORITYR) {
        id = (offset & 0x7fu) / 4 * 32;
        if (access->width == 4 && id < PLAN_IRQ_WORDS * 32)
            access->value = access_bits(cpu, vcpu, offset, id, access->write, value);
    } else if (offset >= REG_IPRIORITYR && offset < REG_ITARGETSR) {
        id = offset - REG_IPRIORITYR;
        if (access->width <= 4 && id < PLAN_IRQ_WORDS * 32)
            access->value = access_priorities(vgic_word(virq, vcpu, id), id % 32, access->width, access->write, value);
    } else if (offset >= REG_ICFGR && offset < REG_END) {
        id = (offset - REG_ICFGR) * 4;
        if (access->width == 4 && id >= GIC_PPI && id < PLAN_IRQ_WORDS * 32)
            access->value = access_config(vgic_word(virq, vcpu, id), id % 32, access->write, value);
    }
}

void virq_reset_vcpu(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    for (uint32_t index = 0; index < GIC_LR_MAX; index++) {
        uint32_t id = virq->lr[cpu->vcpu][index];

        /* At first everything is 0, and a list register that holds interrupt 0 holds none. */
        if (id != NO_INTERRUPT && id != 0) {
            vgic_word(virq, cpu->vcpu, id)->inflight &= ~bit(id);
            if (physical_of(cpu->vm, id) != 0)
                gic_deactivate(physical_of(cpu->vm, id));
        }
        virq->lr[cpu->vcpu][index] = NO_INTERRUPT;
    }
    enable(cpu, cpu->vcpu, 0, UINT32_MAX, false);
    virq->private[cpu->vcpu] = (struct vgic_word){.enable = GIC_PPI == 0 ? 0 : 0xffff, .edge = 0xffff};
    for (uint32_t id = 0; id < GIC_PPI; id++)
        virq->source[cpu->vcpu][id] = 0;
    gic_reset_virtual();
    spin_unlock(&virq->lock);
}

void virq_reset(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    virq->enabled = 0;
    for (uint32_t id = GIC_SPI; id < PLAN_IRQ_WORDS * 32; id += 32) {
        struct vgic_word *word = vgic_word(virq, 0, id);

        enable(cpu, 0, id, UINT32_MAX, false);
        for (uint32_t bits = word->pending; bits != 0; bits &= bits - 1) {
            uint32_t physical = physical_of(cpu->vm, id + bit_lowest(bits));

            if (physical != 0)
                gic_deactivate(physical);
        }
        *word = (struct vgic_word){0};
    }
    vgic_reset_interface(cpu->vm);
    spin_unlock(&virq->lock);
}
