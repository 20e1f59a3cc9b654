// SPDX-License-Identifier: Apache-2.0
/* What the rogue does in assembly, for RISC-V. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

/* Nothing but a return: where a call to a bad address goes on. */
void rogue_return(void);

/*
 * Executes one instruction with x1 to x31 from `before`, and stores them to `after`. sp, gp and tp keep their values,
 * which are filled into `before`. A compressed instruction has a c.nop in the upper half.
 */
void rogue_run(uint32_t opcode, unsigned long before[32], unsigned long after[32]);

/*
 * Fills f0 to f31, makes an SBI call and a trapped byte read at `uart`, and returns a bit for each register that is not
 * what it was.
 */
unsigned long rogue_float(unsigned long uart);

__asm__(".text\n"
        ".option push\n"
        ".option norelax\n"
        ".option norvc\n"
        ".global rogue_return\n"
        "rogue_return:\n"
        "    ret\n"

        ".global rogue_run\n"
        "rogue_run:\n"
        "    addi sp, sp, -128\n"
        "    sd ra, 0(sp)\n"
        "    sd gp, 8(sp)\n"
        "    sd tp, 16(sp)\n"
        "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11\n"
        "    sd s\\n, 24 + 8 * \\n(sp)\n"
        "    .endr\n"
        "    sd sp, 16(a1)\n"
        "    sd gp, 24(a1)\n"
        "    sd tp, 32(a1)\n"
        "    la t0, rogue_slot\n"
        "    sw a0, 0(t0)\n"
        "    sd sp, 8(t0)\n"
        "    fence.i\n"
        "    csrw sscratch, a2\n"
        "    mv x31, a1\n"
        "    ld x1, 8(x31)\n"
        "    .irp n,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    ld x\\n, 8 * \\n(x31)\n"
        "    .endr\n"
        "    j rogue_slot\n"
        "rogue_after:\n"
        "    csrrw x31, sscratch, x31\n"
        "    .irp n,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
        "    sd x\\n, 8 * \\n(x31)\n"
        "    .endr\n"
        "    csrr t0, sscratch\n"
        "    sd t0, 248(x31)\n"
        "    la t0, rogue_slot\n"
        "    ld sp, 8(t0)\n"
        "    ld ra, 0(sp)\n"
        "    ld gp, 8(sp)\n"
        "    ld tp, 16(sp)\n"
        "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11\n"
        "    ld s\\n, 24 + 8 * \\n(sp)\n"
        "    .endr\n"
        "    addi sp, sp, 128\n"
        "    ret\n"

        ".global rogue_float\n"
        "rogue_float:\n"
        "    .option arch, +d\n"
        "    mv t2, a0\n"
        "    li t0, 0x6000\n" /* sstatus.FS */
        "    csrs sstatus, t0\n"
        "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    li t0, 0x40123456789ab000 + \\n\n"
        "    fmv.d.x f\\n, t0\n"
        "    .endr\n"
        "    li a7, 0x10\n"
        "    li a6, 0\n"
        "    ecall\n"
        "    lbu t0, 0(t2)\n"
        "    li a0, 0\n"
        "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    li t0, 0x40123456789ab000 + \\n\n"
        "    fmv.x.d t1, f\\n\n"
        "    sub t0, t0, t1\n"
        "    snez t0, t0\n"
        "    slli t0, t0, \\n\n"
        "    or a0, a0, t0\n"
        "    .endr\n"
        "    ret\n"
        ".option pop\n"

        ".section .data.rogue_slot, \"aw\"\n"
        ".option push\n"
        ".option norvc\n"
        ".balign 8\n"
        "rogue_slot:\n"
        "    .word 0x13\n"
        "    j rogue_after\n"
        "    .dword 0\n" /* sp meanwhile */
        ".option pop\n"
        ".text\n");

#endif
