// SPDX-License-Identifier: Apache-2.0
/* What the rogue does on RISC-V. */
#ifndef RISCV_H
#define RISCV_H

#include <stddef.h>
#include <stdint.h>

#include "sbi.h"
#include "string.h"

#define MACHINE_FIRST 1 /* registers that `run` compares */
#define MACHINE_LAST  31
#define MACHINE_CAUSE "%lu"

/* Nothing but a return: where a call to a bad address goes on. */
void rogue_return(void);

/*
 * Executes one instruction with x1 to x31 from `before`, and stores them to `after`. sp, gp and tp keep their values,
 * which are filled into `before`. A compressed instruction has a c.nop in the upper half.
 */
void rogue_run(uint32_t opcode, unsigned long before[32], unsigned long after[32]);

/*
 * Fills f0 to f31, makes an SBI call and a trapped byte read of the `uart`, and returns a bit for each register that is not
 * what it was.
 */
unsigned long rogue_float(unsigned long uart);

#if __riscv_xlen == 64
#define MACHINE                             \
    ".macro save reg, index, base\n"        \
    "    sd \\reg, 8 * (\\index)(\\base)\n" \
    ".endm\n"                               \
    ".macro restore reg, index, base\n"     \
    "    ld \\reg, 8 * (\\index)(\\base)\n" \
    ".endm\n"                               \
    ".macro to_float reg, value\n"          \
    "    fmv.d.x \\reg, \\value\n"          \
    ".endm\n"                               \
    ".macro from_float value, reg\n"        \
    "    fmv.x.d \\value, \\reg\n"          \
    ".endm\n"                               \
    ".equ pattern, 0x40123456789ab000\n"
#else
#define MACHINE                             \
    ".macro save reg, index, base\n"        \
    "    sw \\reg, 4 * (\\index)(\\base)\n" \
    ".endm\n"                               \
    ".macro restore reg, index, base\n"     \
    "    lw \\reg, 4 * (\\index)(\\base)\n" \
    ".endm\n"                               \
    ".macro to_float reg, value\n"          \
    "    fmv.w.x \\reg, \\value\n"          \
    ".endm\n"                               \
    ".macro from_float value, reg\n"        \
    "    fmv.x.w \\value, \\reg\n"          \
    ".endm\n"                               \
    ".equ pattern, 0x40123000\n"
#endif

__asm__(MACHINE ".text\n"
                ".option push\n"
                ".option norelax\n"
                ".option norvc\n"
                ".global rogue_return\n"
                "rogue_return:\n"
                "    ret\n"

                ".global rogue_run\n"
                "rogue_run:\n"
                "    addi sp, sp, -128\n"
                "    save ra, 0, sp\n"
                "    save gp, 1, sp\n"
                "    save tp, 2, sp\n"
                "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11\n"
                "    save s\\n, 3+\\n, sp\n"
                "    .endr\n"
                "    save sp, 2, a1\n"
                "    save gp, 3, a1\n"
                "    save tp, 4, a1\n"
                "    la t0, rogue_slot\n"
                "    sw a0, 0(t0)\n"
                "    la t1, rogue_sp\n"
                "    save sp, 0, t1\n"
                "    fence.i\n"
                "    csrw sscratch, a2\n"
                "    mv x31, a1\n"
                "    restore x1, 1, x31\n"
                "    .irp n,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
                "    restore x\\n, \\n, x31\n"
                "    .endr\n"
                "    j rogue_slot\n"
                "rogue_after:\n"
                "    csrrw x31, sscratch, x31\n"
                "    .irp n,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
                "    save x\\n, \\n, x31\n"
                "    .endr\n"
                "    csrr t0, sscratch\n"
                "    save t0, 31, x31\n"
                "    la t0, rogue_sp\n"
                "    restore sp, 0, t0\n"
                "    restore ra, 0, sp\n"
                "    restore gp, 1, sp\n"
                "    restore tp, 2, sp\n"
                "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11\n"
                "    restore s\\n, 3+\\n, sp\n"
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
                "    li t0, pattern + \\n\n"
                "    to_float f\\n, t0\n"
                "    .endr\n"
                "    li a7, 0x10\n"
                "    li a6, 0\n"
                "    ecall\n"
                "    lbu t0, 7(t2)\n"
                "    li a0, 0\n"
                "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
                "    li t0, pattern + \\n\n"
                "    from_float t1, f\\n\n"
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
                "rogue_sp:\n"
                "    .dword 0\n"
                ".option pop\n"
                ".text\n");

static inline bool machine_failed_to_fetch(const struct trap *trap)
{
    return trap->cause == 0 || trap->cause == 1 || trap->cause == 12;
}

/* Whether the exception is the end of a program of another level, and one that the program meant. */
static inline bool machine_comes_back(struct trap *trap)
{
    (void)trap;
    return false;
}

static inline bool machine_meant(const struct trap *trap)
{
    (void)trap;
    return false;
}

static inline unsigned machine_length(unsigned long pc)
{
    return (*(const uint16_t *)pc & 3) == 3 ? 4 : 2;
}

static inline void machine_prepare(unsigned long before[32], unsigned long base)
{
    before[11] = base;
    before[16] = SBI_BASE_SPEC_VERSION; /* for an ecall */
    before[17] = SBI_BASE;
}

static inline bool machine_command(const char *name, const unsigned long *words)
{
    if (strcmp(name, "sbi") != 0) {
        return false;
    }
    const struct sbi_result result = sbi_call(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
    printf("error %ld value 0x%lx\n", result.error, result.value);
    return true;
}

/* Calls that do what they say and would end the sweep. */
static inline bool meant(unsigned long extension, unsigned long function, unsigned long a0)
{
    return (extension == SBI_HSM && function == SBI_HSM_STOP) ||
           (extension == SBI_HSM && function == SBI_HSM_SUSPEND) ||
           (extension == SBI_SRST && function == 0 && (uint32_t)a0 <= 2) ||
           (extension == SBI_DBCN && function == SBI_DBCN_WRITE_BYTE);
}

static inline uint32_t machine_sweep(const unsigned long *edges, size_t count, uint32_t *strange)
{
    static const unsigned long extensions[] = {
        SBI_BASE,   SBI_TIME,   SBI_IPI,    SBI_RFENCE,
        SBI_HSM,    SBI_SRST,   SBI_DBCN,   SBI_PMU,
        SBI_BAO,    0,          1,          2,
        3,          4,          5,          6,
        7,          8,          9, /* the calls of SBI 0.1 */
        0x53555350, 0x43505043, 0x4e41434c, 0x535441,
        0x46574654, /* SUSP, CPPC, NACL, STA, FWFT */
        0x0a000000, 0x7fffffff, 0xffffffff, ~(~0ul >> 1),
        -1ul,
    };
    uint32_t calls = 0;

    for (size_t e = 0; e < sizeof extensions / sizeof *extensions; e++) {
        for (unsigned long f = 0; f < 12 + count; f++) {
            const unsigned long function = f < 12 ? f : edges[f - 12];
            for (size_t i = 0; i < 4 * count; i++) {
                const unsigned long a0 = edges[i % count], a1 = edges[(i + i / count * 5) % count];
                const unsigned long a2 = edges[(i + f) % count];
                if (meant(extensions[e], function, a0)) {
                    continue;
                }
                const struct sbi_result result = sbi_call(extensions[e], function, a0, a1, a2, a1, a0);
                calls++;
                if (extensions[e] == SBI_BAO ? (unsigned long)result.value > 3 && function != 0x41
                                             : result.error > 0 || result.error < -13) {
                    (*strange)++;
                    printf("strange: sbi 0x%lx %lu 0x%lx 0x%lx gives %ld\n", extensions[e], function, a0, a1,
                           result.error);
                }
            }
        }
    }
    return calls;
}

#endif
