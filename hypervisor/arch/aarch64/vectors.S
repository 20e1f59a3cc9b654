// SPDX-License-Identifier: Apache-2.0
/*
 * The way into the hypervisor and back.
 *
 * tpidr_el2 always holds this CPU's struct cpu, and while a guest runs the stack is empty. What C may clobber is saved; an
 * access to be emulated, which may need any register, saves the rest as well.
 */
#include "arch/cpu.h"
#include "plan.h"

#define PANIC_STACK 1024 /* bytes that a panic needs */

        .macro save_for_c
        stp x0, x1, [sp, #-16]!
        mrs x0, tpidr_el2
        stp x2, x3, [x0, #CPU_X(2)]
        stp x4, x5, [x0, #CPU_X(4)]
        ldp x2, x3, [sp], #16
        stp x2, x3, [x0, #CPU_X(0)]
        stp x6, x7, [x0, #CPU_X(6)]
        stp x8, x9, [x0, #CPU_X(8)]
        stp x10, x11, [x0, #CPU_X(10)]
        stp x12, x13, [x0, #CPU_X(12)]
        stp x14, x15, [x0, #CPU_X(14)]
        stp x16, x17, [x0, #CPU_X(16)]
        stp x18, x30, [x0, #CPU_X(18)]          /* x30 in the place of x19: see trap_return_c */
        .endm

        .text
        .balign 2048
        .globl vectors
vectors:
        /* Current EL with SP0: never used. */
        .rept 4
        b own
        .balign 128
        .endr
        /* Current EL: a bug, wherever it comes from. */
        .rept 4
        b own
        .balign 128
        .endr
        /* A guest in AArch64, then one in AArch32: a program at EL0 may be. */
        .rept 2
        save_for_c
        mrs x1, esr_el2
        lsr x2, x1, #26
        adr x30, trap_return_c
        cmp x2, #0x16
        b.eq trap_call                          /* (struct cpu, syndrome): HVC */
        cmp x2, #0x17
        b.eq trap_call                          /* SMC */
        b other
        .balign 128
        save_for_c
        adr x30, trap_return_c
        b trap_interrupt                        /* (struct cpu) */
        .balign 128
        save_for_c
        adr x30, trap_return_c
        b trap_interrupt
        .balign 128
        save_for_c
        b serror
        .balign 128
        .endr

        .macro save_rest                        /* clobbers x2 */
        ldr x2, [x0, #CPU_X(19)]
        stp x19, x20, [x0, #CPU_X(19)]
        stp x21, x22, [x0, #CPU_X(21)]
        stp x23, x24, [x0, #CPU_X(23)]
        stp x25, x26, [x0, #CPU_X(25)]
        stp x27, x28, [x0, #CPU_X(27)]
        stp x29, x2, [x0, #CPU_X(29)]
        .endm

serror:
        save_rest
        b trap_serror                           /* (struct cpu), does not return: its report shows all registers */
other:
        save_rest
        bl trap_exception                       /* (struct cpu, syndrome) */
        .globl trap_return
trap_return:
        mrs x0, tpidr_el2
        ldr x2, [x0, #CPU_STACK]
        mov sp, x2
        ldp x20, x21, [x0, #CPU_X(20)]
        ldp x22, x23, [x0, #CPU_X(22)]
        ldp x24, x25, [x0, #CPU_X(24)]
        ldp x26, x27, [x0, #CPU_X(26)]
        ldp x28, x29, [x0, #CPU_X(28)]
        ldr x19, [x0, #CPU_X(19)]
        ldr x30, [x0, #CPU_X(30)]
        ldr x18, [x0, #CPU_X(18)]
        b 1f
trap_return_c:
        mrs x0, tpidr_el2
        ldp x18, x30, [x0, #CPU_X(18)]
1:      ldp x2, x3, [x0, #CPU_X(2)]
        ldp x4, x5, [x0, #CPU_X(4)]
        ldp x6, x7, [x0, #CPU_X(6)]
        ldp x8, x9, [x0, #CPU_X(8)]
        ldp x10, x11, [x0, #CPU_X(10)]
        ldp x12, x13, [x0, #CPU_X(12)]
        ldp x14, x15, [x0, #CPU_X(14)]
        ldp x16, x17, [x0, #CPU_X(16)]
        ldp x0, x1, [x0, #CPU_X(0)]
        eret

own:
        mrs x16, elr_el2
        adrp x17, reach_begin
        add x17, x17, :lo12:reach_begin
        cmp x16, x17
        b.lo 1f
        adrp x17, reach_end
        add x17, x17, :lo12:reach_end
        cmp x16, x17
        b.lo reach_failed
1:      msr spsel, #1
        mrs x3, tpidr_el2
        mov x0, sp
        cbz x3, 2f                              /* while booting: the boot stack */
        ldr x3, [x3, #CPU_STACK]
        sub x2, x3, x0
        cmp x2, #PLAN_STACK_SIZE - PANIC_STACK
        b.lo 2f                                 /* it is on its stack, with room: what lies there is shown */
        mov sp, x3                              /* it may have met its guard page */
2:      b trap_panic                            /* (sp as it was) */

/* On the way to a guest's memory (reach.S), which says where to go on; maybe with the MMU off. */
reach_failed:
        br x10
