// SPDX-License-Identifier: Apache-2.0
/*
 * The interrupt controller: a GICv2 or a GICv3, as the device tree says. Group 1, one security state.
 * Sources: Arm IHI 0048B (v2), chapter 4; IHI 0069H (v3), chapter 12.
 */
#include "irq.h"

#include <stdbool.h>
#include <stddef.h>

#include "cpu.h"
#include "fdt.h"
#include "sysreg.h"
#include "trap.h"

/* The distributor; of a GICv3's redistributor the second frame has those of the first 32 interrupts at the same offsets. */
#define GICD_CTLR       0x000u
#define GICD_IGROUPR    0x080u
#define GICD_ISENABLER  0x100u
#define GICD_ICENABLER  0x180u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR  0x800u
#define GICD_SGIR       0xf00u
#define GICD_IROUTER    0x6000u
#define GICR_WAKER      0x14u
#define GICR_STRIDE     0x20000u
#define GICR_SGI        0x10000u
#define GICC_CTLR       0x00u
#define GICC_PMR        0x04u
#define GICC_IAR        0x0cu
#define GICC_EOIR       0x10u

#define CTLR_V2      1u
#define CTLR_V3      0x12u /* affinity routing, group 1 */
#define WAKER_SLEEP  2u
#define WAKER_ASLEEP 4u
#define PRIORITY     0x80u
#define SPI          32u
#define SPURIOUS     1020u

#define ICC_PMR_EL1              S3_0_C4_C6_0
#define ICC_IAR1_EL1             S3_0_C12_C12_0
#define ICC_EOIR1_EL1            S3_0_C12_C12_1
#define ICC_SGI1R_EL1            S3_0_C12_C11_5
#define ICC_SRE_EL1              S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1          S3_0_C12_C12_7
#define NAMED_READ(name)         sysreg_read(name)
#define NAMED_WRITE(name, value) sysreg_write(name, value)

static uintptr_t distributor; /* 0: there is no controller */
static uintptr_t interface;   /* GICv2: the CPU interface; GICv3: the redistributors */
static bool is_v3;
static void (*handlers[IRQS_MAX])(uint32_t irq);

static volatile uint32_t *reg(uintptr_t base, uint32_t offset)
{
    return (volatile uint32_t *)(base + offset);
}

/* Base of an interrupt's registers: those that each CPU has for itself are with the redistributor. */
static uintptr_t bank(uint32_t irq)
{
    return is_v3 && irq < SPI ? interface + cpu_number() * GICR_STRIDE + GICR_SGI : distributor;
}

void irq_init(void)
{
    int node = fdt_find_compatible(FDT_NONE, "arm,gic-v3");
    uint64_t first, second, size;

    is_v3 = node != FDT_NONE;
    if (!is_v3) {
        node = fdt_find_compatible(FDT_NONE, "arm,gic-400");
    }
    if (node == FDT_NONE) {
        node = fdt_find_compatible(FDT_NONE, "arm,cortex-a15-gic"); /* a GICv2, too */
    }
    if (!fdt_reg(node, 0, &first, &size) || !fdt_reg(node, 1, &second, &size)) {
        return;
    }
    distributor = (uintptr_t)first;
    interface = (uintptr_t)second;
    *reg(distributor, GICD_CTLR) = is_v3 ? CTLR_V3 : CTLR_V2;
    irq_init_cpu();
}

void irq_init_cpu(void)
{
    if (distributor == 0) {
        return;
    }
    if (!is_v3) {
        *reg(interface, GICC_PMR) = 0xff;
        *reg(interface, GICC_CTLR) = 1;
        return;
    }
    volatile uint32_t *waker = reg(interface + cpu_number() * GICR_STRIDE, GICR_WAKER);
    *waker &= ~WAKER_SLEEP;
    while ((*waker & WAKER_ASLEEP) != 0) {
    }
    NAMED_WRITE(ICC_SRE_EL1, NAMED_READ(ICC_SRE_EL1) | 1);
    isb();
    NAMED_WRITE(ICC_PMR_EL1, 0xff);
    NAMED_WRITE(ICC_IGRPEN1_EL1, 1);
    isb();
}

static void route(uint32_t irq)
{
    const uint32_t cpu = cpu_number();

    if (is_v3) {
        *(volatile uint64_t *)(distributor + GICD_IROUTER + 8 * irq) = cpu / 16 << 8 | cpu % 16;
    } else {
        *(volatile uint8_t *)(distributor + GICD_ITARGETSR + irq) = (uint8_t)(1u << cpu);
    }
}

void irq_enable(uint32_t irq, void (*handler)(uint32_t irq))
{
    if (distributor == 0 || irq == 0 || irq >= IRQS_MAX) {
        return;
    }
    handlers[irq] = handler;
    const uintptr_t base = bank(irq);
    if (is_v3) {
        *reg(base, GICD_IGROUPR + irq / 32 * 4) |= 1u << irq % 32;
    }
    *(volatile uint8_t *)(base + GICD_IPRIORITYR + irq) = PRIORITY;
    if (irq >= SPI) {
        route(irq);
    }
    *reg(base, GICD_ISENABLER + irq / 32 * 4) = 1u << irq % 32;
}

void irq_disable(uint32_t irq)
{
    *reg(bank(irq), GICD_ICENABLER + irq / 32 * 4) = 1u << irq % 32;
}

void irq_send(uint32_t number, uint32_t sgi)
{
    __asm__ volatile("dsb ishst" ::: "memory");
    if (is_v3) {
        NAMED_WRITE(ICC_SGI1R_EL1, (unsigned long)(number / 16) << 16 | (unsigned long)sgi << 24 | 1ul << number % 16);
        isb();
    } else {
        *reg(distributor, GICD_SGIR) = 1u << (16 + number) | sgi;
    }
}

static uint32_t acknowledge(void)
{
    return is_v3 ? (uint32_t)NAMED_READ(ICC_IAR1_EL1) : *reg(interface, GICC_IAR);
}

void irq_take(void)
{
    for (uint32_t taken = acknowledge(); (taken & 0x3ff) < SPURIOUS; taken = acknowledge()) {
        const uint32_t irq = taken & 0x3ff;
        if (irq < IRQS_MAX && handlers[irq] != NULL) {
            handlers[irq](irq);
        }
        if (is_v3) {
            NAMED_WRITE(ICC_EOIR1_EL1, taken);
        } else {
            *reg(interface, GICC_EOIR) = taken;
        }
    }
    isb();
}
