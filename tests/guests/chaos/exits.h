// SPDX-License-Identifier: Apache-2.0
/* How often the hypervisor has run for this vCPU, by reason; the order is that of docs/abi. */
#ifndef EXITS_H
#define EXITS_H

#if defined(__riscv)
#include "sbi.h"

static inline unsigned long exits(unsigned reason)
{
    return (unsigned long)sbi_call(SBI_BAO, 0x41, reason, 0, 0, 0, 0).value;
}
#else
#include "psci.h"

static inline unsigned long exits(unsigned reason)
{
    register unsigned long x0 __asm__("x0") = 0xc6000041;
    register unsigned long x1 __asm__("x1") = reason;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1)::"x2", "x3", "memory");
    return x1;
}
#endif

enum { EXITS_HYPERCALL = 1, EXITS_MMIO = 2, EXITS_REASONS = 7 };

#endif
