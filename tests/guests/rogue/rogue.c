// SPDX-License-Identifier: Apache-2.0
/*
 * Does what it is told over its console, one command a line, and answers with one line:
 *   load WIDTH ADDRESS              value 0x..
 *   store WIDTH ADDRESS VALUE       done
 *   jump ADDRESS                    returned
 *   sbi EXTENSION FUNCTION A0..A4   error E value 0x..  (RISC-V)
 *   hvc, smc FUNCTION A1..A3        value 0x..  (AArch64)
 *   execute ADDRESS                 jumps there by way of a table that says that it is memory  (AArch64)
 *   aarch32 UART                    a program at EL0 in AArch32: r1 0x.., as it was read from the UART  (AArch64)
 *   run OPCODE BASE                 executes one instruction with a1 or x1 = BASE: changed xN=0x.. | nothing changed
 *   float                           floating-point registers over a call and a trapped access: kept | lost 0x..
 *   sweep                           every firmware function with boundary values: N calls, M strange answers
 *   chip                            every register of the interrupt controller with all ones: N registers
 *   where                           uart 0x.. chip 0x.. me 0x..
 *   channels                        out 0x.. in 0x.. doorbell 0x..
 *   storm N                         rings the neighbour N times by the doorbell page and N times by hypercall: rung
 *   off                             powers off
 * An exception that arrives is the answer: exception CAUSE value 0x..
 */
#include <stddef.h>

#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "firmware.h"
#include "string.h"

#if defined(__riscv)
#include "riscv.h"
#else
#include "aarch64.h"
#endif

#define WORDS_MAX 8

static char line[128];
static const char *name;
static unsigned long words[WORDS_MAX];

static volatile bool excepted;
static struct trap last;

static void exception(struct trap *trap)
{
    excepted = true;
    last = *trap;
    if (machine_failed_to_fetch(trap)) {
        trap->pc = (unsigned long)rogue_return; /* what called the bad address left its own in the link register */
    } else if (machine_comes_back(trap)) {
        excepted = !machine_meant(trap);
    } else {
        trap->pc += machine_length(trap->pc);
    }
}

static void read_line(void)
{
    size_t length = 0;

    for (;;) {
        const int c = console_getc();
        if (c == '\n' || c == '\r') {
            if (length > 0) {
                break;
            }
        } else if (c >= 0 && length < sizeof line - 1) {
            line[length++] = (char)c;
        }
    }
    line[length] = '\0';
}

/* A number in hexadecimal with 0x, or in decimal, with or without a minus sign. */
static unsigned long number(const char *text)
{
    const bool negative = *text == '-';
    unsigned long value = 0;

    text += negative;
    const bool hex = text[0] == '0' && text[1] == 'x';
    for (text += hex ? 2 : 0; *text != '\0'; text++) {
        const unsigned long digit = (unsigned long)(*text >= 'a' ? *text - 'a' + 10 : *text - '0');
        value = value * (hex ? 16 : 10) + digit;
    }
    return negative ? -value : value;
}

static void split_line(void)
{
    char *at = line;

    name = line;
    memset(words, 0, sizeof words);
    for (size_t i = 0; i <= WORDS_MAX; i++) {
        const size_t length = strcspn(at, " ");
        const bool end = at[length] == '\0';
        at[length] = '\0';
        if (i > 0) {
            words[i - 1] = number(at);
        }
        if (end) {
            break;
        }
        at += length + 1;
    }
}

static void load(unsigned long width, unsigned long at)
{
    unsigned long value = 0;

    switch (width) {
    case 1:
        value = *(volatile uint8_t *)at;
        break;
    case 2:
        value = *(volatile uint16_t *)at;
        break;
    case 4:
        value = *(volatile uint32_t *)at;
        break;
    case 8:
        value = *(volatile uint64_t *)at;
        break;
    }
    if (!excepted) {
        printf("value 0x%lx\n", value);
    }
}

static void store(unsigned long width, unsigned long at, unsigned long value)
{
    switch (width) {
    case 1:
        *(volatile uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)at = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)at = (uint32_t)value;
        break;
    case 8:
        *(volatile uint64_t *)at = value;
        break;
    }
    if (!excepted) {
        printf("done\n");
    }
}

static void run(unsigned long opcode, unsigned long base)
{
    unsigned long before[32], after[32];
    bool changed = false;

    for (uint32_t i = 0; i < 32; i++) {
        before[i] = (~0ul / 255 * 0xa5 & ~0xfful) + i;
    }
    machine_prepare(before, base);
    rogue_run((uint32_t)opcode, before, after);
    if (excepted) {
        return;
    }
    for (uint32_t i = MACHINE_FIRST; i <= MACHINE_LAST; i++) {
        if (before[i] != after[i]) {
            printf("%sx%u=0x%lx", changed ? " " : "changed ", i, after[i]);
            changed = true;
        }
    }
    printf("%s\n", changed ? "" : "nothing changed");
}

static void keep_float(unsigned long uart)
{
    const unsigned long lost = rogue_float(uart);

    if (lost == 0) {
        printf("kept\n");
    } else {
        printf("lost 0x%lx\n", lost);
    }
}

/* Around the widths of registers, addresses and masks. */
static const unsigned long edges[] = {
    0,
    1,
    2,
    7,
    8,
    31,
    32,
    63,
    64,
    4095,
    0x7fffffff,
    0x80000000,
    0x90000000,
    0xffffffff,
#if __SIZEOF_LONG__ == 8
    1ul << 32,
    1ul << 38,
    (1ul << 39) - 1,
    1ul << 41,
    1ul << 55,
    ~(1ul << 63),
    1ul << 63,
    (1ul << 63) + 1,
#endif
    ~0xffful,
    -2ul,
};

#define EDGES (sizeof edges / sizeof *edges)

static void sweep_chip(unsigned long chip, unsigned long size)
{
    uint32_t count = 0;

    /* Of a PLIC's contexts, each with 4 KiB, the first registers. */
    for (unsigned long offset = 0; offset < size && offset < 0x203000;
         offset += offset >= 0x8000 && offset < 0x1ff000 ? 0x1000 : 4) {
        volatile uint32_t *reg = (volatile uint32_t *)(chip + offset);
        const uint32_t before = *reg;
        *reg = 0xffffffff;
        *reg = 0;
        *reg = before;
        count++;
    }
    printf("%u registers\n", count);
}

static bool place_of(const char *compatible, uint64_t *base, uint64_t *size)
{
    return fdt_reg(fdt_find_compatible(FDT_NONE, compatible), 0, base, size);
}

static void storm(unsigned long count)
{
    struct channel out;

    if (!channel_open(&out, "out")) {
        return;
    }
    for (unsigned long i = 0; i < count; i++) {
        channel_ring(&out);
        firmware_ring(out.id, 0);
    }
    printf("rung\n");
}

static void show_channels(void)
{
    struct channel out, in;

    if (channel_open(&out, "out") && channel_open(&in, "in")) {
        printf("out %p in %p doorbell %p\n", (void *)out.write, (void *)in.read, (void *)out.doorbell);
    }
}

void guest_main(void)
{
    uint64_t uart = 0, chip = 0, size = 0;

    static const char *const uarts[] = {"ns16550a", "arm,pl011", "arm,sbsa-uart"};
    static const char *const chips[] = {"riscv,plic0", "riscv,aplic", "arm,gic-v3", "arm,gic-400",
                                        "arm,cortex-a15-gic"};

    for (size_t i = 0; i < sizeof uarts / sizeof *uarts && uart == 0; i++) {
        place_of(uarts[i], &uart, &size);
    }
    for (size_t i = 0; i < sizeof chips / sizeof *chips && chip == 0; i++) {
        place_of(chips[i], &chip, &size);
    }
    cpu_on_exception(exception);
    printf("rogue ready\n");
    for (;;) {
        read_line();
        split_line();
        excepted = false;
        if (strcmp(name, "load") == 0) {
            load(words[0], words[1]);
        } else if (strcmp(name, "store") == 0) {
            store(words[0], words[1], words[2]);
        } else if (strcmp(name, "jump") == 0) {
            ((void (*)(void))words[0])();
            if (!excepted) {
                printf("returned\n");
            }
        } else if (strcmp(name, "run") == 0) {
            run(words[0], words[1]);
        } else if (strcmp(name, "float") == 0) {
            keep_float((unsigned long)uart);
        } else if (strcmp(name, "sweep") == 0) {
            uint32_t strange = 0;
            const uint32_t calls = machine_sweep(edges, EDGES, &strange);
            printf("%u calls, %u strange answers\n", calls, strange);
        } else if (strcmp(name, "chip") == 0) {
            sweep_chip((unsigned long)chip, (unsigned long)size);
        } else if (strcmp(name, "where") == 0) {
            printf("uart 0x%lx chip 0x%lx me %p\n", (unsigned long)uart, (unsigned long)chip, (void *)line);
        } else if (strcmp(name, "channels") == 0) {
            show_channels();
        } else if (strcmp(name, "storm") == 0) {
            storm(words[0]);
        } else if (strcmp(name, "off") == 0) {
            power_off();
        } else if (!machine_command(name, words)) {
            printf("what is '%s'?\n", name);
        }
        if (excepted) {
            printf("exception " MACHINE_CAUSE " value 0x%lx\n", last.cause, last.value);
        }
    }
}
