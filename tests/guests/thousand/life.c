// SPDX-License-Identifier: Apache-2.0
/*
 * One life of many: takes the sums of its memory, its registers and its virtual interrupt controller, compares them with
 * those of the first life, which a channel keeps, leaves all of them changed, and powers off.
 */
#include <stddef.h>

#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "irq.h"
#include "lives.h"
#include "string.h"

struct sums {
    uint64_t memory;
    uint64_t registers;
    uint64_t controller;
};

struct past {
    struct sums first;
    uint32_t lives;
    uint32_t different;
    uint32_t unchanged;
};

static uint64_t mix(uint64_t sum, uint64_t word)
{
    return (sum << 7 | sum >> 57) ^ (word + 0x9e3779b97f4a7c15);
}

#ifdef __riscv
#define READ(sum, name)                                     \
    do {                                                    \
        unsigned long value_;                               \
        __asm__ volatile("csrr %0, " #name : "=r"(value_)); \
        (sum) = mix((sum), value_);                         \
    } while (0)

static uint64_t registers(void)
{
    uint64_t sum = 0;

    READ(sum, sstatus);
    READ(sum, sie);
    READ(sum, sip);
    READ(sum, stvec);
    READ(sum, sscratch);
    READ(sum, sepc);
    READ(sum, scause);
    READ(sum, stval);
    READ(sum, satp);
    READ(sum, scounteren);
    return sum;
}

/* sepc, scause and stval are the guest's to write, and nothing of its own start writes them. */
static void change_registers(void)
{
    __asm__ volatile("csrw sepc, %0\n\tcsrw scause, %0\n\tcsrw stval, %0\n\tcsrw scounteren, %0" ::"r"(0x5a4));
}

/* PLIC: priorities, pending, enabled of context 0, threshold (RISC-V PLIC Specification 1.0, chapter 3). */
static uint32_t plain_interrupt(void)
{
    return fdt_interrupt(fdt_find_compatible(FDT_NONE, "ns16550a"), 0);
}

static const char controller_name[] = "sifive,plic-1.0.0";
static const uint32_t controller_words[][2] = {{0x0, 64}, {0x1000, 2}, {0x2000, 2}, {0x200000, 1}};
#else
#define READ(sum, name)                                    \
    do {                                                   \
        unsigned long value_;                              \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)); \
        (sum) = mix((sum), value_);                        \
    } while (0)

static uint64_t registers(void)
{
    uint64_t sum = 0;

    READ(sum, sctlr_el1);
    READ(sum, tcr_el1);
    READ(sum, mair_el1);
    READ(sum, ttbr0_el1);
    READ(sum, ttbr1_el1);
    READ(sum, vbar_el1);
    READ(sum, cpacr_el1);
    READ(sum, contextidr_el1);
    READ(sum, tpidr_el0);
    READ(sum, tpidrro_el0);
    READ(sum, esr_el1);
    READ(sum, far_el1);
    READ(sum, elr_el1);
    READ(sum, spsr_el1);
    READ(sum, cntkctl_el1);
    READ(sum, cntv_ctl_el0);
    return sum;
}

/* Those of them that nothing of the guest's own start writes. */
static void change_registers(void)
{
    __asm__ volatile("msr ttbr1_el1, %0\n\tmsr contextidr_el1, %0\n\tmsr tpidr_el0, %0\n\tmsr tpidrro_el0, %0\n\t"
                     "msr esr_el1, %0\n\tmsr far_el1, %0\n\tmsr elr_el1, %0" ::"r"(0x5a4ul));
}

/* GICv3 distributor: CTLR; from ISENABLER, ISPENDR, IPRIORITYR, ICFGR those of shared interrupts (IHI 0069, 12.9). */
/* Any shared interrupt: the distributor keeps what is enabled, whether it has a line or not. */
static uint32_t plain_interrupt(void)
{
    return 40;
}

static const char controller_name[] = "arm,gic-v3";
static const uint32_t controller_words[][2] = {{0x0, 1}, {0x104, 1}, {0x204, 1}, {0x420, 8}, {0xc08, 2}};
#endif

static uint64_t controller(void)
{
    uint64_t base = 0, size, sum = 0;

    fdt_reg(fdt_find_compatible(FDT_NONE, controller_name), 0, &base, &size);
    for (uint32_t i = 0; i < sizeof(controller_words) / sizeof(controller_words[0]); i++) {
        const volatile uint32_t *from = (const volatile uint32_t *)(uintptr_t)(base + controller_words[i][0]);

        for (uint32_t n = 0; n < controller_words[i][1]; n++) {
            sum = mix(sum, from[n]);
        }
    }
    return sum;
}

static volatile uint64_t *memory(uint64_t *words)
{
    uint64_t base = 0, size = 0;

    for (int node = fdt_next(FDT_NONE); node != FDT_NONE; node = fdt_next(node)) {
        const char *type = fdt_string(node, "device_type");
        if (type != NULL && strcmp(type, "memory") == 0) {
            fdt_reg(node, 0, &base, &size);
        }
    }
    *words = size / sizeof(uint64_t);
    return (volatile uint64_t *)(uintptr_t)base;
}

static void handler(uint32_t irq)
{
    (void)irq;
}

void guest_main(void)
{
    static struct channel channel;
    struct sums now = {0, registers(), controller()};
    volatile struct past *past;
    volatile uint64_t *word;
    uint64_t words;

    word = memory(&words);
    for (uint64_t i = 0; i < words; i++) {
        now.memory = mix(now.memory, word[i]);
    }
    if (!channel_open(&channel, "past")) {
        printf("no channel\n");
        power_off();
    }
    past = channel.write;
    if (past->lives == 0) {
        past->first.memory = now.memory;
        past->first.registers = now.registers;
        past->first.controller = now.controller;
        printf("first: memory %llx, registers %llx, interrupt controller %llx\n", (unsigned long long)now.memory,
               (unsigned long long)now.registers, (unsigned long long)now.controller);
    }
    past->different += past->first.memory != now.memory || past->first.registers != now.registers ||
                       past->first.controller != now.controller;
    past->lives++;
    irq_enable(plain_interrupt(), handler);
    change_registers();
    past->unchanged += registers() == now.registers || controller() == now.controller;
    if (past->lives == LIVES) {
        printf("last: memory %llx, registers %llx, interrupt controller %llx\n", (unsigned long long)now.memory,
               (unsigned long long)now.registers, (unsigned long long)now.controller);
        printf("%u lives, %u not as the first, %u with nothing to put back\n", past->lives, past->different,
               past->unchanged);
    }
    /* The device tree is there as well: from here on nothing reads it. */
    for (uint64_t i = words / 2; i < words; i += 64) {
        word[i] = past->lives;
    }
    power_off();
}
