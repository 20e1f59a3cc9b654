// SPDX-License-Identifier: Apache-2.0
/* What the chaos does on RISC-V. */
#ifndef CHAOS_RISCV_H
#define CHAOS_RISCV_H

#include "../rogue/riscv.h"
#include "random.h"

enum { BASE = 11 }; /* the register with an address that is meant */

static inline void machine_init(void)
{
}

static inline void machine_rest(void)
{
    __asm__ volatile("wfi");
}

static inline void machine_prepare_more(struct random *random, unsigned long before[32])
{
    (void)random;
    (void)before;
}

/* One that comes back: no branch, no wait, no return, no CSR of S-mode written, each address from BASE. */
static inline uint32_t machine_instruction(struct random *random)
{
    static const uint8_t accesses[] = {0x03, 0x23, 0x07, 0x27, 0x2f, 0x0f};
    static const uint32_t others[] = {0x30200073, 0x70200073, 0x12000073, 0x00100073, 0x22000073, 0x62000073,
                                      0x16000073, 0x18000073, 0x26000073, 0x66000073, 0,          0xffffffff};
    uint32_t word = (uint32_t)random_next(random);
    uint32_t kind;

    switch (random_below(random, 7)) {
    case 0:
    case 1:
        kind = accesses[random_below(random, sizeof accesses)];
        if (kind != 0x2f) {
            word &= 0x03ffffff; /* a small offset */
        }
        return (word & ~(31u << 15) & ~0x7fu) | (uint32_t)BASE << 15 | kind;
    case 2:
        return 0x00010000 | (word & 0xfc7c) | (BASE - 8) << 7;
    case 3: /* csrrs rd, any, x0 */
        return (word & 0xfff00f80) | 2u << 12 | 0x73;
    case 4: /* a write; CSRs of S-mode stay */
        if ((word >> 28 & 3) == 1) {
            word |= 1u << 29;
        }
        return (word & 0xffffff80) | 1u << 12 | 0x73;
    case 5: /* loads and stores of the hypervisor extension, and fences */
        if (random_below(random, 2) != 0) {
            return others[random_below(random, sizeof others / sizeof *others)];
        }
        return (word & 0xfff00f80) | (uint32_t)BASE << 15 | 4u << 12 | 0x73;
    default:
        kind = word & 0x7f;
        if ((kind & 3) != 3 || kind == 0x03 || kind == 0x07 || kind == 0x0f || kind == 0x23 || kind == 0x27 ||
            kind == 0x2f || kind == 0x63 || kind == 0x67 || kind == 0x6f || kind == 0x73) {
            kind = 0x33;
        }
        return (word & ~0x7fu) | kind;
    }
}

/* words: extension, function, five arguments, an address of its own. */
static inline void machine_choose(struct random *random, unsigned long words[])
{
    static const unsigned long extensions[] = {SBI_BASE, SBI_TIME, SBI_IPI, SBI_RFENCE, SBI_HSM,    SBI_SRST,
                                               SBI_DBCN, SBI_PMU,  SBI_BAO, SBI_BAO,    0x53555350, 0x46574654};

    if (random_below(random, 8) != 0) {
        words[0] = extensions[random_below(random, sizeof extensions / sizeof *extensions)];
    }
    if (random_below(random, 8) != 0) {
        words[1] = random_below(random, 12);
    }
    if (words[0] == SBI_BAO && random_below(random, 2) != 0) {
        words[1] = 0x40 + random_below(random, 32);
    }
    if (words[0] == SBI_DBCN && random_below(random, 64) != 0) {
        words[1] &= 3;
        words[2] = random_below(random, 4) != 0 ? words[2] & 63 : random_below(random, 512);
        words[3] = words[7];
        words[4] = random_below(random, 8) == 0;
    }
}

static inline bool machine_ends(const unsigned long words[])
{
    return words[0] == SBI_SRST && words[1] == 0 && (uint32_t)words[2] <= 2;
}

static inline bool machine_sleeps(const unsigned long words[])
{
    return words[0] == SBI_HSM && (words[1] == SBI_HSM_STOP || words[1] == SBI_HSM_SUSPEND);
}

static inline void machine_call(struct random *random, const unsigned long words[])
{
    (void)random;
    (void)sbi_call(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
}

static inline void machine_reset(struct random *random)
{
    (void)sbi_call(SBI_SRST, 0, random_below(random, 3), random_below(random, 3), 0, 0, 0);
}

static inline void machine_jump(unsigned long ipa)
{
    ((void (*)(void))(ipa & ~1ul))();
}

/* Page tables that are not its own. */
static inline void machine_spoil_tables(struct random *random)
{
    const unsigned long mode = __riscv_xlen == 64 ? 8ul << (__riscv_xlen - 4) : 1ul << (__riscv_xlen - 1);

    __asm__ volatile("csrw satp, %0\n\tsfence.vma" ::"r"(mode | (0x90000 + random_below(random, 64))) : "memory");
}

/* It may never come back from here. */
static inline void machine_hang(struct random *random)
{
    if (random_below(random, 2) != 0) {
        __asm__ volatile("wfi");
    } else {
        (void)sbi_call(SBI_HSM, random_below(random, 4), random_below(random, 2), 0x80000000, 0, 0, 0);
    }
}

static inline void machine_interrupts(struct random *random)
{
    (void)sbi_call(SBI_IPI, 0, random_below(random, 4), random_below(random, 2), 0, 0, 0);
    (void)sbi_call(SBI_TIME, 0, (unsigned long)random_edge(random), 0, 0, 0, 0);
    if (cpu_number() != 0) {
        cpu_interrupts_on();
        cpu_interrupts_off();
    }
}

#endif
