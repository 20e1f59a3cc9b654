// SPDX-License-Identifier: Apache-2.0
/* GICv3. Source: Arm GIC Architecture Specification, IHI 0069H, chapter 12 (programmers' model). */
#include "gic.h"

#include "arch/sysreg.h"
#include "config.h"
#include "console.h"
#include "cpu.h"
#include "drivers.h"
#include "gicv3.h"
#include "mmio.h"
#include "vgic-direct.h"
#include "vm.h"

#define CTLR_ENABLE  0x13u /* both groups, affinity routing, whatever the security state calls them */
#define WAKER_SLEEP  2u
#define WAKER_ASLEEP 4u
#define PRIORITY     0xa0u

#define LR_GROUP1   (1ul << 60)
#define LR_HW       (1ul << 61)
#define LR_END      (1ul << 41)
#define LR_PHYSICAL 32
#define LR_PRIORITY 48
#define LR_STATE    62

static uint64_t gicd(uint32_t reg)
{
    return config.irqchip_base + reg;
}

/* Of a private interrupt the CPU's redistributor, of a shared one the distributor; they have their bits alike. */
static uint64_t bit_register(const struct cpu *cpu, uint32_t reg, uint32_t id)
{
    return id < GIC_SPI ? cpu->config->gicr + GICR_SGI + reg : gicd(reg) + id / 32 * 4;
}

static void wait_for_writes(void)
{
    while ((mmio_read32(gicd(GICD_CTLR)) & GICD_CTLR_RWP) != 0)
        ;
}

void irqchip_init(void)
{
    mmio_write32(gicd(GICD_CTLR), 0);
    wait_for_writes();
    for (uint32_t id = GIC_SPI; id < PLAN_IRQS; id++) {
        bool is_edge = (config.irq_edges[id / 32] >> (id % 32) & 1) != 0;
        uint64_t shape = gicd(GICD_ICFGR) + id / 16 * 4;
        uint32_t edge = 2u << (id % 16 * 2);

        if (config.irq_owner[id].vm == IRQ_NOBODY)
            continue;
        mmio_write32(gicd(GICD_ICENABLER) + id / 32 * 4, 1u << (id % 32));
        mmio_write32(gicd(GICD_IGROUPR) + id / 32 * 4, mmio_read32(gicd(GICD_IGROUPR) + id / 32 * 4) | 1u << (id % 32));
        mmio_write8(gicd(GICD_IPRIORITYR) + id, PRIORITY);
        if (PLAN_DIRECT && config.irq_owner[id].vm == IRQ_HYPERVISOR && vm_is_direct(cpus[config.console.cpu].vm)) {
            mmio_write32(gicd(GICD_IGROUPR) + id / 32 * 4,
                         mmio_read32(gicd(GICD_IGROUPR) + id / 32 * 4) & ~(1u << id % 32));
            mmio_write8(gicd(GICD_IPRIORITYR) + id, 0);
        }
        mmio_write32(shape, is_edge ? mmio_read32(shape) | edge : mmio_read32(shape) & ~edge);
    }
    mmio_write32(gicd(GICD_CTLR), CTLR_ENABLE);
    wait_for_writes();
    /* The boot CPU may call others before its turn at irqchip_init_cpu(). */
    sysreg_write(ICC_SRE_EL2, 0xf);
    isb();
    if (PLAN_DIRECT)
        direct_init((mmio_read32(gicd(GICD_CTLR)) & GICD_CTLR_DS) != 0);
}

void irqchip_quiet(void)
{
    mmio_write32(gicd(GICD_CTLR), 0);
}

void irqchip_init_cpu(struct cpu *cpu)
{
    uint64_t own = cpu->config->gicr;
    uint32_t affinity = mmio_read32(own + GICR_TYPER_HIGH);

    if (affinity != (uint32_t)((cpu->config->id >> 8 & 0xff000000u) | (cpu->config->id & 0xffffffu)))
        console_message("%s: the redistributor at 0x%llx is that of CPU 0x%x", cpu->config->name,
                        (unsigned long long)own, affinity);
    mmio_write32(own + GICR_WAKER, mmio_read32(own + GICR_WAKER) & ~WAKER_SLEEP);
    while ((mmio_read32(own + GICR_WAKER) & WAKER_ASLEEP) != 0)
        ;
    mmio_write32(own + GICR_SGI + GICD_ICENABLER, UINT32_MAX);
    mmio_write32(own + GICR_SGI + GICD_ICACTIVER, UINT32_MAX);
    mmio_write32(own + GICR_SGI + GICD_IGROUPR, UINT32_MAX);
    for (uint32_t id = 0; id < GIC_SPI; id += 4)
        mmio_write32(own + GICR_SGI + GICD_IPRIORITYR + id, PRIORITY * 0x01010101u);
    if (vm_is_direct(cpu->vm)) {
        sysreg_write(ICC_SRE_EL2, 0xf);
        isb();
        direct_init_cpu(cpu);
        return;
    }
    mmio_write32(own + GICR_SGI + GICD_ISENABLER, gic_own_interrupts());

    sysreg_write(ICC_SRE_EL2, 0xf);
    isb();
    sysreg_write(ICC_PMR_EL1, 0xff);
    sysreg_write(ICC_BPR1_EL1, 0);
    sysreg_write(ICC_CTLR_EL1, ICC_CTLR_EOIMODE);
    sysreg_write(ICC_IGRPEN1_EL1, 1);
    sysreg_write(ICH_HCR_EL2, ICH_HCR_EN);
    isb();
}

void irqchip_enable(struct cpu *cpu, uint32_t id, bool enabled)
{
    if (enabled && id >= GIC_SPI)
        mmio_write64(gicd(GICD_IROUTER) + id * 8, cpu->config->id);
    mmio_write32(bit_register(cpu, enabled ? GICD_ISENABLER : GICD_ICENABLER, id), 1u << (id % 32));
}

uint32_t gic_acknowledge(void)
{
    return (uint32_t)sysreg_read(ICC_IAR1_EL1);
}

void gic_end(uint32_t acknowledged)
{
    sysreg_write(ICC_EOIR1_EL1, acknowledged);
}

void gic_deactivate(uint32_t id)
{
    sysreg_write(ICC_DIR_EL1, id);
}

void gic_send(const struct cpu *cpu, uint32_t sgi)
{
    uint64_t id = cpu->config->id;

    __asm__ volatile("dsb ishst" ::: "memory");
    sysreg_write(ICC_SGI1R_EL1, (id & 0xff00000000ul) << 16 | (id & 0xff0000) << 16 | (id & 0xff00) << 8 |
                                    (uint64_t)sgi << 24 | (id >> 4 & 0xf) << 44 | 1ul << (id & 0xf));
    isb();
}

void gic_kick(const struct cpu *cpu)
{
    if (vm_is_direct(cpu->vm))
        direct_kick(cpu);
    else
        gic_send(cpu, GIC_KICK);
}

#define LR_CASES(do) \
    do               \
    (0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11) do(12) do(13) do(14) do(15)
#define LR_NAME_0  S3_4_C12_C12_0
#define LR_NAME_1  S3_4_C12_C12_1
#define LR_NAME_2  S3_4_C12_C12_2
#define LR_NAME_3  S3_4_C12_C12_3
#define LR_NAME_4  S3_4_C12_C12_4
#define LR_NAME_5  S3_4_C12_C12_5
#define LR_NAME_6  S3_4_C12_C12_6
#define LR_NAME_7  S3_4_C12_C12_7
#define LR_NAME_8  S3_4_C12_C13_0
#define LR_NAME_9  S3_4_C12_C13_1
#define LR_NAME_10 S3_4_C12_C13_2
#define LR_NAME_11 S3_4_C12_C13_3
#define LR_NAME_12 S3_4_C12_C13_4
#define LR_NAME_13 S3_4_C12_C13_5
#define LR_NAME_14 S3_4_C12_C13_6
#define LR_NAME_15 S3_4_C12_C13_7

static uint64_t lr_read(uint32_t index)
{
    switch (index) {
#define READ(n) \
    case n:     \
        return sysreg_read(LR_NAME_##n);
        LR_CASES(READ)
    default:
        return 0;
    }
}

static void lr_write(uint32_t index, uint64_t value)
{
    /* Most often there is one. */
    if (index == 0) {
        sysreg_write(LR_NAME_0, value);
        return;
    }
    switch (index) {
#define WRITE(n)                          \
    case n:                               \
        sysreg_write(LR_NAME_##n, value); \
        break;
        LR_CASES(WRITE)
    default:
        break;
    }
}

uint32_t gic_lr_count(void)
{
    return (uint32_t)(sysreg_read(ICH_VTR_EL2) & 0x1f) + 1;
}

uint32_t gic_lr_empty(void)
{
    return (uint32_t)sysreg_read(ICH_ELRSR_EL2);
}

enum gic_lr_state gic_lr_state(uint32_t index)
{
    return (enum gic_lr_state)(lr_read(index) >> LR_STATE);
}

void gic_lr_clear(uint32_t index)
{
    lr_write(index, 0);
}

void gic_lr_pend(uint32_t index, bool pending)
{
    lr_write(index, (lr_read(index) & ~((uint64_t)LR_PENDING << LR_STATE)) | (uint64_t)pending << LR_STATE);
}

void gic_lr_tell(uint32_t index)
{
    lr_write(index, lr_read(index) | LR_END);
}

void gic_lr_set(uint32_t index, uint32_t id, uint32_t priority, uint32_t physical, bool end, uint32_t source)
{
    uint64_t lr = (uint64_t)LR_PENDING << LR_STATE | LR_GROUP1 | (uint64_t)priority << LR_PRIORITY | id;

    (void)source;
    if (physical != 0)
        lr |= LR_HW | (uint64_t)physical << LR_PHYSICAL;
    else if (end)
        lr |= LR_END;
    lr_write(index, lr);
}

bool gic_lr_ends_apart(uint32_t physical)
{
    (void)physical;
    return false;
}

void gic_lr_refill(bool wanted)
{
    sysreg_write(ICH_HCR_EL2, wanted ? ICH_HCR_EN | ICH_HCR_UIE : ICH_HCR_EN);
}

void gic_hold(bool held)
{
    uint64_t hcr = sysreg_read(ICH_HCR_EL2);

    sysreg_write(ICH_HCR_EL2, held ? hcr & ~(uint64_t)ICH_HCR_EN : hcr | ICH_HCR_EN);
    isb();
}

void gic_reset_virtual(void)
{
    for (uint32_t index = 0; index < gic_lr_count(); index++)
        lr_write(index, 0);
    sysreg_write(ICH_AP1R0_EL2, 0);
    sysreg_write(ICH_VMCR_EL2, 0);
    sysreg_write(ICH_HCR_EL2, ICH_HCR_EN);
}
