// SPDX-License-Identifier: Apache-2.0
/*
 * The advanced platform-level interrupt controller: delivering by itself, or by messages to the CPUs' interrupt files.
 * Source: RISC-V Advanced Interrupt Architecture 1.0, chapter 4. A CPU's hart index is its number.
 */
#include "cpu.h"
#include "fdt.h"
#include "irq.h"
#include "irqchip.h"

#define DOMAINCFG 0x0u
#define SOURCECFG 0x4u /* of source 1, then one word each */
#define SETIENUM  0x1edcu
#define CLRIENUM  0x1fdcu
#define SETIPNUM  0x2000u
#define TARGET    0x3004u /* of source 1, then one word each */
#define IDC       0x4000u /* 32 bytes for each CPU */

#define IDC_DELIVERY  0x0u
#define IDC_THRESHOLD 0x8u
#define IDC_CLAIM     0x1cu

#define DOMAINCFG_IE  0x100u
#define DOMAINCFG_MSI 0x4u
#define HART_SHIFT    18

enum mode { RISING = 4, FALLING = 5, HIGH = 6, LOW = 7 };

static uintptr_t base;
static bool messages; /* by IMSIC */
static int node;
static bool level[IRQS_MAX];

static volatile uint32_t *reg(uint32_t offset)
{
    return (volatile uint32_t *)(base + offset);
}

static volatile uint32_t *idc(uint32_t offset)
{
    return reg(IDC + 32 * cpu_number() + offset);
}

static bool find(void)
{
    uint64_t address, size;

    node = fdt_find_compatible(FDT_NONE, "riscv,aplic");
    if (!fdt_reg(node, 0, &address, &size)) {
        return false;
    }
    base = (uintptr_t)address;
    messages = fdt_cell(node, "msi-parent", 0, 0) != 0 && imsic_find();
    *reg(DOMAINCFG) = DOMAINCFG_IE | (messages ? DOMAINCFG_MSI : 0);
    return true;
}

/* As the device that has the interrupt says: `interrupts` is a list of <number trigger>. */
static enum mode trigger(uint32_t irq)
{
    static const enum mode modes[] = {[1] = RISING, [2] = FALLING, [4] = HIGH, [8] = LOW};

    for (int device = FDT_ROOT; device != FDT_NONE; device = fdt_next(device)) {
        for (uint32_t i = 0; fdt_cell(device, "interrupts", i + 1, ~0u) != ~0u; i += 2) {
            const uint32_t sense = fdt_cell(device, "interrupts", i + 1, 0);
            if (fdt_cell(device, "interrupts", i, 0) == irq && sense < sizeof(modes) / sizeof(modes[0]) &&
                modes[sense] != 0) {
                return modes[sense];
            }
        }
    }
    return HIGH;
}

static void enable(uint32_t irq)
{
    const enum mode mode = trigger(irq);

    level[irq] = mode == HIGH || mode == LOW;
    *reg(SOURCECFG + 4 * (irq - 1)) = mode;
    if (messages) {
        if (!imsic_enable(IMSIC_IDENTITY(irq))) {
            return;
        }
        *reg(TARGET + 4 * (irq - 1)) = cpu_number() << HART_SHIFT | IMSIC_IDENTITY(irq);
    } else {
        *idc(IDC_THRESHOLD) = 0;
        *idc(IDC_DELIVERY) = 1;
        *reg(TARGET + 4 * (irq - 1)) = cpu_number() << HART_SHIFT | 1; /* the highest priority */
    }
    *reg(SETIENUM) = irq;
}

static void disable(uint32_t irq)
{
    *reg(CLRIENUM) = irq;
}

void aplic_take_edges(uint32_t irq)
{
    level[irq] = false;
    *reg(SOURCECFG + 4 * (irq - 1)) = RISING;
}

static void take_messages(void)
{
    for (uint32_t identity = imsic_claim(); identity != 0; identity = imsic_claim()) {
        const uint32_t irq = identity - IMSIC_IDENTITY(0);
        if (identity == IMSIC_IPI) {
            cpu_interrupted();
            continue;
        }
        irq_handle(irq);
        /* Where the level is still there, its message is sent again (section 4.9.2). */
        if (level[irq]) {
            *reg(SETIPNUM) = irq;
        }
    }
}

static void take(void)
{
    if (messages) {
        take_messages();
        return;
    }
    for (uint32_t irq = *idc(IDC_CLAIM) >> 16; irq != 0; irq = *idc(IDC_CLAIM) >> 16) {
        irq_handle(irq);
    }
}

const struct irqchip aplic = {find, enable, disable, take};
