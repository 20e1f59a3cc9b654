// SPDX-License-Identifier: Apache-2.0
/* AArch64's part of struct cpu, and the offsets by which the vectors reach it. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

/* Offsets in struct arch_cpu. */
#define CPU_X(n)  ((n)*8)
#define CPU_STACK (32 * 8)

#define EL2_SCTLR 0x30cd183d /* SCTLR_EL2: RES1; MMU, caches, stack alignment, no write and execute */

#ifndef __ASSEMBLER__
#define ARCH_CPU_WORD "MPIDR" /* what messages call it */

#include <stdint.h>

struct cpu;

struct arch_cpu {
    uint64_t x[32]; /* the guest's registers while the hypervisor runs; x[31] stays 0: the zero register */
    uint64_t stack; /* address just above this CPU's stack */
};

/* Interrupt another CPU, or this one, so that it looks at its events. */
void arch_kick(struct cpu *cpu);

/* Enter the guest with all its registers from this CPU's struct cpu; the stack is left. */
_Noreturn void trap_return(void);
#endif

#endif
