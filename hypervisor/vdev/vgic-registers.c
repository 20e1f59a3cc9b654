// SPDX-License-Identifier: Apache-2.0
/*
 * The registers of a virtual GIC that are the same in version 2 and 3. Source: Arm GIC Architecture Specifications IHI 0048B
 * (v2), section 4.3, and IHI 0069H (v3), section 12.9.
 */
#include "bits.h"
#include "cpu.h"
#include "vdev.h"
#include "vgic-direct.h"
#include "vgic.h"
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
            vgic_enable(cpu, vcpu, base, value, (offset & ~0x7fu) == REG_ISENABLER);
        return word->enable;
    case REG_ISPENDR:
    case REG_ICPENDR:
        if (write)
            vgic_change_pending(cpu, vcpu, base, value, (offset & ~0x7fu) == REG_ISPENDR);
        return vgic_pending(cpu, word);
    default: /* active; a write changes nothing */
        return vgic_active(cpu, word);
    }
}

/* Five bits of each are implemented; n is a multiple of the width. */
static uint32_t access_priorities(struct vgic_word *word, uint32_t n, uint32_t width, bool write, uint32_t value)
{
    uint8_t *at = &word->priority[n];
    uint32_t read = 0;

    if (width == 4) {
        if (write) {
            at[0] = (uint8_t)(value & 0xf8);
            at[1] = (uint8_t)(value >> 8 & 0xf8);
            at[2] = (uint8_t)(value >> 16 & 0xf8);
            at[3] = (uint8_t)(value >> 24 & 0xf8);
        }
        return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    }
    for (uint32_t i = 0; i < width; i++) {
        if (write)
            at[i] = (uint8_t)(value >> i * 8 & 0xf8);
        read |= (uint32_t)at[i] << i * 8;
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
        if ((word->edge & edge) != 0)
            read |= 2u << i * 2;
    }
    return read;
}

void vgic_access(struct cpu *cpu, uint32_t vcpu, uint32_t offset, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t value = (uint32_t)access->value;
    uint32_t id;

    if (vm_is_direct(cpu->vm)) {
        direct_access(cpu, vcpu, offset, access);
        return;
    }
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
        /* SGIs are edges for ever. */
        if (access->width == 4 && id < PLAN_IRQ_WORDS * 32)
            access->value = access_config(vgic_word(virq, vcpu, id), id % 32, access->write && id >= GIC_PPI, value);
    }
}
