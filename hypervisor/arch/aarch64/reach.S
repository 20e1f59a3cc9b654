// SPDX-License-Identifier: Apache-2.0
/*
 * Translating a guest's address, and reading one word of what it names. Whatever goes wrong on the way - the walk meets a
 * bus error, or the word does - is an exception at this level: vectors.S then goes on at x10, as it does for nothing else.
 * elr_el2, spsr_el2 and the syndrome registers are those of the last exception then: the caller keeps what it needs.
 */
#include "arch/cpu.h"

#define PAR_FAILED 1
#define EL2_MMU    1                            /* SCTLR_EL2.M */

        .text
        .globl reach_begin
reach_begin:

/* (address) -> PAR_EL1 of it; bit 0: there is no translation. PAR_EL1 itself is the guest's and stays. */
        .macro translate name, stages
        .globl \name
\name:
        mrs x9, par_el1
        adr x10, 1f
        at \stages, x0
        isb
        mrs x0, par_el1
        b 2f
1:      mov x0, #PAR_FAILED
2:      msr par_el1, x9
        isb
        ret
        .endm

        translate reach_ipa, s1e1r              /* by the guest's tables alone */
        translate reach_phys, s12e1r            /* by stage 2 as well */

/*
 * (physical address) -> the 32-bit word there; all ones in 64 bits: the bus has refused it.
 * The hypervisor's tables map no guest memory, so the MMU is off for this one load: addresses are physical, and the caches
 * are not asked. What they hold of the word is written back first. No memory but the word is touched meanwhile, and verify
 * knows these instructions one by one.
 */
        .macro set_sctlr value
        mov x9, #(\value) & 0xffff
        movk x9, #(\value) >> 16, lsl #16
        msr sctlr_el2, x9
        isb
        .endm

        .globl reach_word
reach_word:
        adr x10, 1f
        set_sctlr EL2_SCTLR & ~EL2_MMU
        dc cvac, x0
        dsb sy
        ldr w0, [x0]
        dsb sy
        b 2f
1:      mov x0, #-1
2:      set_sctlr EL2_SCTLR
        ret

        .globl reach_end
reach_end:
