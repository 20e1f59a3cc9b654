// SPDX-License-Identifier: Apache-2.0
/* The physical PLIC. Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0, chapter 3 (memory map). */
#include "config.h"
#include "cpu.h"
#include "drivers.h"
#include "mmio.h"

static uint64_t enable_register(const struct cpu *cpu, uint32_t source)
{
    return config.irqchip_base + 0x2000 + 0x80 * (uint64_t)cpu->config->context + source / 32 * 4;
}

static uint64_t context_register(const struct cpu *cpu, uint32_t offset)
{
    return config.irqchip_base + 0x200000 + 0x1000 * (uint64_t)cpu->config->context + offset;
}

void irqchip_init(void)
{
    /* Guests' priorities are sorted out in their virtual PLIC: here every source that has an owner is equal. */
    for (uint32_t source = 1; source < PLAN_IRQS; source++) {
        if (config.irq_owner[source].vm != IRQ_NOBODY)
            mmio_write32(config.irqchip_base + source * 4, 1);
    }
}

/* A source of priority 0 never interrupts. */
void irqchip_quiet(void)
{
    for (uint32_t source = 1; source < PLAN_IRQS; source++)
        mmio_write32(config.irqchip_base + source * 4, 0);
}

void irqchip_init_cpu(struct cpu *cpu)
{
    for (uint32_t source = 0; source < PLAN_IRQS; source += 32)
        mmio_write32(enable_register(cpu, source), 0);
    mmio_write32(context_register(cpu, 0), 0);
}

uint32_t irqchip_claim(struct cpu *cpu)
{
    return mmio_read32(context_register(cpu, 4));
}

void irqchip_complete(struct cpu *cpu, uint32_t source)
{
    mmio_write32(context_register(cpu, 4), source);
}

void irqchip_enable(struct cpu *cpu, uint32_t source, bool enabled)
{
    uint64_t address = enable_register(cpu, source);
    uint32_t mask = 1u << (source % 32);
    uint32_t word = mmio_read32(address);

    mmio_write32(address, enabled ? word | mask : word & ~mask);
}
