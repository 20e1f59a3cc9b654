// SPDX-License-Identifier: Apache-2.0
/* What the rogue does on AArch64. */
#ifndef AARCH64_H
#define AARCH64_H

#include <stddef.h>
#include <stdint.h>

#include "psci.h"
#include "string.h"
#include "sysreg.h"
#include "timer.h"

#define MACHINE_FIRST 0 /* registers that `run` compares */
#define MACHINE_LAST  30
#define MACHINE_CAUSE "0x%lx" /* ESR_EL1 */

/* Nothing but a return: where a call to a bad address goes on. */
void rogue_return(void);

/* Executes one instruction with x0 to x30 from `before`, and stores them to `after`. */
void rogue_run(uint32_t opcode, unsigned long before[32], unsigned long after[32]);

/* Fills v0 to v31, makes a call and a trapped read of the `uart`, and returns a bit for each that is not what it was. */
unsigned long rogue_float(unsigned long uart);

/* Enters `program` at EL0 in AArch32 with r0 = `argument`, interrupts masked. Returns its r1 at the SVC that ends it. */
unsigned long rogue_aarch32(unsigned long program, unsigned long argument);
extern char rogue_back[]; /* where the exception handler goes on, at EL1 */

__asm__(".text\n"
        ".global rogue_return\n"
        "rogue_return:\n"
        "    ret\n"

        ".global rogue_run\n"
        "rogue_run:\n"
        "    stp x19, x20, [sp, #-96]!\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    adrp x3, rogue_slot\n"
        "    add x3, x3, :lo12:rogue_slot\n"
        "    str w0, [x3]\n"
        "    mov x4, sp\n"
        "    str x4, [x3, #8]\n"
        "    dc cvau, x3\n"
        "    dsb ish\n"
        "    ic ivau, x3\n"
        "    dsb ish\n"
        "    isb\n"
        "    msr tpidr_el0, x2\n"
        "    ldr x0, [x1]\n"
        "    .irp n,2,4,6,8,10,12,14,16,18,20,22,24,26,28\n"
        "    ldr x\\n, [x1, #8 * \\n]\n"
        "    .endr\n"
        "    .irp n,3,5,7,9,11,13,15,17,19,21,23,25,27,29,30\n"
        "    ldr x\\n, [x1, #8 * \\n]\n"
        "    .endr\n"
        "    ldr x1, [x1, #8]\n"
        "    b rogue_slot\n"
        "rogue_after:\n"
        "    msr tpidr_el1, x0\n"
        "    mrs x0, tpidr_el0\n"
        "    .irp n,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
        "    str x\\n, [x0, #8 * \\n]\n"
        "    .endr\n"
        "    mrs x1, tpidr_el1\n"
        "    str x1, [x0]\n"
        "    adrp x3, rogue_slot\n"
        "    add x3, x3, :lo12:rogue_slot\n"
        "    ldr x4, [x3, #8]\n"
        "    mov sp, x4\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp x19, x20, [sp], #96\n"
        "    ret\n"

        ".global rogue_float\n"
        "rogue_float:\n"
        "    .arch_extension simd\n"
        "    mov x9, x0\n"
        "    mov x2, #3 << 20\n" /* CPACR_EL1.FPEN */
        "    msr cpacr_el1, x2\n"
        "    isb\n"
        "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    mov x2, #0x4012000000000000\n"
        "    add x2, x2, #\\n\n"
        "    fmov d\\n, x2\n"
        "    fmov v\\n\\().d[1], x2\n"
        "    .endr\n"
        "    movz x0, #0x8400, lsl #16\n"
        "    hvc #0\n"
        "    ldr w0, [x9, #0x18]\n"
        "    mov x0, #0\n"
        "    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    mov x2, #0x4012000000000000\n"
        "    add x2, x2, #\\n\n"
        "    fmov x3, v\\n\\().d[1]\n"
        "    cmp x2, x3\n"
        "    fmov x3, d\\n\n"
        "    ccmp x2, x3, #0, eq\n"
        "    cset x3, ne\n"
        "    orr x0, x0, x3, lsl #\\n\n"
        "    .endr\n"
        "    ret\n"

        ".global rogue_aarch32\n"
        "rogue_aarch32:\n"
        "    adrp x3, rogue_slot\n"
        "    add x3, x3, :lo12:rogue_slot\n"
        "    str x30, [x3, #8]\n"
        "    msr elr_el1, x0\n"
        "    mov x2, #0x1d0\n" /* AArch32 User mode, A, I and F masked */
        "    msr spsr_el1, x2\n"
        "    mov x0, x1\n"
        "    mov x1, #0\n"
        "    isb\n"
        "    eret\n"
        ".global rogue_back\n"
        "rogue_back:\n"
        "    mov x0, x1\n"
        "    adrp x3, rogue_slot\n"
        "    add x3, x3, :lo12:rogue_slot\n"
        "    ldr x30, [x3, #8]\n"
        "    ret\n"

        ".section .data.rogue_slot, \"aw\"\n"
        ".balign 64\n"
        "rogue_slot:\n"
        "    nop\n"
        "    b rogue_after\n"
        "    .quad 0\n"
        ".text\n");

#define EC(esr)        ((esr) >> 26 & 0x3f)
#define EC_SVC_AARCH32 0x11
#define EC_FETCH       0x21
#define EC_PC          0x22

static inline bool machine_failed_to_fetch(const struct trap *trap)
{
    return EC(trap->cause) == EC_FETCH || EC(trap->cause) == EC_PC;
}

static bool machine_ended; /* the last program, with the SVC that was meant */

/* A program at EL0 has ended, with its SVC or by a fault. start.S keeps SPSR_EL1 behind struct trap. */
static inline bool machine_comes_back(struct trap *trap)
{
    unsigned long *spsr = (unsigned long *)(trap + 1);

    if ((*spsr & 0xf) != 0) {
        return false;
    }
    trap->pc = (unsigned long)rogue_back;
    *spsr = 0x3c5;
    return true;
}

static inline bool machine_meant(const struct trap *trap)
{
    machine_ended = EC(trap->cause) == EC_SVC_AARCH32;
    return machine_ended;
}

static inline unsigned machine_length(unsigned long pc)
{
    (void)pc;
    return 4;
}

static inline void machine_prepare(unsigned long before[32], unsigned long base)
{
    before[0] = PSCI_VERSION; /* for an HVC */
    before[1] = base;
}

static inline unsigned long call(const char *name, const unsigned long *words)
{
    register unsigned long x0 __asm__("x0") = words[0];
    register unsigned long x1 __asm__("x1") = words[1];
    register unsigned long x2 __asm__("x2") = words[2];
    register unsigned long x3 __asm__("x3") = words[3];

    if (name[0] == 'h') {
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    } else {
        __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    }
    return x0;
}

static inline void tick(uint64_t due_us)
{
    (void)due_us;
}

/* Virtual GiB 3 is this guest's memory and GiB 2 the devices, both for EL0; a timer runs out meanwhile. */
static inline void run_aarch32(unsigned long uart)
{
    static uint32_t program[] __attribute__((aligned(64))) = {
        0xe3a02602, /* mov r2, #0x200000 */
        0xe2522001, /* subs r2, r2, #1 */
        0x1afffffd, /* bne the subs */
        0xe5901018, /* ldr r1, [r0, #0x18] */
        0xef000000, /* svc 0 */
    };
    extern uint64_t mmu_root[];
    const unsigned long gib = 1ul << 30;
    const unsigned long self = (unsigned long)program / gib;

    mmu_root[3] = self * gib | 0x745;
    mmu_root[2] = (uart / gib * gib) | 0x0020000000000441;
    dsb();
    __asm__ volatile("tlbi vmalle1\n\tic iallu" ::: "memory");
    dsb();
    isb();
    timer_every(1000, tick);
    const unsigned long r1 = rogue_aarch32(3 * gib + (unsigned long)program % gib, 2 * gib + uart % gib);
    timer_stop();
    if (machine_ended) {
        printf("r1 0x%lx\n", r1);
    }
}

static inline bool machine_command(const char *name, const unsigned long *words)
{
    if (strcmp(name, "hvc") == 0 || strcmp(name, "smc") == 0) {
        printf("value 0x%lx\n", call(name, words));
    } else if (strcmp(name, "aarch32") == 0) {
        run_aarch32(words[0]);
    } else if (strcmp(name, "execute") == 0) {
        extern uint64_t mmu_root[];

        mmu_root[3] = 0x705;
        dsb();
        __asm__ volatile("tlbi vmalle1" ::: "memory");
        dsb();
        isb();
        ((void (*)(void))(3ul << 30 | words[0]))();
    } else {
        return false;
    }
    return true;
}

/* Calls that do what they say and would end the sweep: CPU_SUSPEND, CPU_OFF, the SYSTEM calls. */
static inline bool meant(unsigned long function)
{
    const uint32_t number = (uint32_t)function & ~0x40000000u;

    return number == 0x84000001 || number == PSCI_CPU_OFF || number == PSCI_SYSTEM_OFF || number == PSCI_SYSTEM_RESET ||
           number == 0x8400000e || number == 0x84000012;
}

static inline uint32_t machine_sweep(const unsigned long *edges, size_t count, uint32_t *strange)
{
    static const unsigned long bases[] = {0x84000000, 0xc4000000, 0x80000000, 0xc0000000, 0x86000000, 0xc6000000,
                                          0x81000000, 0x82000000, 0x83000000, 0x85000000, 0x87000000, 0xb0000000,
                                          0xbf000000, 0xf2000000, 0,          0xffffffe0};
    uint32_t calls = 0;

    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++) {
        for (unsigned long f = 0; f < 32; f++) {
            for (size_t i = 0; i < 4 * count; i++) {
                const unsigned long words[4] = {bases[b] + f, edges[i % count], edges[(i + i / count * 5) % count],
                                                edges[(i + f) % count]};
                if (meant(words[0])) {
                    continue;
                }
                const long result = (long)call(i % 2 != 0 ? "hvc" : "smc", words);
                calls++;
                if (result < -9 || (result > 3 && result != 0x10001)) {
                    (*strange)++;
                    printf("strange: 0x%lx 0x%lx 0x%lx gives %ld\n", words[0], words[1], words[2], result);
                }
            }
        }
    }
    return calls;
}

#endif
