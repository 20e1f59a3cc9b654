// SPDX-License-Identifier: Apache-2.0
/*
 * A virtual PLIC. Context n is vCPU n, S-mode. Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0,
 * chapters 3 (memory map) to 9 (completion).
 *
 * A source is offered to a context while it is pending, not claimed, enabled there and has a priority above 0. Work goes by
 * word: a word without a candidate costs one test.
 */
#include "arch.h"
#include "bits.h"
#include "drivers.h"
#include "vdev.h"
#include "vm.h"

#define PENDING_BASE   0x1000u
#define ENABLE_BASE    0x2000u
#define ENABLE_STRIDE  0x80u
#define CONTEXT_BASE   0x200000u
#define CONTEXT_STRIDE 0x1000u
#define CONTEXT_CLAIM  4u
#define PRIORITY_MAX   7u

static uint32_t bit(uint32_t number)
{
    return 1u << (number % 32);
}

/* Whoever adds a bit sends an event after it, so that this need not be ordered. */
static uint32_t pending_word(const struct virq *virq, uint32_t word)
{
    return __atomic_load_n(&virq->pending[word], __ATOMIC_RELAXED);
}

/* Highest priority, then lowest number (specification, section 8); 0: none. */
static uint32_t best(const struct virq *virq, uint32_t context)
{
    uint32_t found = 0;
    uint32_t priority = 0;

    for (uint32_t word = 0; word < PLAN_IRQ_WORDS; word++) {
        uint32_t ready = pending_word(virq, word) & virq->enable[context][word] & ~virq->active[word];

        for (; ready != 0; ready &= ready - 1) {
            uint32_t number = word * 32 + bit_lowest(ready);

            if (virq->priority[number] > priority) {
                priority = virq->priority[number];
                found = number;
            }
        }
    }
    return found;
}

/* Drive one context's line. `cpu`: who asks; the line of another CPU's vCPU is that CPU's to drive. */
static void drive(struct cpu *cpu, struct vm *vm, uint32_t context)
{
    struct virq *virq = &vm->virq;
    uint32_t number = best(virq, context);
    bool asserted = number != 0 && virq->priority[number] > virq->threshold[context];

    if (asserted == virq->asserted[context])
        return;
    if (cpu->vm == vm && cpu->vcpu == context) {
        virq->asserted[context] = asserted;
        arch_vcpu_set_irq(cpu, asserted);
    } else {
        cpu_notify(vm_cpu(vm, context), EVENT_VIRQ);
    }
}

static void drive_all(struct cpu *cpu, struct vm *vm)
{
    for (uint32_t context = 0; context < vm->config->vcpu_count; context++)
        drive(cpu, vm, context);
}

/* Drive the lines of those contexts that a source is enabled in. */
static void drive_for(struct cpu *cpu, struct vm *vm, uint32_t number)
{
    for (uint32_t context = 0; context < vm->config->vcpu_count; context++) {
        if (vm->virq.enable[context][number / 32] & bit(number))
            drive(cpu, vm, context);
    }
}

void virq_raise(struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;
    uint32_t before = __atomic_fetch_or(&virq->pending[number / 32], bit(number), __ATOMIC_ACQ_REL);

    /* Already pending: whoever made it so has told the vCPU, and it has not come to take it. So a storm is one event. */
    if ((before & bit(number)) == 0)
        cpu_notify(vm_cpu(vm, __atomic_load_n(&virq->home[number], __ATOMIC_RELAXED)), EVENT_VIRQ);
}

static void set_level(struct virq *virq, uint32_t number, bool level)
{
    if (level) {
        virq->level[number / 32] |= bit(number);
        if ((virq->active[number / 32] & bit(number)) == 0)
            __atomic_fetch_or(&virq->pending[number / 32], bit(number), __ATOMIC_ACQ_REL);
    } else {
        virq->level[number / 32] &= ~bit(number);
        __atomic_fetch_and(&virq->pending[number / 32], ~bit(number), __ATOMIC_ACQ_REL);
    }
}

void virq_set_level(struct cpu *cpu, struct vm *vm, uint32_t number, bool level)
{
    struct virq *virq = &vm->virq;

    if (((__atomic_load_n(&virq->level[number / 32], __ATOMIC_RELAXED) & bit(number)) != 0) == level)
        return;
    spin_lock(&virq->lock);
    set_level(virq, number, level);
    drive_for(cpu, vm, number);
    spin_unlock(&virq->lock);
}

void virq_physical(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    __atomic_fetch_or(&virq->pending[number / 32], bit(number), __ATOMIC_ACQ_REL);
    drive_for(cpu, cpu->vm, number);
    spin_unlock(&virq->lock);
}

uint32_t virq_look(const struct vm *vm, uint32_t number)
{
    const struct virq *virq = &vm->virq;
    uint32_t bit = 1u << number % 32;
    uint32_t enabled = 0;

    for (uint32_t vcpu = 0; vcpu < vm->config->vcpu_count; vcpu++)
        enabled |= virq->enable[vcpu][number / 32];
    return ((enabled & bit) != 0 ? (uint32_t)VIRQ_ENABLED : 0) |
           ((__atomic_load_n(&virq->pending[number / 32], __ATOMIC_RELAXED) & bit) != 0 ? (uint32_t)VIRQ_PENDING : 0) |
           ((virq->active[number / 32] & bit) != 0 ? (uint32_t)VIRQ_TAKEN : 0);
}

void virq_update(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    drive_all(cpu, cpu->vm);
    spin_unlock(&virq->lock);
}

static void write_enable(struct cpu *cpu, uint32_t context, uint32_t word, uint32_t value)
{
    const struct vm_config *own = cpu->vm->config;
    struct virq *virq = &cpu->vm->virq;
    uint32_t changed;

    if (word == 0)
        value &= ~1u; /* source 0 does not exist */
    if (word == own->irq_count / 32)
        value &= bit(own->irq_count) - 1;
    else if (word > own->irq_count / 32)
        value = 0;
    changed = value ^ virq->enable[context][word];
    virq->enable[context][word] = value;
    for (; changed != 0; changed &= changed - 1) {
        uint32_t number = word * 32 + bit_lowest(changed);
        bool enabled = (value & bit(number)) != 0;

        if (enabled)
            __atomic_store_n(&virq->home[number], (uint8_t)context, __ATOMIC_RELAXED);
        if (own->irq_physical[number] != 0)
            irqchip_enable(vm_cpu(cpu->vm, context), own->irq_physical[number], enabled);
    }
}

static uint32_t claim(struct cpu *cpu, uint32_t context)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t number = best(virq, context);

    if (number != 0) {
        virq->active[number / 32] |= bit(number);
        __atomic_fetch_and(&virq->pending[number / 32], ~bit(number), __ATOMIC_ACQ_REL);
        drive_for(cpu, cpu->vm, number);
    }
    return number;
}

static void complete(struct cpu *cpu, uint32_t context, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t word = number / 32;

    /* A completion for what is not enabled or not claimed is ignored (specification, chapter 9). */
    if (number >= cpu->vm->config->irq_count || (virq->enable[context][word] & virq->active[word] & bit(number)) == 0)
        return;
    virq->active[word] &= ~bit(number);
    if (cpu->vm->config->irq_physical[number] != 0)
        irqchip_complete(vm_cpu(cpu->vm, context), cpu->vm->config->irq_physical[number]);
    else if ((virq->level[word] & bit(number)) != 0)
        __atomic_fetch_or(&virq->pending[word], bit(number), __ATOMIC_ACQ_REL);
    if ((pending_word(virq, word) & bit(number)) != 0)
        drive_for(cpu, cpu->vm, number);
}

static void access_context(struct cpu *cpu, uint32_t context, uint32_t reg, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;

    if (reg == CONTEXT_CLAIM) {
        if (access->write)
            complete(cpu, context, (uint32_t)access->value);
        else
            access->value = claim(cpu, context);
    } else if (reg == 0) {
        if (access->write) {
            virq->threshold[context] = (uint32_t)access->value & PRIORITY_MAX;
            drive(cpu, cpu->vm, context);
        } else {
            access->value = virq->threshold[context];
        }
    } else {
        access->value = 0;
    }
}

/* Sources, pending bits and enables of `offset`; registers of what the VM does not have read 0 and ignore writes. */
static void access_sources(struct cpu *cpu, uint32_t offset, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t count = cpu->vm->config->irq_count;
    uint64_t value = 0;

    if (offset < PENDING_BASE) {
        uint32_t number = offset / 4;

        if (number != 0 && number < count) {
            if (access->write) {
                virq->priority[number] = (uint8_t)(access->value & PRIORITY_MAX);
                if (pending_word(virq, number / 32) & bit(number))
                    drive_for(cpu, cpu->vm, number);
            }
            value = virq->priority[number];
        }
    } else if (offset < ENABLE_BASE) {
        uint32_t word = (offset - PENDING_BASE) / 4;

        if (word < PLAN_IRQ_WORDS)
            value = pending_word(virq, word);
    } else {
        uint32_t context = (offset - ENABLE_BASE) / ENABLE_STRIDE;
        uint32_t word = (offset - ENABLE_BASE) % ENABLE_STRIDE / 4;

        if (context < cpu->vm->config->vcpu_count && word < PLAN_IRQ_WORDS) {
            if (access->write) {
                write_enable(cpu, context, word, (uint32_t)access->value);
                drive(cpu, cpu->vm, context);
            }
            value = virq->enable[context][word];
        }
    }
    if (!access->write)
        access->value = value;
}

bool virq_access(struct cpu *cpu, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t offset = (uint32_t)access->offset;

    if (access->width != 4 || offset % 4 != 0)
        return false;
    spin_lock(&virq->lock);
    if (offset >= CONTEXT_BASE) {
        uint32_t context = (offset - CONTEXT_BASE) / CONTEXT_STRIDE;

        if (context < cpu->vm->config->vcpu_count)
            access_context(cpu, context, (offset - CONTEXT_BASE) % CONTEXT_STRIDE, access);
        else
            access->value = 0;
    } else {
        access_sources(cpu, offset, access);
    }
    spin_unlock(&virq->lock);
    return true;
}

void virq_reset_vcpu(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    for (uint32_t word = 0; word < PLAN_IRQ_WORDS; word++)
        write_enable(cpu, cpu->vcpu, word, 0);
    virq->threshold[cpu->vcpu] = 0;
    drive_all(cpu, cpu->vm);
    spin_unlock(&virq->lock);
}

void virq_reset(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;
    const struct vm_config *own = cpu->vm->config;

    spin_lock(&virq->lock);
    /* A vCPU may have written to the context of one that was off already. */
    for (uint32_t context = 0; context < own->vcpu_count; context++) {
        for (uint32_t word = 0; word < PLAN_IRQ_WORDS; word++)
            write_enable(cpu, context, word, 0);
        virq->threshold[context] = 0;
    }
    for (uint32_t word = 0; word < PLAN_IRQ_WORDS; word++) {
        /* A physical source that nobody completed stays shut for ever. A completion counts only where it is enabled. */
        for (uint32_t busy = virq->active[word] | pending_word(virq, word); busy != 0; busy &= busy - 1) {
            uint32_t number = word * 32 + bit_lowest(busy);
            uint32_t source = number < own->irq_count ? own->irq_physical[number] : 0;

            if (source != 0) {
                irqchip_enable(cpu, source, true);
                irqchip_complete(cpu, source);
                irqchip_enable(cpu, source, false);
            }
        }
        __atomic_store_n(&virq->pending[word], 0, __ATOMIC_RELEASE);
        virq->active[word] = 0;
        virq->level[word] = 0;
    }
    for (uint32_t number = 0; number < PLAN_IRQ_WORDS * 32; number++)
        virq->priority[number] = 0;
    drive_all(cpu, cpu->vm);
    spin_unlock(&virq->lock);
}

bool virq_pends(struct cpu *cpu, uint32_t number)
{
    const struct virq *virq = &cpu->vm->virq;

    return (pending_word(virq, number / 32) & virq->enable[cpu->vcpu][number / 32] & bit(number)) != 0;
}
