// SPDX-License-Identifier: Apache-2.0
/*
 * The first instructions of the guest, and its trap entry. S-mode, no address translation.
 *
 * tp holds the CPU's number throughout. Uninitialised data needs no clearing: it is zeros in the image already.
 */
#include "layout.h"

    .section .text.start, "ax"
    .global _start
_start:                         // a0 = hart id, a1 = device tree (SBI 2.0, chapter 3)
    la      t2, start_first
    j       enter

    .global _start_secondary
_start_secondary:               // a0 = hart id, a1 = what sbi_hart_start was given: the function to call
    mv      t2, a1

enter:
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    mv      tp, a0
    li      t0, STACKS          // no stack for this one
    bgeu    a0, t0, rest
    la      sp, stacks
    addi    t0, a0, 1
    slli    t0, t0, STACK_SHIFT
    add     sp, sp, t0
    la      t0, trap_entry
    csrw    stvec, t0
    csrw    sie, zero
    csrci   sstatus, 2          // SIE
    mv      a0, a1
    jalr    t2
rest:
    wfi
    j       rest

    // Saves what a C function may change, and calls trap_handle(struct trap *). Traps do not nest.
    .balign 4
trap_entry:
    addi    sp, sp, -FRAME_SIZE
    REG_S   ra, 3 * REG(sp)
    REG_S   t0, 4 * REG(sp)
    REG_S   t1, 5 * REG(sp)
    REG_S   t2, 6 * REG(sp)
    REG_S   t3, 7 * REG(sp)
    REG_S   t4, 8 * REG(sp)
    REG_S   t5, 9 * REG(sp)
    REG_S   t6, 10 * REG(sp)
    REG_S   a0, 11 * REG(sp)
    REG_S   a1, 12 * REG(sp)
    REG_S   a2, 13 * REG(sp)
    REG_S   a3, 14 * REG(sp)
    REG_S   a4, 15 * REG(sp)
    REG_S   a5, 16 * REG(sp)
    REG_S   a6, 17 * REG(sp)
    REG_S   a7, 18 * REG(sp)
    csrr    t0, sepc            // struct trap
    REG_S   t0, 0 * REG(sp)
    csrr    t0, scause
    REG_S   t0, 1 * REG(sp)
    csrr    t0, stval
    REG_S   t0, 2 * REG(sp)
    mv      a0, sp
    call    trap_handle
    REG_L   t0, 0 * REG(sp)
    csrw    sepc, t0
    REG_L   ra, 3 * REG(sp)
    REG_L   t0, 4 * REG(sp)
    REG_L   t1, 5 * REG(sp)
    REG_L   t2, 6 * REG(sp)
    REG_L   t3, 7 * REG(sp)
    REG_L   t4, 8 * REG(sp)
    REG_L   t5, 9 * REG(sp)
    REG_L   t6, 10 * REG(sp)
    REG_L   a0, 11 * REG(sp)
    REG_L   a1, 12 * REG(sp)
    REG_L   a2, 13 * REG(sp)
    REG_L   a3, 14 * REG(sp)
    REG_L   a4, 15 * REG(sp)
    REG_L   a5, 16 * REG(sp)
    REG_L   a6, 17 * REG(sp)
    REG_L   a7, 18 * REG(sp)
    addi    sp, sp, FRAME_SIZE
    sret

    .section .bss.stacks, "aw", @nobits
    .balign 16
stacks:
    .space  STACKS << STACK_SHIFT
