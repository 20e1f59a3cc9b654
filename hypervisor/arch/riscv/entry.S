// SPDX-License-Identifier: Apache-2.0
/*
 * The image's header, and the way of each hart from the firmware to C.
 *
 * Header: "Boot image header in RISC-V Linux" (kernel documentation, arch/riscv/boot-image-header), so that what boots
 * Linux boots us. Entered by SBI's fw_dynamic or a boot loader: a0 = hart id, a1 = DTB (not used), satp = 0.
 */
#include "arch/cpu.h"
#include "arch/csr.h"
#include "plan.h"

        .section .head, "ax"
        .globl _start
_start:
        j boot
        .balign 8
        .dword PLAN_TEXT_OFFSET                 /* of the load address from the start of RAM */
        .dword PLAN_IMAGE_END - PLAN_LOAD       /* memory that the image needs */
        .dword 0                                /* flags: little endian */
        .word 2                                 /* header version 0.2 */
        .word 0
        .dword 0
        .ascii "RISCV\0\0\0"
        .ascii "RSC\x05"
        .word 0

/*
 * The first hart. All up to where the tables are active is in the page at the load address, and reaches nothing beyond it:
 * with cache colours the others lie elsewhere than they are linked.
 */
boot:
        csrw sie, zero
        csrw sscratch, zero                     /* no struct cpu yet */
        lla t0, _start
        li t1, PLAN_LOAD
        bne t0, t1, misplaced
        lla t2, probe_fault                     /* until there is a struct cpu */
        csrw stvec, t2
        mv s0, a0
        lla s1, boot_probes
        li s2, 0                                /* one bit for each that is missing */
        li s3, 1
1:      REG_L a0, 0(s1)
        beqz a0, 3f
        jal probe_read
        bnez a0, 2f
        or s2, s2, s3
2:      slli s3, s3, 1
        addi s1, s1, 8
        j 1b
3:      li a1, 0
        j tables_on
first_hart:
        lla t0, boot_trap
        csrw stvec, t0
        lla sp, boot_stack_top
        mv a0, s0
        mv a1, s2
        jal boot_prepare                        /* (hart id, memory missing) -> this hart's struct cpu, or 0: it has none */
        mv s1, a0
        jal boot_start_others                   /* (own struct cpu or 0) */
        mv a1, s1
        bnez a1, hart_enter
        li a7, 0x48534d                         /* not planned: HSM hart_stop */
        li a6, 1
        ecall
1:      wfi
        j 1b

/* Every other hart: a0 = hart id, a1 = its struct cpu. */
        .globl hart_start
hart_start:
        csrw sie, zero
tables_on:
        li t0, PLAN_STAGE1
        csrw satp, t0
        sfence.vma
        beqz a1, first_hart
hart_enter:
        lla t0, trap_entry
        csrw stvec, t0
        csrw sscratch, a1
        REG_L sp, CPU_STACK(a1)
        mv a0, a1
        tail hart_main                          /* (struct cpu) */

/*
 * Probing while there is no struct cpu: an access that faults makes the function that tried it return 0.
 */
probe_read:                                     /* (address) -> 1: there is memory */
        lw zero, 0(a0)
        li a0, 1
        ret
        .globl probe_hypervisor
probe_hypervisor:                               /* () -> 1: this hart has the H extension */
        lla t0, probe_fault
        csrrw t0, stvec, t0
        mv t1, ra
        jal probe_hgatp
        csrw stvec, t0
        jr t1
probe_hgatp:
        csrr a0, hgatp
        li a0, 1
        ret
        .balign 4
probe_fault:
        li a0, 0
        ret

/* Any other trap before there is a struct cpu. */
        .balign 4
boot_trap:
        mv a0, sp
        lla sp, boot_stack_top
        tail trap_panic                         /* (sp as it was) */

/* Not where we were linked: say so through the firmware's console, then stop. */
misplaced:
        mv s0, t0
        lla s1, text_loaded
        jal put_text
        mv s2, s0
        jal put_hex
        lla s1, text_linked
        jal put_text
        li s2, PLAN_LOAD
        jal put_hex
        lla s1, text_end
        jal put_text
        li a7, 0x53525354                       /* SRST: shutdown, system failure */
        li a6, 0
        li a0, 0
        li a1, 1
        ecall
1:      wfi
        j 1b

put_char:                                       /* a0; DBCN console_write_byte */
        li a7, 0x4442434e
        li a6, 2
        ecall
        ret
put_text:                                       /* s1 */
        mv s3, ra
1:      lbu a0, 0(s1)
        beqz a0, 2f
        jal put_char
        addi s1, s1, 1
        j 1b
2:      jr s3
put_hex:                                        /* s2 */
        mv s3, ra
        li s4, __riscv_xlen
1:      addi s4, s4, -4
        srl a0, s2, s4
        andi a0, a0, 15
        li t0, 10
        blt a0, t0, 2f
        addi a0, a0, 'a' - '0' - 10
2:      addi a0, a0, '0'
        jal put_char
        bnez s4, 1b
        jr s3

text_loaded: .asciz "bulkhead: loaded at 0x"
text_linked: .asciz ", but this image was built for 0x"
text_end:    .asciz "; load it there, or set `load:` in the board's board.yaml\r\n"

        .section .bss
        .balign 16
        .skip 1024
boot_stack_top:
