// SPDX-License-Identifier: Apache-2.0
/* The platform-level interrupt controller (RISC-V PLIC specification 1.0.0), supervisor contexts only. */
#include <stddef.h>

#include "cpu.h"
#include "csr.h"
#include "fdt.h"
#include "irq.h"
#include "trap.h"

#define PRIORITY   0x0u
#define ENABLE     0x2000u   /* one bit for each source; 0x80 bytes for each context */
#define THRESHOLD  0x200000u /* 0x1000 bytes for each context */
#define CLAIM      0x200004u

static uintptr_t base;
static uint32_t contexts[CPUS_MAX]; /* of each CPU's S-mode */
static void (*handlers[IRQS_MAX])(uint32_t irq);

static volatile uint32_t *reg(uint32_t offset)
{
    return (volatile uint32_t *)(base + offset);
}

void irq_init(void)
{
    const int plic = fdt_find_compatible(FDT_NONE, "riscv,plic0");
    uint64_t address, size;

    if (!fdt_reg(plic, 0, &address, &size)) {
        return;
    }
    base = (uintptr_t)address;

    /* interrupts-extended lists the contexts in order: a CPU's own controller, and the interrupt that it gets there. */
    for (uint32_t context = 0;; context++) {
        const uint32_t phandle = fdt_cell(plic, "interrupts-extended", 2 * context, 0);
        if (phandle == 0) {
            break;
        }
        if (fdt_cell(plic, "interrupts-extended", 2 * context + 1, 0) == IRQ_EXTERNAL) {
            const uint32_t cpu = fdt_cell(fdt_parent(fdt_find_phandle(phandle)), "reg", 0, CPUS_MAX);
            if (cpu < CPUS_MAX) {
                contexts[cpu] = context;
            }
        }
    }
}

void irq_enable(uint32_t irq, void (*handler)(uint32_t irq))
{
    const uint32_t context = contexts[cpu_number()];

    if (base == 0 || irq == 0 || irq >= IRQS_MAX) {
        return;
    }
    handlers[irq] = handler;
    *reg(PRIORITY + 4 * irq) = 1;
    *reg(THRESHOLD + 0x1000 * context) = 0;
    *reg(ENABLE + 0x80 * context + irq / 32 * 4) |= 1u << irq % 32;
    csr_set(sie, 1ul << IRQ_EXTERNAL);
}

void irq_disable(uint32_t irq)
{
    *reg(ENABLE + 0x80 * contexts[cpu_number()] + irq / 32 * 4) &= ~(1u << irq % 32);
}

void irq_take(void)
{
    volatile uint32_t *claim = reg(CLAIM + 0x1000 * contexts[cpu_number()]);

    for (uint32_t irq = *claim; irq != 0; irq = *claim) {
        if (irq < IRQS_MAX && handlers[irq] != NULL) {
            handlers[irq](irq);
        }
        *claim = irq;
    }
}
