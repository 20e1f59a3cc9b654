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
    sd      ra, 24(sp)
    sd      t0, 32(sp)
    sd      t1, 40(sp)
    sd      t2, 48(sp)
    sd      t3, 56(sp)
    sd      t4, 64(sp)
    sd      t5, 72(sp)
    sd      t6, 80(sp)
    sd      a0, 88(sp)
    sd      a1, 96(sp)
    sd      a2, 104(sp)
    sd      a3, 112(sp)
    sd      a4, 120(sp)
    sd      a5, 128(sp)
    sd      a6, 136(sp)
    sd      a7, 144(sp)
    csrr    t0, sepc            // struct trap
    sd      t0, 0(sp)
    csrr    t0, scause
    sd      t0, 8(sp)
    csrr    t0, stval
    sd      t0, 16(sp)
    mv      a0, sp
    call    trap_handle
    ld      t0, 0(sp)
    csrw    sepc, t0
    ld      ra, 24(sp)
    ld      t0, 32(sp)
    ld      t1, 40(sp)
    ld      t2, 48(sp)
    ld      t3, 56(sp)
    ld      t4, 64(sp)
    ld      t5, 72(sp)
    ld      t6, 80(sp)
    ld      a0, 88(sp)
    ld      a1, 96(sp)
    ld      a2, 104(sp)
    ld      a3, 112(sp)
    ld      a4, 120(sp)
    ld      a5, 128(sp)
    ld      a6, 136(sp)
    ld      a7, 144(sp)
    addi    sp, sp, FRAME_SIZE
    sret

    .section .bss.stacks, "aw", @nobits
    .balign 16
stacks:
    .space  STACKS << STACK_SHIFT
