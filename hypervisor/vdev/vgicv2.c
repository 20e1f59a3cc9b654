// SPDX-License-Identifier: Apache-2.0
/*
 * Registers of a virtual GICv2's distributor. The CPU interface is the hardware's own virtual one, mapped into the VM.
 * Source: IHI 0048B, section 4.3.
 */
#include "bits.h"
#include "cpu.h"
#include "vdev.h"
#include "vgic.h"
#include "vm.h"

#define GICD_CTLR      0x000u
#define GICD_TYPER     0x004u
#define GICD_IIDR      0x008u
#define GICD_ITARGETSR 0x800u
#define GICD_ICFGR     0xc00u
#define GICD_SGIR      0xf00u
#define PIDR2          0xfe8u
#define PIDR2_GICV2    0x2bu
#define IIDR_ARM       0x43bu

const bool vgic_sgi_has_sender = true;

static uint32_t all_vcpus(const struct vm *vm)
{
    return (1u << vm->config->vcpu_count) - 1; /* a GICv2 has eight at most */
}

static void access_targets(struct cpu *cpu, uint32_t id, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint64_t value = 0;

    for (uint32_t i = 0; i < access->width && id + i < PLAN_IRQ_WORDS * 32; i++) {
        uint32_t targets = (uint32_t)(access->value >> i * 8) & all_vcpus(cpu->vm);
        uint32_t target = cpu->vcpu;

        if (id + i >= GIC_SPI) {
            if (access->write)
                vgic_route(cpu, id + i, targets != 0 ? bit_lowest(targets) : 0);
            target = virq->route[id + i - GIC_SPI];
        }
        value |= (uint64_t)1 << (target + i * 8);
    }
    access->value = value;
}

/* Software generated interrupts: to those listed, to all others, or to oneself. */
static uint64_t sgi_targets(const struct cpu *cpu, uint32_t value)
{
    switch (value >> 24 & 3) {
    case 0:
        return value >> 16 & all_vcpus(cpu->vm);
    case 1:
        return all_vcpus(cpu->vm) & ~(1u << cpu->vcpu);
    case 2:
        return 1u << cpu->vcpu;
    default:
        return 0;
    }
}

bool virq_access(struct cpu *cpu, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t offset = (uint32_t)access->offset;
    uint64_t value = access->value;

    if (offset % access->width != 0)
        return false;
    if (offset == GICD_SGIR) {
        if (access->write)
            vgic_send(cpu, (uint32_t)value & 0xf, sgi_targets(cpu, (uint32_t)value));
        access->value = 0;
        return true;
    }
    spin_lock(&virq->lock);
    if (offset == GICD_CTLR) {
        if (access->write)
            vgic_set_enabled(cpu, (uint32_t)value & 3);
        access->value = virq->enabled;
    } else if (offset == GICD_TYPER) {
        access->value = (cpu->vm->config->vcpu_count - 1) << 5 | (PLAN_IRQ_WORDS - 1);
    } else if (offset == GICD_IIDR) {
        access->value = IIDR_ARM;
    } else if (offset == PIDR2) {
        access->value = PIDR2_GICV2;
    } else if (offset >= GICD_ITARGETSR && offset < GICD_ICFGR) {
        access_targets(cpu, offset - GICD_ITARGETSR, access);
    } else {
        vgic_access(cpu, cpu->vcpu, offset, access);
    }
    spin_unlock(&virq->lock);
    return true;
}

void vgic_reset_interface(struct vm *vm)
{
    (void)vm;
}

/* A GICv2 has no system registers. */
bool virq_write_sgi(struct cpu *cpu, uint64_t value)
{
    (void)cpu;
    (void)value;
    return false;
}
