// SPDX-License-Identifier: Apache-2.0
/* The platform-level interrupt controller (RISC-V PLIC specification 1.0.0), supervisor contexts only. */
#include "cpu.h"
#include "csr.h"
#include "fdt.h"
#include "irqchip.h"

#define PRIORITY  0x0u
#define ENABLE    0x2000u   /* one bit for each source; 0x80 bytes for each context */
#define THRESHOLD 0x200000u /* 0x1000 bytes for each context */
#define CLAIM     0x200004u

static uintptr_t base;
static uint32_t contexts[CPUS_MAX]; /* of each CPU's S-mode */

static volatile uint32_t *reg(uint32_t offset)
{
    return (volatile uint32_t *)(base + offset);
}

static bool find(void)
{
    const int node = fdt_find_compatible(FDT_NONE, "riscv,plic0");
    uint64_t address, size;

    if (!fdt_reg(node, 0, &address, &size)) {
        return false;
    }
    base = (uintptr_t)address;

    /* interrupts-extended lists the contexts in order: a CPU's own controller, and the interrupt that it gets there. */
    for (uint32_t context = 0;; context++) {
        const uint32_t phandle = fdt_cell(node, "interrupts-extended", 2 * context, 0);
        if (phandle == 0) {
            break;
        }
        if (fdt_cell(node, "interrupts-extended", 2 * context + 1, 0) == IRQ_EXTERNAL) {
            const uint32_t cpu = fdt_cell(fdt_parent(fdt_find_phandle(phandle)), "reg", 0, CPUS_MAX);
            if (cpu < CPUS_MAX) {
                contexts[cpu] = context;
            }
        }
    }
    return true;
}

static void enable(uint32_t irq)
{
    const uint32_t context = contexts[cpu_number()];

    *reg(PRIORITY + 4 * irq) = 1;
    *reg(THRESHOLD + 0x1000 * context) = 0;
    *reg(ENABLE + 0x80 * context + irq / 32 * 4) |= 1u << irq % 32;
}

static void disable(uint32_t irq)
{
    *reg(ENABLE + 0x80 * contexts[cpu_number()] + irq / 32 * 4) &= ~(1u << irq % 32);
}

static void take(void)
{
    volatile uint32_t *claim = reg(CLAIM + 0x1000 * contexts[cpu_number()]);

    for (uint32_t irq = *claim; irq != 0; irq = *claim) {
        irq_handle(irq);
        *claim = irq;
    }
}

const struct irqchip plic = {find, enable, disable, take};
