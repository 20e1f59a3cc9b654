// SPDX-License-Identifier: Apache-2.0
/*
 * A virtual APLIC that delivers directly. The hypervisor takes every physical interrupt and offers it to the guest.
 *
 * The APLIC has no completion: a level source is pending while its line is high. A physical one is shut when it is taken, so
 * that it does not interrupt for ever; whenever the guest looks for the next interrupt, those whose line has gone low are
 * opened again, and the others are still pending, as they would be on the hart itself.
 */
#include "aplic.h"
#include "arch.h"
#include "bits.h"
#include "drivers.h"
#include "vaplic.h"
#include "vdev.h"
#include "vm.h"

const uint32_t vaplic_domaincfg = DOMAINCFG_READ_ONE;

static uint32_t hart_of(uint32_t target)
{
    return target >> TARGET_HART_SHIFT;
}

uint32_t vaplic_legal_target(const struct vm *vm, uint32_t value)
{
    uint32_t hart = hart_of(value) < vm->config->vcpu_count ? hart_of(value) : 0;
    uint32_t priority = value & TARGET_PRIORITY_MASK;

    return hart << TARGET_HART_SHIFT | (priority != 0 ? priority : 1);
}

void vaplic_configure(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t source = vaplic_physical(cpu->vm, number);

    if (source == 0)
        return;
    if (virq->mode[number] < MODE_HIGH)
        virq->shut[number / 32] &= ~vaplic_bit(number);
    aplic_set_mode(source, virq->mode[number]);
    irqchip_enable(vm_cpu(cpu->vm, hart_of(virq->target[number])), source,
                   vaplic_test(virq->enable, number) && !vaplic_test(virq->shut, number));
}

/* Open the physical level sources whose line is low by now. */
static void reopen(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    for (uint32_t word = 0; word < PLAN_IRQ_WORDS; word++) {
        for (uint32_t shut = virq->shut[word]; shut != 0; shut &= shut - 1) {
            uint32_t number = word * 32 + bit_lowest(shut);
            uint32_t source = vaplic_physical(cpu->vm, number);

            if (aplic_bit(APLIC_CLRIP, source))
                continue;
            __atomic_fetch_and(&virq->pending[word], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
            virq->shut[word] &= ~vaplic_bit(number);
            aplic_set_enabled(source, vaplic_test(virq->enable, number));
        }
    }
}

void vaplic_set_pending(struct cpu *cpu, struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;

    (void)cpu;
    /* Of a level source pending is the level, and nothing that is written changes it (section 4.7). */
    if (virq->mode[number] < MODE_HIGH || vaplic_test(virq->level, number))
        __atomic_fetch_or(&virq->pending[number / 32], vaplic_bit(number), __ATOMIC_ACQ_REL);
}

/* What topi shows: source and priority of the best one, 0: none. A lower number is a higher priority. */
static uint32_t top(const struct virq *virq, uint32_t context)
{
    uint32_t threshold = virq->threshold[context] != 0 ? virq->threshold[context] : TARGET_PRIORITY_MASK + 1;
    uint32_t found = 0;

    for (uint32_t word = 0; word < PLAN_IRQ_WORDS; word++) {
        uint32_t ready = __atomic_load_n(&virq->pending[word], __ATOMIC_ACQUIRE) & virq->enable[word];

        for (; ready != 0; ready &= ready - 1) {
            uint32_t number = word * 32 + bit_lowest(ready);
            uint32_t priority = virq->target[number] & TARGET_PRIORITY_MASK;

            if (hart_of(virq->target[number]) == context && priority < threshold) {
                threshold = priority;
                found = number << TOPI_SOURCE_SHIFT | priority;
            }
        }
    }
    return found;
}

void vaplic_deliver(struct cpu *cpu, struct vm *vm)
{
    struct virq *virq = &vm->virq;

    for (uint32_t context = 0; context < vm->config->vcpu_count; context++) {
        bool asserted = (virq->domaincfg & DOMAINCFG_IE) && virq->delivery[context] &&
                        (virq->force[context] || top(virq, context) != 0);

        if (asserted == virq->asserted[context])
            continue;
        if (cpu->vm == vm && cpu->vcpu == context) {
            virq->asserted[context] = asserted;
            arch_vcpu_set_irq(cpu, asserted);
        } else {
            cpu_notify(vm_cpu(vm, context), EVENT_VIRQ);
        }
    }
}

void virq_raise(struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;
    uint32_t before = __atomic_fetch_or(&virq->pending[number / 32], vaplic_bit(number), __ATOMIC_ACQ_REL);
    uint32_t target = __atomic_load_n(&virq->target[number], __ATOMIC_ACQUIRE);

    /* Already pending: whoever made it so has told the vCPU, and it has not come to take it. So a storm is one event. */
    if ((before & vaplic_bit(number)) == 0)
        cpu_notify(vm_cpu(vm, hart_of(target)), EVENT_VIRQ);
}

void virq_physical(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    if (virq->mode[number] >= MODE_HIGH) {
        virq->shut[number / 32] |= vaplic_bit(number);
        aplic_set_enabled(vaplic_physical(cpu->vm, number), false);
    }
    __atomic_fetch_or(&virq->pending[number / 32], vaplic_bit(number), __ATOMIC_ACQ_REL);
    vaplic_deliver(cpu, cpu->vm);
    spin_unlock(&virq->lock);
}

static uint32_t claim(struct cpu *cpu, uint32_t context)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t found = top(virq, context);
    uint32_t number = found >> TOPI_SOURCE_SHIFT;

    if (number == 0)
        virq->force[context] = false;
    else if (virq->mode[number] < MODE_HIGH)
        __atomic_fetch_and(&virq->pending[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
    return found;
}

void vaplic_access_delivery(struct cpu *cpu, uint32_t offset, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t context = (offset - APLIC_IDC) / APLIC_IDC_STRIDE;
    uint32_t value = (uint32_t)access->value;

    access->value = 0;
    if (offset < APLIC_IDC || context >= cpu->vm->config->vcpu_count)
        return;
    switch (offset % APLIC_IDC_STRIDE) {
    case IDC_DELIVERY:
        if (access->write)
            virq->delivery[context] = value & 1;
        access->value = virq->delivery[context];
        break;
    case IDC_FORCE:
        if (access->write)
            virq->force[context] = value & 1;
        access->value = virq->force[context];
        break;
    case IDC_THRESHOLD:
        if (access->write)
            virq->threshold[context] = value & TARGET_PRIORITY_MASK;
        access->value = virq->threshold[context];
        break;
    case IDC_TOPI:
        reopen(cpu);
        access->value = top(virq, context);
        break;
    case IDC_CLAIMI:
        reopen(cpu);
        if (!access->write)
            access->value = claim(cpu, context);
        break;
    default:
        break;
    }
}

void virq_reset_vcpu(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    virq->delivery[cpu->vcpu] = false;
    virq->force[cpu->vcpu] = false;
    virq->threshold[cpu->vcpu] = 0;
    vaplic_deliver(cpu, cpu->vm);
    spin_unlock(&virq->lock);
}

bool virq_pends(struct cpu *cpu, uint32_t number)
{
    const struct virq *virq = &cpu->vm->virq;

    return vaplic_test(virq->pending, number) && vaplic_test(virq->enable, number) &&
           hart_of(__atomic_load_n(&virq->target[number], __ATOMIC_RELAXED)) == cpu->vcpu;
}
