// SPDX-License-Identifier: Apache-2.0
/* AArch64: PSCI; a GICv2 or a GICv3; a PL031 real-time clock. */
#include "psci.h"
#include "sysreg.h"

#define GICD_IPRIORITYR          0x400u
#define GICC_IAR                 0x0cu
#define GICC_EOIR                0x10u
#define ICC_IAR1_EL1             S3_0_C12_C12_0
#define ICC_EOIR1_EL1            S3_0_C12_C12_1
#define NAMED_READ(name)         sysreg_read(name)
#define NAMED_WRITE(name, value) sysreg_write(name, value)

#define HYPERCALL_NONE 0xc600004dul

uint32_t clock_irq;
static volatile uint32_t *rtc;
static uintptr_t distributor, cpu_interface; /* no interface: a GICv3 */

static uintptr_t base_of(int node, uint32_t index)
{
    uint64_t address = 0, size;

    fdt_reg(node, index, &address, &size);
    return (uintptr_t)address;
}

void platform_find(void)
{
    const int clock = fdt_find_compatible(FDT_NONE, "arm,pl031");
    int gic = fdt_find_compatible(FDT_NONE, "arm,gic-v3");

    rtc = (volatile uint32_t *)base_of(clock, 0);
    clock_irq = fdt_interrupt(clock, 0);
    if (gic == FDT_NONE) {
        gic = fdt_find_compatible(FDT_NONE, "arm,gic-400");
        if (gic == FDT_NONE) {
            gic = fdt_find_compatible(FDT_NONE, "arm,cortex-a15-gic");
        }
        cpu_interface = base_of(gic, 1);
    }
    distributor = base_of(gic, 0);
}

static void smc(unsigned long function)
{
    register unsigned long x0 __asm__("x0") = function;

    __asm__ volatile("smc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
}

MARKED void platform_calls(bool hypervised)
{
    MARK(call_begin);
    psci_call(PSCI_VERSION, 0, 0, 0);
    MARK(call_end);
    psci_call(HYPERCALL_NONE, 0, 0, 0);
    MARK(hypercall_end);
    if (hypervised) { /* a machine without EL3 takes calls one way or the other */
        MARK(smc_begin);
        smc(PSCI_VERSION);
        MARK(smc_end);
    }
}

enum { NOW = 0, MATCH = 1, LOAD = 2, MASK = 4, CLEAR = 7 };

MARKED void clock_alarm(void)
{
    rtc[MASK] = 1;
}

MARKED void clock_ring(void)
{
    rtc[MATCH] = rtc[NOW];
}

MARKED void clock_quiet(void)
{
    rtc[CLEAR] = 1;
}

#define ISR_IRQ (1ul << 7)

MARKED bool irq_waits(void)
{
    return (sysreg_read(isr_el1) & ISR_IRQ) != 0;
}

MARKED uint32_t irq_claim(void)
{
    return cpu_interface != 0 ? *(volatile uint32_t *)(cpu_interface + GICC_IAR) : (uint32_t)NAMED_READ(ICC_IAR1_EL1);
}

MARKED void irq_complete(uint32_t claimed)
{
    if (cpu_interface != 0) {
        *(volatile uint32_t *)(cpu_interface + GICC_EOIR) = claimed;
    } else {
        NAMED_WRITE(ICC_EOIR1_EL1, claimed);
        isb();
    }
}

void irq_again(void)
{
}

MARKED volatile uint32_t *irq_register(void)
{
    return (volatile uint32_t *)(distributor + GICD_IPRIORITYR + (clock_irq & ~3u));
}
