// SPDX-License-Identifier: Apache-2.0
/* GICv2. Source: Arm GIC Architecture Specification, IHI 0048B, chapters 4 (programmers' model) and 5 (virtualisation). */
#include "gic.h"

#include "config.h"
#include "cpu.h"
#include "drivers.h"
#include "mmio.h"

#define GICD_CTLR       0x000u
#define GICD_ISENABLER  0x100u
#define GICD_ICENABLER  0x180u
#define GICD_ICACTIVER  0x380u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR  0x800u
#define GICD_ICFGR      0xc00u
#define GICD_SGIR       0xf00u

#define GICC_CTLR 0x00u
#define GICC_PMR  0x04u
#define GICC_IAR  0x0cu
#define GICC_EOIR 0x10u
#define GICC_IIDR 0xfcu
#define GICC_DIR  0x1000u

#define GICH_HCR   0x00u
#define GICH_VTR   0x04u
#define GICH_VMCR  0x08u
#define GICH_ELRSR 0x30u
#define GICH_APR   0xf0u
#define GICH_LR    0x100u

#define CTLR_EOIMODE 0x201u /* enable, and end and deactivation apart */
#define PRIORITY     0xa0u
#define HCR_EN       1u
#define HCR_UIE      2u
#define LR_HW        (1u << 31)
#define LR_STATE     28
#define LR_PRIORITY  23 /* its upper five bits */
#define LR_PHYSICAL  10
#define LR_END       (1u << 19)

/*
 * QEMU (10.0, arm_gic.c) does not look at a level again when a guest's end of interrupt deactivates it: one that is still high
 * is lost until anything else happens at its GIC. So the end is told there and the deactivation is ours, after which it looks.
 * QEMU's is known by a product number of 0 from Arm, which no GIC of theirs has (IHI 0048B, section 4.4, GICC_IIDR).
 */
#define IIDR_QEMU 0x0002043bu

static bool forgets_levels;

static uint64_t gicd(uint32_t reg)
{
    return config.irqchip_base + reg;
}

static uint64_t gicc(uint32_t reg)
{
    return config.gicc_base + reg;
}

static uint64_t gich(uint32_t reg)
{
    return config.gich_base + reg;
}

void irqchip_init(void)
{
    forgets_levels = mmio_read32(gicc(GICC_IIDR)) == IIDR_QEMU;
    mmio_write32(gicd(GICD_CTLR), 0);
    for (uint32_t id = GIC_SPI; id < PLAN_IRQS; id++) {
        bool is_edge = (config.irq_edges[id / 32] >> (id % 32) & 1) != 0;
        uint64_t shape = gicd(GICD_ICFGR) + id / 16 * 4;
        uint32_t edge = 2u << (id % 16 * 2);

        if (config.irq_owner[id].vm == IRQ_NOBODY)
            continue;
        mmio_write32(gicd(GICD_ICENABLER) + id / 32 * 4, 1u << (id % 32));
        mmio_write8(gicd(GICD_IPRIORITYR) + id, PRIORITY);
        mmio_write32(shape, is_edge ? mmio_read32(shape) | edge : mmio_read32(shape) & ~edge);
    }
    mmio_write32(gicd(GICD_CTLR), 1);
}

void irqchip_quiet(void)
{
    mmio_write32(gicd(GICD_CTLR), 0);
}

void irqchip_init_cpu(struct cpu *cpu)
{
    (void)cpu;
    mmio_write32(gicd(GICD_ICENABLER), UINT32_MAX);
    mmio_write32(gicd(GICD_ICACTIVER), UINT32_MAX);
    for (uint32_t id = 0; id < GIC_SPI; id += 4)
        mmio_write32(gicd(GICD_IPRIORITYR) + id, PRIORITY * 0x01010101u);
    mmio_write32(gicd(GICD_ISENABLER), gic_own_interrupts());
    mmio_write32(gicc(GICC_PMR), 0xff);
    mmio_write32(gicc(GICC_CTLR), CTLR_EOIMODE);
    mmio_write32(gich(GICH_HCR), HCR_EN);
}

/* Private interrupts have a register for each CPU at one address: a CPU reaches its own alone. */
void irqchip_enable(struct cpu *cpu, uint32_t id, bool enabled)
{
    if (enabled && id >= GIC_SPI)
        mmio_write8(gicd(GICD_ITARGETSR) + id, (uint8_t)(1u << cpu->config->hart_index));
    mmio_write32(gicd(enabled ? GICD_ISENABLER : GICD_ICENABLER) + id / 32 * 4, 1u << (id % 32));
}

uint32_t gic_acknowledge(void)
{
    return mmio_read32(gicc(GICC_IAR));
}

void gic_end(uint32_t acknowledged)
{
    mmio_write32(gicc(GICC_EOIR), acknowledged);
}

void gic_deactivate(uint32_t id)
{
    mmio_write32(gicc(GICC_DIR), id);
}

void gic_kick(const struct cpu *cpu)
{
    __asm__ volatile("dsb ishst" ::: "memory");
    mmio_write32(gicd(GICD_SGIR), 1u << (16 + cpu->config->hart_index) | GIC_KICK);
}

uint32_t gic_lr_count(void)
{
    return (mmio_read32(gich(GICH_VTR)) & 0x3f) + 1;
}

uint32_t gic_lr_empty(void)
{
    return mmio_read32(gich(GICH_ELRSR));
}

enum gic_lr_state gic_lr_state(uint32_t index)
{
    return (enum gic_lr_state)(mmio_read32(gich(GICH_LR + index * 4)) >> LR_STATE & 3);
}

void gic_lr_clear(uint32_t index)
{
    mmio_write32(gich(GICH_LR + index * 4), 0);
}

void gic_lr_pend(uint32_t index, bool pending)
{
    uint32_t lr = mmio_read32(gich(GICH_LR + index * 4)) & ~((uint32_t)LR_PENDING << LR_STATE);

    mmio_write32(gich(GICH_LR + index * 4), lr | (uint32_t)pending << LR_STATE);
}

void gic_lr_tell(uint32_t index)
{
    mmio_write32(gich(GICH_LR + index * 4), mmio_read32(gich(GICH_LR + index * 4)) | LR_END);
}

void gic_lr_set(uint32_t index, uint32_t id, uint32_t priority, uint32_t physical, bool end, uint32_t source)
{
    uint32_t lr = (uint32_t)LR_PENDING << LR_STATE | priority >> 3 << LR_PRIORITY | id;

    bool apart = physical != 0 && gic_lr_ends_apart(physical);

    if (physical != 0 && !apart)
        lr |= LR_HW | physical << LR_PHYSICAL;
    else if (id < GIC_PPI)
        lr |= source << LR_PHYSICAL;
    if (apart || (physical == 0 && end))
        lr |= LR_END;
    mmio_write32(gich(GICH_LR + index * 4), lr);
}

bool gic_lr_ends_apart(uint32_t physical)
{
    return forgets_levels && (config.irq_edges[physical / 32] >> (physical % 32) & 1) == 0;
}

void gic_lr_refill(bool wanted)
{
    mmio_write32(gich(GICH_HCR), wanted ? HCR_EN | HCR_UIE : HCR_EN);
}

void gic_hold(bool held)
{
    uint32_t hcr = mmio_read32(gich(GICH_HCR));

    mmio_write32(gich(GICH_HCR), held ? hcr & ~HCR_EN : hcr | HCR_EN);
}

void gic_reset_virtual(void)
{
    for (uint32_t index = 0; index < gic_lr_count(); index++)
        gic_lr_clear(index);
    mmio_write32(gich(GICH_APR), 0);
    mmio_write32(gich(GICH_VMCR), 0);
    mmio_write32(gich(GICH_HCR), HCR_EN);
}
