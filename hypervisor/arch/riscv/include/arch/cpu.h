// SPDX-License-Identifier: Apache-2.0
/* RISC-V's part of struct cpu, and the offsets by which the trap code reaches it. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#if __riscv_xlen == 64
#define REG_L     ld
#define REG_S     sd
#define REG_BYTES 8
#else
#define REG_L     lw
#define REG_S     sw
#define REG_BYTES 4
#endif

/* Offsets in struct arch_cpu. */
#define CPU_STACK   (32 * REG_BYTES)
#define CPU_SCRATCH (33 * REG_BYTES)
#define CPU_FIXUP   (34 * REG_BYTES)

#ifndef __ASSEMBLER__
#define ARCH_CPU_WORD "hart" /* what messages call it */

#include <stdbool.h>
#include <stdint.h>

typedef unsigned long ureg_t; /* a register */

struct cpu;

struct arch_cpu {
    ureg_t x[32];   /* the guest's registers while the hypervisor runs; x[0] stays 0 */
    ureg_t stack;   /* address just above this CPU's stack */
    ureg_t scratch; /* of the trap entry */
    ureg_t fixup;   /* where to go on when the guest access under way faults; 0: none is under way */
    ureg_t hie;     /* of the guest, while it is quiet */
    bool counts;    /* the guest has used the performance counters */
};

/* Interrupt another hart, or this one, so that it looks at its events. */
void arch_kick(struct cpu *cpu);

/*
 * Enter the guest at pc with `arg` as its boot ABI has it and all else fresh, but for what is pending: the interrupt that
 * ends a suspension is still there for the guest.
 */
_Noreturn void vcpu_enter(struct cpu *cpu, uint64_t pc, uint64_t arg);

/* Enter the guest with all its registers from this hart's struct cpu; the stack is left. */
_Noreturn void trap_return(void);
#endif

#endif
