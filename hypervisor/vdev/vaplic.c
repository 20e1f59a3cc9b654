// SPDX-License-Identifier: Apache-2.0
/*
 * A virtual APLIC domain: configuration of its sources, pending and enable bits. A guest reaches its own sources alone:
 * those of others are not there, and behind one that is physical stands the source that the plan gave it.
 * Source: RISC-V Advanced Interrupt Architecture 1.0, sections 4.5 (registers) to 4.9 (delivery).
 */
#include "vaplic.h"

#include "aplic.h"
#include "arch.h"
#include "bits.h"
#include "vdev.h"
#include "vm.h"

uint32_t vaplic_physical(const struct vm *vm, uint32_t number)
{
    return vm->config->irq_physical[number];
}

static bool is_source(const struct vm *vm, uint32_t number)
{
    return number != 0 && number < vm->config->irq_count;
}

static void write_mode(struct cpu *cpu, uint32_t number, uint32_t value)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t mode = value & 7;

    if (mode == 2 || mode == 3 || (value & 0x400) != 0)
        mode = MODE_INACTIVE;
    virq->mode[number] = (uint8_t)mode;
    if (mode == MODE_INACTIVE) {
        __atomic_fetch_and(&virq->enable[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
        __atomic_fetch_and(&virq->pending[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
        virq->target[number] = 0;
    } else if (mode >= MODE_HIGH && !(vaplic_domaincfg & DOMAINCFG_MSI)) {
        /* An edge of before is forgotten; a line that is high makes itself known again. */
        __atomic_fetch_and(&virq->pending[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
        virq->shut[number / 32] &= ~vaplic_bit(number);
    }
    vaplic_configure(cpu, number);
    if (mode == MODE_HIGH && vaplic_test(virq->level, number))
        vaplic_set_pending(cpu, cpu->vm, number);
}

static void write_enable(struct cpu *cpu, uint32_t number, bool enabled)
{
    struct virq *virq = &cpu->vm->virq;

    if (!is_source(cpu->vm, number) || virq->mode[number] == MODE_INACTIVE ||
        vaplic_test(virq->enable, number) == enabled)
        return;
    if (enabled)
        __atomic_fetch_or(&virq->enable[number / 32], vaplic_bit(number), __ATOMIC_ACQ_REL);
    else
        __atomic_fetch_and(&virq->enable[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
    vaplic_configure(cpu, number);
}

static void write_pending(struct cpu *cpu, uint32_t number, bool pending)
{
    struct virq *virq = &cpu->vm->virq;

    if (!is_source(cpu->vm, number) || virq->mode[number] == MODE_INACTIVE)
        return;
    if (pending) {
        vaplic_set_pending(cpu, cpu->vm, number);
        return;
    }
    /* Of a level source delivered directly pending is the level, here and at the physical APLIC. */
    if (virq->mode[number] < MODE_HIGH || (vaplic_domaincfg & DOMAINCFG_MSI))
        __atomic_fetch_and(&virq->pending[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
    if (vaplic_physical(cpu->vm, number) != 0)
        aplic_write(APLIC_CLRIPNUM, vaplic_physical(cpu->vm, number));
}

/* A word of pending bits (APLIC_SETIP) or lines (APLIC_CLRIP), those of the physical sources included. */
static uint32_t read_word(const struct vm *vm, enum aplic_register words, const uint32_t *own, uint32_t word)
{
    uint32_t value = __atomic_load_n(&own[word], __ATOMIC_ACQUIRE);

    for (uint32_t number = word * 32; number < word * 32 + 32 && number < vm->config->irq_count; number++) {
        if (vaplic_physical(vm, number) != 0 && aplic_bit(words, vaplic_physical(vm, number)))
            value |= vaplic_bit(number);
    }
    return value;
}

static uint32_t read_bits(const struct vm *vm, enum aplic_register words, uint32_t word)
{
    const struct virq *virq = &vm->virq;

    if (word >= PLAN_IRQ_WORDS)
        return 0;
    switch (words) {
    case APLIC_SETIP:
        return read_word(vm, words, virq->pending, word);
    case APLIC_CLRIP:
        return read_word(vm, words, virq->level, word);
    case APLIC_SETIE:
        return virq->enable[word];
    default:
        return 0;
    }
}

/* The 32 words of one kind and the register that takes a number, which stands 0xdc behind them. */
static void access_bits(struct cpu *cpu, uint32_t offset, struct vdev_access *access,
                        void (*write)(struct cpu *, uint32_t, bool), bool set, enum aplic_register words)
{
    uint32_t word;
    uint32_t value = (uint32_t)access->value;

    offset -= (uint32_t)words;
    word = offset / 4;
    if (!access->write) {
        access->value = read_bits(cpu->vm, words, word);
    } else if (offset == APLIC_SETIPNUM - APLIC_SETIP) {
        write(cpu, value, set);
    } else if (word < PLAN_IRQ_WORDS) {
        for (; value != 0; value &= value - 1)
            write(cpu, word * 32 + bit_lowest(value), set);
    }
}

static void access_register(struct cpu *cpu, uint32_t offset, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t value = (uint32_t)access->value;

    if (offset == APLIC_DOMAINCFG) {
        if (access->write) {
            __atomic_store_n(&virq->domaincfg, value & DOMAINCFG_IE, __ATOMIC_RELEASE);
            for (uint32_t number = 1; number < cpu->vm->config->irq_count; number++)
                vaplic_configure(cpu, number);
        }
        access->value = virq->domaincfg | vaplic_domaincfg;
    } else if (offset < APLIC_SETIP) {
        uint32_t number = (offset - APLIC_SOURCECFG) / 4 + 1;

        if (access->write && is_source(cpu->vm, number))
            write_mode(cpu, number, value);
        access->value = is_source(cpu->vm, number) ? virq->mode[number] : 0;
    } else if (offset < APLIC_CLRIP) {
        access_bits(cpu, offset, access, write_pending, true, APLIC_SETIP);
    } else if (offset < APLIC_SETIE) {
        access_bits(cpu, offset, access, write_pending, false, APLIC_CLRIP);
    } else if (offset < APLIC_CLRIE) {
        access_bits(cpu, offset, access, write_enable, true, APLIC_SETIE);
    } else if (offset < APLIC_SETIPNUM_LE) {
        access_bits(cpu, offset, access, write_enable, false, APLIC_CLRIE);
    } else if (offset == APLIC_SETIPNUM_LE) {
        if (access->write)
            write_pending(cpu, value, true);
        access->value = 0;
    } else if (offset >= APLIC_TARGET && offset < APLIC_IDC) {
        uint32_t number = (offset - APLIC_TARGET) / 4 + 1;

        if (access->write && is_source(cpu->vm, number) && virq->mode[number] != MODE_INACTIVE) {
            __atomic_store_n(&virq->target[number], vaplic_legal_target(cpu->vm, value), __ATOMIC_RELEASE);
            vaplic_configure(cpu, number);
        }
        access->value = is_source(cpu->vm, number) ? virq->target[number] : 0;
    } else if (offset == APLIC_GENMSI || offset >= APLIC_IDC) {
        vaplic_access_delivery(cpu, offset, access);
    } else {
        access->value = 0;
    }
}

bool virq_access(struct cpu *cpu, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;

    if (access->width != 4 || access->offset % 4 != 0)
        return false;
    spin_lock(&virq->lock);
    access_register(cpu, (uint32_t)access->offset, access);
    vaplic_deliver(cpu, cpu->vm);
    spin_unlock(&virq->lock);
    return true;
}

uint32_t virq_look(const struct vm *vm, uint32_t number)
{
    const struct virq *virq = &vm->virq;

    return (vaplic_test(virq->enable, number) ? (uint32_t)VIRQ_ENABLED : 0) |
           (vaplic_test(virq->pending, number) ? (uint32_t)VIRQ_PENDING : 0) |
           (vaplic_test(virq->shut, number) ? (uint32_t)VIRQ_TAKEN : 0);
}

void virq_set_level(struct cpu *cpu, struct vm *vm, uint32_t number, bool level)
{
    struct virq *virq = &vm->virq;

    if (vaplic_test(virq->level, number) == level)
        return;
    spin_lock(&virq->lock);
    if (level) {
        __atomic_fetch_or(&virq->level[number / 32], vaplic_bit(number), __ATOMIC_ACQ_REL);
        if (virq->mode[number] == MODE_HIGH)
            vaplic_set_pending(cpu, vm, number);
    } else {
        __atomic_fetch_and(&virq->level[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
        if (virq->mode[number] == MODE_HIGH)
            __atomic_fetch_and(&virq->pending[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL);
    }
    vaplic_deliver(cpu, vm);
    spin_unlock(&virq->lock);
}

void virq_update(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    vaplic_deliver(cpu, cpu->vm);
    spin_unlock(&virq->lock);
}

void virq_reset(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    spin_lock(&virq->lock);
    virq->domaincfg = 0;
    virq->genmsi = 0;
    for (uint32_t number = 1; number < cpu->vm->config->irq_count; number++)
        write_mode(cpu, number, MODE_INACTIVE);
    for (uint32_t word = 0; word < PLAN_IRQ_WORDS; word++) {
        virq->pending[word] = 0;
        virq->level[word] = 0;
    }
    /* A vCPU may have written to the IDC structure of one that was off already. */
    for (uint32_t context = 0; context < cpu->vm->config->vcpu_count; context++) {
        virq->delivery[context] = false;
        virq->force[context] = false;
        virq->threshold[context] = 0;
    }
    vaplic_deliver(cpu, cpu->vm);
    spin_unlock(&virq->lock);
}
