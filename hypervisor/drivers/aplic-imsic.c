// SPDX-License-Identifier: Apache-2.0
/*
 * The physical APLIC sending MSIs, and the hypervisor's own interrupt file of each hart's IMSIC.
 *
 * Guests' interrupts go straight to their own files; only the hypervisor's comes here, that of the console.
 * Source: RISC-V Advanced Interrupt Architecture 1.0, chapters 3, 4 and 6 (what of a hart concerns VS level).
 */
#include "aplic.h"
#include "arch/csr.h"
#include "arch/imsic.h"
#include "cpu.h"
#include "drivers.h"

#define CONSOLE_IDENTITY 1u

void irqchip_init(void)
{
    for (uint32_t source = 1; source < PLAN_IRQS; source++) {
        aplic_set_enabled(source, false);
        aplic_set_mode(source, config.irq_owner[source].vm == IRQ_HYPERVISOR ? MODE_HIGH : MODE_INACTIVE);
    }
    aplic_write(APLIC_DOMAINCFG, DOMAINCFG_IE | DOMAINCFG_MSI);
}

void irqchip_quiet(void)
{
    aplic_write(APLIC_DOMAINCFG, 0);
}

void irqchip_init_cpu(struct cpu *cpu)
{
    (void)cpu;
    /* Guests' interrupts come as they are and in their usual order. */
    csr_write(CSR_HVIEN, 0);
    csr_write(CSR_HVICTL, 0);
    csr_write(CSR_HVIPRIO1, 0);
    csr_write(CSR_HVIPRIO2, 0);
    /* Never taken, hie.SGEIE is 0: so that what comes for a vCPU that is suspended ends our WFI. */
    csr_write(CSR_HGEIE, 1u << IMSIC_GUEST_FILE);
    for (uint32_t word = 0; word < (PLAN_MSIS + 31) / 32; word += sizeof(ureg_t) / 4) {
        csr_write(CSR_SISELECT, IMSIC_EIE + word);
        csr_write(CSR_SIREG, 0);
        csr_write(CSR_SISELECT, IMSIC_EIP + word);
        csr_write(CSR_SIREG, 0);
    }
    csr_write(CSR_SISELECT, IMSIC_EITHRESHOLD);
    csr_write(CSR_SIREG, 0);
    csr_write(CSR_SISELECT, IMSIC_EIDELIVERY);
    csr_write(CSR_SIREG, 1);
}

uint32_t irqchip_claim(struct cpu *cpu)
{
    (void)cpu;
    return (uint32_t)csr_swap(CSR_STOPEI, 0) >> TOPI_SOURCE_SHIFT == CONSOLE_IDENTITY ? config.console.irq : 0;
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
    csr_write(CSR_SISELECT, IMSIC_EIE);
    csr_write(CSR_SIREG, enabled ? 1u << CONSOLE_IDENTITY : 0);
    aplic_set_target(source, cpu->config->hart_index << TARGET_HART_SHIFT | CONSOLE_IDENTITY);
    aplic_set_enabled(source, enabled);
}
