// SPDX-License-Identifier: Apache-2.0
/*
 * The image's header, and the way of each CPU from the firmware to C.
 *
 * Header: "Booting AArch64 Linux" (kernel documentation, arch/arm64/booting), so that what boots Linux boots us. Entered at
 * EL2 with the MMU off. The MMU goes on before anything is written: what the caches hold of the image is clean, and from
 * then on all CPUs see the same. The tables are constant and lie in the image.
 */
#include "arch/cpu.h"
#include "plan.h"

        .section .head, "ax"
        .globl _start
_start:
        b boot
        .word 0
        .quad PLAN_TEXT_OFFSET                  /* of the load address from a 2 MiB boundary */
        .quad PLAN_IMAGE_END - PLAN_LOAD        /* memory that the image needs */
        .quad 2                                 /* little endian, 4 KiB pages, not anywhere: booti moves it there */
        .quad 0, 0, 0
        .ascii "ARM\x64"
        .word 0

/* Memory: 0 device nGnRnE, 1 normal write-back. The emitters of the tables know these numbers. */
#define MAIR 0xff00

        .macro mmu_on                           /* clobbers x9 */
        mov x9, #MAIR
        msr mair_el2, x9
        ldr x9, =PLAN_TCR
        msr tcr_el2, x9
        ldr x9, =PLAN_STAGE1
        msr ttbr0_el2, x9
        ic iallu
        tlbi alle2
        dsb nsh
        isb
        ldr x9, =EL2_SCTLR
        msr sctlr_el2, x9
        isb
        .endm

        .macro vectors_at symbol
        adrp x9, \symbol
        add x9, x9, :lo12:\symbol
        msr vbar_el2, x9
        .endm

/*
 * The first CPU. All up to where the MMU is on is in the page at the load address, and reaches nothing beyond it: with
 * cache colours the others lie elsewhere than they are linked.
 */
boot:
        msr daifset, #15
        mrs x9, CurrentEL
        cmp x9, #8
        b.ne wrong_level
        msr tpidr_el2, xzr                      /* no struct cpu yet */
        adr x0, _start
        ldr x1, =PLAN_LOAD
        cmp x0, x1
        b.ne misplaced
        msr spsel, #1
        bl probe_memory                         /* -> x0: address that is missing, 0: none */
        mov x20, x0
        mmu_on
        vectors_at vectors
        adrp x9, boot_stack_top
        add x9, x9, :lo12:boot_stack_top
        mov sp, x9
        mov x0, x20
        bl boot_prepare                         /* (missing memory) -> this CPU's struct cpu, or 0: it has none */
        mov x19, x0
        bl boot_start_others                    /* (own struct cpu or 0) */
        mov x0, x19
        cbnz x0, cpu_enter
        b boot_leave

/* Every other CPU: x0 = its struct cpu. */
        .globl cpu_start
cpu_start:
        msr daifset, #15
        msr spsel, #1
        mmu_on
cpu_on:
        vectors_at vectors
cpu_enter:
        msr tpidr_el2, x0
        ldr x9, [x0, #CPU_STACK]
        mov sp, x9
        b cpu_main                              /* (struct cpu) */

/* A CPU held by a spin table has no argument: it looks for itself. One that is not planned may share a word of the table. */
        .globl cpu_start_spin
cpu_start_spin:
        msr daifset, #15
        msr spsel, #1
        mmu_on
        adrp x9, boot_ids
        add x9, x9, :lo12:boot_ids
        adrp x0, cpus
        add x0, x0, :lo12:cpus
        adrp x12, boot_cpu_size
        ldr x12, [x12, :lo12:boot_cpu_size]
        mrs x10, mpidr_el1
        ldr x11, =0xff00ffffff
        and x10, x10, x11
        mov x13, #PLAN_CPUS
1:      ldr x11, [x9], #8
        cmp x11, x10
        b.eq cpu_on
        add x0, x0, x12
        subs x13, x13, #1
        b.ne 1b
2:      wfi
        b 2b

/* Read the last planned word of each bank while the MMU is off. */
probe_memory:
        vectors_at probe_vectors
        isb
        adr x10, boot_probes
1:      ldr x0, [x10], #8
        cbz x0, 2f
        ldr x11, [x0]
        dsb sy
        b 1b
2:      ret

        .balign 2048
probe_vectors:                                  /* current EL, SPx: synchronous and SError; x0 is what was tried */
        .skip 0x200
        ret
        .balign 128
        .skip 0x100
        ret

wrong_level:                                    /* x9: CurrentEL */
        adr x19, text_el1
        cmp x9, #8
        b.lo say
        adr x19, text_el3
        mrs x10, mpidr_el1
        tst x10, #0xffffff
        b.ne 2f                                 /* out of reset all CPUs come here at once: the first speaks */
        b say
misplaced:
        adr x19, text_loaded
/* There is neither a stack nor the driver: a byte, then as long as it may take at 115200 baud. */
say:
        ldr x9, =PLAN_UART_TX
1:      ldrb w0, [x19], #1
        cbz w0, 3f
        cbz x9, 3f
        str w0, [x9]
        mov w10, #0x40000
2:      subs w10, w10, #1
        b.ne 2b
        b 1b
3:      wfi
        b 3b

text_el1:
        .asciz "bulkhead: started at EL1, not at EL2: this board has no virtualisation, or its firmware keeps it\r\n"
text_el3:
        .asciz "bulkhead: started at EL3, not at EL2: the board's firmware has to run first\r\n"
text_loaded:
        .asciz "bulkhead: not loaded where this image was built for; see `load:` in the board's board.yaml\r\n"
        .balign 8
        .ltorg

        .section .bss
        .balign 16
        .skip 1024
boot_stack_top:
