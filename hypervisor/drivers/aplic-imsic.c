// SPDX-License-Identifier: Apache-2.0
/*
 * The physical APLIC sending MSIs, and the hypervisor's own interrupt file of each hart's IMSIC.
 *
 * Guests' interrupts go straight to their own files; only the hypervisor's (the console) come here. Their identity is the
 * source's number. Source: RISC-V Advanced Interrupt Architecture 1.0, chapters 3 and 4.
 */
#include "aplic.h"
#include "arch/csr.h"
#include "arch/imsic.h"
#include "cpu.h"
#include "drivers.h"

void irqchip_init(void)
{
    for (uint32_t source = 1; source < PLAN_IRQS; source++) {
        aplic_set_enabled(source, 0);
        if (config.irq_owner[source].vm == IRQ_HYPERVISOR)
            aplic_set_mode(source, MODE_HIGH);
    }
    aplic_write(APLIC_DOMAINCFG, DOMAINCFG_IE | DOMAINCFG_MSI);
}

void irqchip_init_cpu(struct cpu *cpu)
{
    (void)cpu;
    csr_write(CSR_SISELECT, IMSIC_EITHRESHOLD);
    csr_write(CSR_SIREG, 0);
    csr_write(CSR_SISELECT, IMSIC_EIDELIVERY);
    csr_write(CSR_SIREG, 1);
}

uint32_t irqchip_claim(struct cpu *cpu)
{
    (void)cpu;
    return (uint32_t)csr_swap(CSR_STOPEI, 0) >> TOPI_SOURCE_SHIFT;
}

void irqchip_complete(struct cpu *cpu, uint32_t source)
{
    (void)cpu;
    /* A level that is still high is sent again: a write of its number does that, and nothing else for one that is low. */
    aplic_write(APLIC_SETIPNUM_LE, source);
}

/* For the hypervisor's own sources, by the hart that takes them. */
void irqchip_enable(struct cpu *cpu, uint32_t source, bool enabled)
{
    ureg_t bit = (ureg_t)1 << (source % (sizeof(ureg_t) * 8));

    aplic_set_target(source, cpu->config->hart_index << TARGET_HART_SHIFT | source);
    csr_write(CSR_SISELECT, IMSIC_EIE + source / (sizeof(ureg_t) * 8) * (sizeof(ureg_t) / 4));
    if (enabled)
        csr_set(CSR_SIREG, bit);
    else
        csr_clear(CSR_SIREG, bit);
    aplic_set_enabled(source, enabled);
}
