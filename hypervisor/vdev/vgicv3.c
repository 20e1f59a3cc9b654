// SPDX-License-Identifier: Apache-2.0
/*
 * Registers of a virtual GICv3: a distributor, and behind it in the same window the redistributors of the vCPUs. One security
 * state, affinity routing always on, no LPIs. Source: IHI 0069H, chapter 12.
 */
#include "arch/sysreg.h"
#include "cpu.h"
#include "vdev.h"
#include "vgic.h"
#include "vm.h"

#define GICD_SIZE        0x10000u
#define GICR_STRIDE      0x20000u
#define GICR_SGI         0x10000u
#define GICD_CTLR        0x0000u
#define GICD_TYPER       0x0004u
#define GICD_IIDR        0x0008u
#define GICD_IROUTER     0x6000u
#define GICD_IROUTER_END 0x8000u
#define GICR_TYPER       0x0008u
#define GICR_WAKER       0x0014u
#define PIDR2            0xffe8u
#define PIDR2_GICV3      0x3bu
#define IIDR_ARM         0x43bu
#define CTLR_ENABLE      3u
#define CTLR_FIXED       0x50u /* affinity routing, one security state */
#define TYPER_IDBITS     (9u << 19)
#define TYPER_NO_1N      (1u << 25)
#define TYPER_LAST       (1u << 4)
#define WAKER_SLEEP      2u
#define WAKER_ASLEEP     4u

const bool vgic_sgi_has_sender = false;

/* A vCPU's affinity: 16 to a cluster, so that an SGI reaches each. */
static uint64_t affinity(uint32_t vcpu)
{
    return (uint64_t)(vcpu / 16) << 8 | vcpu % 16;
}

static uint32_t vcpu_of(const struct vm *vm, uint64_t value)
{
    uint64_t vcpu = (value >> 8 & 0xff) * 16 + (value & 0xff);

    return (value & 0xff) < 16 && (value >> 16 & 0xffff) == 0 && vcpu < vm->config->vcpu_count ? (uint32_t)vcpu : 0;
}

/* A register of the first 32 interrupts, which a redistributor has instead of the distributor. */
static bool is_private(uint32_t offset)
{
    uint32_t id = offset < 0x400 ? (offset & 0x7f) / 4 * 32 : offset < 0x800 ? offset - 0x400 : (offset - 0xc00) * 4;

    return id < GIC_SPI;
}

static void access_distributor(struct cpu *cpu, uint32_t offset, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t spi = (offset - GICD_IROUTER) / 8;

    if (offset == GICD_CTLR) {
        if (access->write)
            vgic_set_enabled(cpu, (uint32_t)access->value & CTLR_ENABLE);
        access->value = virq->enabled | CTLR_FIXED;
    } else if (offset == GICD_TYPER) {
        access->value = TYPER_NO_1N | TYPER_IDBITS | (PLAN_IRQ_WORDS - 1);
    } else if (offset == GICD_IIDR) {
        access->value = IIDR_ARM;
    } else if (offset == PIDR2) {
        access->value = PIDR2_GICV3;
    } else if (offset >= GICD_IROUTER + GIC_SPI * 8 && offset < GICD_IROUTER_END && spi < PLAN_IRQ_WORDS * 32) {
        /* The upper half is affinity 3, which no vCPU has. */
        if (access->write && offset % 8 == 0)
            vgic_route(cpu, spi, vcpu_of(cpu->vm, access->value));
        access->value = offset % 8 == 0 ? affinity(virq->route[spi - GIC_SPI]) : 0;
    } else if (offset >= 0x80 && offset < 0x100 + 0xd00) {
        if (!is_private(offset))
            vgic_access(cpu, cpu->vcpu, offset, access);
        else
            access->value = 0;
    } else {
        access->value = 0;
    }
}

static void access_redistributor(struct cpu *cpu, uint32_t vcpu, uint32_t offset, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint64_t typer = affinity(vcpu) << 32 | (uint64_t)vcpu << 8;

    if (vcpu == cpu->vm->config->vcpu_count - 1)
        typer |= TYPER_LAST;
    if (offset >= GICR_SGI) {
        if (is_private(offset - GICR_SGI))
            vgic_access(cpu, vcpu, offset - GICR_SGI, access);
        else
            access->value = 0;
    } else if (offset == GICR_TYPER) {
        access->value = typer;
    } else if (offset == GICR_TYPER + 4) {
        access->value = typer >> 32;
    } else if (offset == GICR_WAKER) {
        if (access->write)
            virq->asleep[vcpu] = (access->value & WAKER_SLEEP) != 0;
        access->value = virq->asleep[vcpu] ? WAKER_SLEEP | WAKER_ASLEEP : 0;
    } else if (offset == GICD_IIDR - 4) {
        access->value = IIDR_ARM;
    } else if (offset == PIDR2) {
        access->value = PIDR2_GICV3;
    } else {
        access->value = 0;
    }
}

bool virq_access(struct cpu *cpu, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t offset = (uint32_t)access->offset;

    if ((offset & (access->width - 1)) != 0)
        return false;
    spin_lock(&virq->lock);
    if (offset < GICD_SIZE)
        access_distributor(cpu, offset, access);
    else if ((offset - GICD_SIZE) / GICR_STRIDE < cpu->vm->config->vcpu_count)
        access_redistributor(cpu, (offset - GICD_SIZE) / GICR_STRIDE, (offset - GICD_SIZE) % GICR_STRIDE, access);
    else
        access->value = 0;
    spin_unlock(&virq->lock);
    if (access->width < 8)
        access->value &= ((uint64_t)1 << access->width * 8) - 1;
    return true;
}

void vgic_reset_interface(struct vm *vm)
{
    for (uint32_t vcpu = 0; vcpu < PLAN_VCPUS_MAX; vcpu++)
        vm->virq.asleep[vcpu] = false;
}

/* ICC_SGI1R_EL1: a target list of 16 within a cluster (affinity 1; 2, 3 and the range are 0), or all but the sender. */
bool virq_write_sgi(struct cpu *cpu, uint64_t value)
{
    uint32_t count = cpu->vm->config->vcpu_count;
    uint64_t all = count == 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
    uint64_t cluster = value >> 16 & 0xff;
    uint64_t vcpus = 0;

    if (value >> 40 & 1)
        vcpus = all & ~((uint64_t)1 << cpu->vcpu);
    else if ((value >> 32 & 0xff) == 0 && (value >> 44 & 0xfff) == 0 && cluster < 4)
        vcpus = (value & 0xffff) << cluster * 16 & all;
    vgic_send(cpu, (uint32_t)(value >> 24 & 0xf), vcpus);
    return true;
}
