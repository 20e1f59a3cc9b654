// SPDX-License-Identifier: Apache-2.0
/* The physical APLIC, delivering directly. Source: RISC-V Advanced Interrupt Architecture 1.0, sections 4.5 to 4.8. */
#include "aplic.h"
#include "cpu.h"
#include "drivers.h"

static uint32_t idc_register(const struct cpu *cpu, enum aplic_idc_register reg)
{
    return APLIC_IDC + cpu->config->hart_index * APLIC_IDC_STRIDE + (uint32_t)reg;
}

void irqchip_init(void)
{
    for (uint32_t source = 1; source < PLAN_IRQS; source++) {
        aplic_set_enabled(source, false);
        aplic_set_mode(source, config.irq_owner[source].vm == IRQ_HYPERVISOR ? MODE_HIGH : MODE_INACTIVE);
    }
    aplic_write(APLIC_DOMAINCFG, DOMAINCFG_IE);
}

void irqchip_quiet(void)
{
    aplic_write(APLIC_DOMAINCFG, 0);
}

void irqchip_init_cpu(struct cpu *cpu)
{
    aplic_write(idc_register(cpu, IDC_FORCE), 0);
    aplic_write(idc_register(cpu, IDC_THRESHOLD), 0);
    aplic_write(idc_register(cpu, IDC_DELIVERY), 1);
}

uint32_t irqchip_claim(struct cpu *cpu)
{
    return aplic_read(idc_register(cpu, IDC_CLAIMI)) >> TOPI_SOURCE_SHIFT;
}

void irqchip_complete(struct cpu *cpu, uint32_t source)
{
    (void)cpu;
    (void)source;
}

void irqchip_enable(struct cpu *cpu, uint32_t source, bool enabled)
{
    if (enabled)
        aplic_set_target(source, cpu->config->hart_index << TARGET_HART_SHIFT | 1);
    aplic_set_enabled(source, enabled);
}
