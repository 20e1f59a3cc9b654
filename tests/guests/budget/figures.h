// SPDX-License-Identifier: Apache-2.0
/* What the hypervisor says of this vCPU's budget (docs/abi), and how this vCPU sees time pass. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

enum figure { GRANTED, USED, THROTTLES, LONGEST, PASSES, DRAWN };

#ifdef __riscv
#include "sbi.h"

/* Wait for an interrupt in the hypervisor, where the stand-in for memory, the CPU's cycles, is not counted. */
static inline void rest(void)
{
    sbi_call(SBI_HSM, 3, 0, 0, 0, 0, 0);
}

static inline void reset(void)
{
    sbi_call(SBI_SRST, 0, 1, 0, 0, 0, 0);
}

static inline long hypercall(unsigned long number, unsigned long argument, unsigned long *value)
{
    struct sbi_result found = sbi_call(SBI_BAO, number, argument, 0, 0, 0, 0);

    *value = (unsigned long)found.value;
    return found.error;
}
#else
#include "psci.h"

static inline void rest(void)
{
    psci_call(0xc4000001, 0, 0, 0);
}

static inline void reset(void)
{
    psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
}

static inline long hypercall(unsigned long number, unsigned long argument, unsigned long *value)
{
    register unsigned long x0 __asm__("x0") = 0xc6000000ul + number;
    register unsigned long x1 __asm__("x1") = argument;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1)::"x2", "x3", "memory");
    *value = x1;
    return (long)x0;
}
#endif

static inline unsigned long figure(enum figure which)
{
    unsigned long value = 0;

    return hypercall(0x41, 0x100 + which, &value) == 0 ? value : 0;
}

#endif
