// SPDX-License-Identifier: Apache-2.0
/* RISC-V: SBI; a PLIC, an APLIC, or an APLIC with IMSICs; a Goldfish real-time clock. */
#include "csr.h"
#include "irqchip.h"
#include "sbi.h"

#define PLIC_CLAIM      0x200004u
#define APLIC_SOURCECFG 0x4u
#define APLIC_SETIPNUM  0x2000u
#define APLIC_CLAIM     0x401cu /* of hart 0; 32 bytes for each */

uint32_t clock_irq;
static volatile uint32_t *rtc;
static uintptr_t controller;
static volatile uint32_t *claim; /* null: messages to the hart's interrupt file */
static bool is_plic;

static uintptr_t base_of(int node)
{
    uint64_t address = 0, size;

    fdt_reg(node, 0, &address, &size);
    return (uintptr_t)address;
}

/* A bare machine's PLIC has contexts of M-mode between those of S-mode. */
static uint32_t plic_context(int node)
{
    for (uint32_t context = 0;; context++) {
        const uint32_t phandle = fdt_cell(node, "interrupts-extended", 2 * context, 0);
        const int cpu = fdt_parent(fdt_find_phandle(phandle));

        if (phandle == 0 || (fdt_cell(node, "interrupts-extended", 2 * context + 1, 0) == IRQ_EXTERNAL &&
                             fdt_cell(cpu, "reg", 0, 0) == cpu_number())) {
            return context;
        }
    }
}

void platform_find(void)
{
    const int plic_node = fdt_find_compatible(FDT_NONE, "riscv,plic0");
    const int aplic_node = fdt_find_compatible(FDT_NONE, "riscv,aplic");
    const int clock = fdt_find_compatible(FDT_NONE, "google,goldfish-rtc");

    rtc = (volatile uint32_t *)base_of(clock);
    clock_irq = fdt_interrupt(clock, 0);
    is_plic = plic_node != FDT_NONE;
    if (is_plic) {
        controller = base_of(plic_node);
        claim = (volatile uint32_t *)(controller + PLIC_CLAIM + 0x1000 * plic_context(plic_node));
        return;
    }
    controller = base_of(aplic_node);
    if (fdt_cell(aplic_node, "msi-parent", 0, 0) == 0) {
        claim = (volatile uint32_t *)(controller + APLIC_CLAIM + 32 * cpu_number());
    }
}

MARKED void platform_calls(bool hypervised)
{
    (void)hypervised;
    MARK(call_begin);
    sbi_call(SBI_BASE, SBI_BASE_SPEC_VERSION, 0, 0, 0, 0, 0);
    MARK(call_end);
    sbi_call(SBI_BAO, 77, 0, 0, 0, 0, 0);
    MARK(hypercall_end);
    sbi_call(SBI_TIME, 0, -1ul, 0, 0, 0, 0);
    MARK(set_timer_end);
}

enum { TIME_LOW = 0, TIME_HIGH = 1, ALARM_LOW = 2, ALARM_HIGH = 3, IRQ_ENABLED = 4, CLEAR_INTERRUPT = 7 };

static uint64_t alarm;

MARKED void clock_alarm(void)
{
    alarm = rtc[TIME_LOW];
    alarm |= (uint64_t)rtc[TIME_HIGH] << 32;
    rtc[IRQ_ENABLED] = 1;
    rtc[ALARM_HIGH] = (uint32_t)(alarm >> 32);
}

MARKED void clock_ring(void)
{
    rtc[ALARM_LOW] = (uint32_t)alarm;
}

MARKED void clock_quiet(void)
{
    rtc[CLEAR_INTERRUPT] = 1;
}

MARKED bool irq_waits(void)
{
    return (csr_read(sip) & 1ul << IRQ_EXTERNAL) != 0;
}

MARKED uint32_t irq_claim(void)
{
    return claim != NULL ? *claim : imsic_claim();
}

MARKED void irq_complete(uint32_t claimed)
{
    if (is_plic) {
        *claim = claimed;
    }
}

MARKED void irq_again(void)
{
    if (!is_plic && claim == NULL) {
        MARK(again_begin);
        *(volatile uint32_t *)(controller + APLIC_SETIPNUM) = clock_irq;
        MARK(again_end);
    }
}

MARKED volatile uint32_t *irq_register(void)
{
    return (volatile uint32_t *)(controller + (is_plic ? 4 * clock_irq : APLIC_SOURCECFG + 4 * (clock_irq - 1)));
}
