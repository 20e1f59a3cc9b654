// SPDX-License-Identifier: Apache-2.0
/*
 * Ends its first life in the middle of everything: interrupts active, pending and masked at its CPUs, one of which does nothing
 * but refuse them all. Its second life finds nothing of that.
 */
#include "gic.h"
#include "timer.h"

#define BELL 15u

static volatile bool refuses;

static void refuse(void)
{
    icc_write(ICC_PMR_EL1, 0);
    icc_write(ICC_IGRPEN1_EL1, 0);
    refuses = true;
    for (;;) {
    }
}

static uint32_t active(void)
{
    uint32_t sum = *word(gicr, 0x10300) | *word(gicr, 0x20000 + 0x10300);

    for (uint32_t n = 1; n < 4; n++) {
        sum |= *word(gicd, 0x300 + n * 4);
    }
    return sum;
}

static uint32_t pending(void)
{
    uint32_t sum = *word(gicr, 0x10200) | *word(gicr, 0x20000 + 0x10200);

    for (uint32_t n = 1; n < 4; n++) {
        sum |= *word(gicd, 0x200 + n * 4);
    }
    return sum;
}

/* Nothing of an earlier life is in the registers of the CPU, which the runtime has set up already; nor in the distributor. */
static void report(uint32_t enabled)
{
    printf("active %x, pending %x, enabled %x, running priority %lx, EOImode %lu\n", active(), pending(), enabled,
           icc_read(ICC_RPR_EL1), icc_read(ICC_CTLR_EL1) >> 1 & 1);
}

void guest_main(void)
{
    gic_find();
    const uint32_t irq = rtc_open(); /* its line goes low, or what is pending would be the device's own */
    report(*word(gicd, 0x104));

    irq_enable(irq, alarm);
    rtc_fire();
    cpu_wait();
    printf("%u alarm\n", alarms);
    cpu_start(1, refuse);
    while (!refuses) {
    }
    icc_write(ICC_CTLR_EL1, 2);
    irq_enable(BELL, alarm);
    icc_write(ICC_SGI1R_EL1, (unsigned long)BELL << 24 | 2); /* waits at the other CPU */
    icc_write(ICC_SGI1R_EL1, (unsigned long)BELL << 24 | 1);
    const unsigned long taken = icc_read(ICC_IAR1_EL1); /* and is not ended */
    rtc_fire();
    *word(gicd, 0x200 + irq / 32 * 4) = 1u << irq % 32;
    printf("took %lu; active %x, pending %s\n", taken, active(), pending() != 0 ? "some" : "none");
    for (register unsigned long x0 __asm__("x0") = 0x84000009;;) {
        __asm__ volatile("hvc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
    }
}
