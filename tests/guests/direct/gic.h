// SPDX-License-Identifier: Apache-2.0
/* The GICv3 of a guest by its registers, an alarm to be interrupted by, and what the hypervisor did for this vCPU. */
#ifndef GIC_H
#define GIC_H

#include <stddef.h>
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "irq.h"
#include "sysreg.h"

#define ROUNDS 50u

#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_AP1R0_EL1   S3_0_C12_C9_0
#define ICC_DIR_EL1     S3_0_C12_C11_1
#define ICC_RPR_EL1     S3_0_C12_C11_3
#define ICC_SGI1R_EL1   S3_0_C12_C11_5
#define ICC_ASGI1R_EL1  S3_0_C12_C11_6
#define ICC_SGI0R_EL1   S3_0_C12_C11_7
#define ICC_IAR1_EL1    S3_0_C12_C12_0
#define ICC_EOIR1_EL1   S3_0_C12_C12_1
#define ICC_CTLR_EL1    S3_0_C12_C12_4
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define icc_read(name)  sysreg_read(name)
#define icc_write(name, value)     \
    do {                           \
        sysreg_write(name, value); \
        isb();                     \
    } while (0)

static uintptr_t gicd, gicr;

static inline void gic_find(void)
{
    const int node = fdt_find_compatible(FDT_NONE, "arm,gic-v3");
    uint64_t first = 0, second = 0, size;

    fdt_reg(node, 0, &first, &size);
    fdt_reg(node, 1, &second, &size);
    gicd = (uintptr_t)first;
    gicr = (uintptr_t)second;
}

static inline volatile uint32_t *word(uintptr_t base, uint32_t offset)
{
    return (volatile uint32_t *)(base + offset);
}

/* How often the hypervisor has run for this vCPU, but for hypercalls such as these. */
static inline unsigned long exits(void)
{
    unsigned long sum = 0;

    for (unsigned long reason = 0; reason <= 6; reason++) {
        register unsigned long x0 __asm__("x0") = 0xc6000041;
        register unsigned long x1 __asm__("x1") = reason;

        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1)::"x2", "x3", "memory");
        sum += reason != 1 ? x1 : 0;
    }
    return sum;
}

/* The PL031: its alarm comes at once where the time is right already. */
enum { RTC_TIME = 0, RTC_MATCH = 1, RTC_ENABLED = 4, RTC_CLEAR = 7 };
static volatile uint32_t *rtc;
static volatile uint32_t alarms;

static inline void alarm(uint32_t irq)
{
    (void)irq;
    rtc[RTC_CLEAR] = 1;
    alarms++;
}

/* Gives its interrupt. */
static inline uint32_t rtc_open(void)
{
    const int node = fdt_find_compatible(FDT_NONE, "arm,pl031");
    uint64_t base = 0, size;

    fdt_reg(node, 0, &base, &size);
    rtc = (volatile uint32_t *)(uintptr_t)base;
    rtc[RTC_CLEAR] = 1;
    rtc[RTC_ENABLED] = 1;
    return fdt_interrupt(node, 0);
}

static inline void rtc_fire(void)
{
    rtc[RTC_MATCH] = rtc[RTC_TIME];
}

#endif
