// SPDX-License-Identifier: Apache-2.0
/* What the chaos does on AArch64. */
#ifndef CHAOS_AARCH64_H
#define CHAOS_AARCH64_H

#include "../rogue/aarch64.h"
#include "random.h"

#define ALIAS 8ul /* from this GiB on addresses 0 to 4 GiB once more, as memory that may be executed */

static inline void machine_init(void)
{
    extern uint64_t mmu_root[];

    for (uint64_t gib = 0; gib < 4; gib++) {
        mmu_root[ALIAS + gib] = gib << 30 | 0x705;
    }
    dsb();
    isb();
}

static inline void machine_rest(void)
{
    __asm__ volatile("wfi");
}

/* x2 is an index that a load or store may use. */
static inline void machine_prepare_more(struct random *random, unsigned long before[32])
{
    before[2] = random_below(random, 64);
}

static inline uint32_t load_or_store(uint32_t word)
{
    word = (word & ~(1u << 25 | 31u << 5)) | 1u << 27 | 1u << 5;
    if ((word >> 28 & 3) == 1 && (word >> 24 & 1) == 0) { /* not from where pc points */
        word |= 1u << 29;
    }
    if ((word >> 28 & 3) == 3) {
        if ((word >> 24 & 1) != 0) {
            word &= ~(0x1ffu << 13); /* a small offset */
        } else if ((word >> 21 & 1) != 0) {
            word = (word & ~(31u << 16)) | 2u << 16;
        } else {
            word &= ~(1u << 20);
        }
    } else if ((word >> 28 & 3) == 2) {
        word &= ~(1u << 21); /* no negative offset of a pair */
    }
    return word;
}

/* MSR of what does not change how this guest runs: timers, performance, debug, interrupts, the hypervisor's. */
static inline uint32_t write_register(struct random *random, uint32_t word)
{
    static const uint8_t groups[] = {9, 11, 12, 14, 15};
    const uint32_t n = groups[random_below(random, sizeof groups)];

    word = 0xd5100000 | (word & 0xfffff);
    if ((word >> 19 & 1) == 0) { /* debug, but for its control register */
        return (word & 0xfffe0) == 0x00240 ? word ^ 0x100 : word;
    }
    if ((word >> 16 & 7) >= 4) {
        return word;
    }
    word = (word & ~(0xfu << 12)) | n << 12;
    return n == 12 ? word | 8u << 8 : word; /* not where the vectors are */
}

/* One that comes back: no branch, no wait, no SVC, no return. */
static inline uint32_t machine_instruction(struct random *random)
{
    static const uint8_t groups[] = {0, 1, 2, 3, 5, 7, 8, 9, 13, 15};
    uint32_t word = (uint32_t)random_next(random);

    switch (random_below(random, 8)) {
    case 0:
    case 1:
    case 2:
        return load_or_store(word);
    case 3:
        return 0xd5300000 | (word & 0xfffff);
    case 4:
        return write_register(random, word);
    case 5: /* maintenance of caches and TLBs, translation: of x1 */
        return 0xd5080000 | (word & 0x27ffe0) | 1;
    case 6:
        switch (word >> 30) {
        case 0:
            return 0xd4000002 | (word & 0xffff) << 5; /* hvc */
        case 1:
            return 0xd4000003 | (word & 0xffff) << 5; /* smc */
        case 2:
            return 0xd4200000 | (word & 0xffff) << 5; /* brk */
        default:
            return 0xd4400000 | (word & 0xffff) << 5; /* hlt */
        }
    default:
        return (word & ~(15u << 25)) | (uint32_t)groups[random_below(random, sizeof groups)] << 25;
    }
}

/* words: function, arguments; the last is an address of its own. */
static inline void machine_choose(struct random *random, unsigned long words[])
{
    static const unsigned long bases[] = {0x84000000, 0xc4000000, 0x84000000, 0xc4000000, 0x80000000,
                                          0xc6000000, 0x86000000, 0xc6000040, 0x82000000, 0xbf000000};

    if (random_below(random, 16) != 0) {
        words[0] = bases[random_below(random, sizeof bases / sizeof *bases)] + random_below(random, 32);
    }
    if (random_below(random, 4) == 0) {
        words[1] = random_below(random, 2);
    }
}

static inline bool machine_ends(const unsigned long words[])
{
    const uint32_t number = (uint32_t)words[0] & ~0x40000000u;

    return number == PSCI_SYSTEM_OFF || number == PSCI_SYSTEM_RESET || number == 0x84000012;
}

static inline bool machine_sleeps(const unsigned long words[])
{
    const uint32_t number = (uint32_t)words[0] & ~0x40000000u;

    return number == 0x84000001 || number == PSCI_CPU_OFF || number == 0x8400000e;
}

static inline void machine_call(struct random *random, const unsigned long words[])
{
    (void)call(random_below(random, 2) != 0 ? "hvc" : "smc", words);
}

static inline void machine_reset(struct random *random)
{
    const unsigned long words[4] = {random_below(random, 2) != 0 ? 0x84000009 : 0xc4000012, 0, 0, 0};

    machine_call(random, words);
}

static inline void machine_jump(unsigned long ipa)
{
    ((void (*)(void))((ALIAS << 30) + (ipa & ~3ul)))();
}

/* Page tables that are not its own. */
static inline void machine_spoil_tables(struct random *random)
{
    sysreg_write(ttbr0_el1, 0x90000000 + ((unsigned long)random_below(random, 64) << 12));
    __asm__ volatile("isb\n\ttlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory");
}

/* It may never come back from here. */
static inline void machine_hang(struct random *random)
{
    const unsigned long words[4] = {0x84000000 + random_below(random, 16), 0, 0x40000000, 0};

    if (random_below(random, 2) != 0) {
        __asm__ volatile("wfi");
    } else if (!machine_ends(words)) {
        machine_call(random, words);
    }
}

static inline void machine_interrupts(struct random *random)
{
    cpu_interrupt(random_below(random, 3));
    if (cpu_number() != 0) {
        cpu_interrupts_on();
        cpu_interrupts_off();
    }
}

#endif
