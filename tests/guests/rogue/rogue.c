// SPDX-License-Identifier: Apache-2.0
/*
 * Does what it is told over its console, one command a line, and answers with one line:
 *   load WIDTH ADDRESS              value 0x..
 *   store WIDTH ADDRESS VALUE       done
 *   jump ADDRESS                    returned
 *   sbi EXTENSION FUNCTION A0..A4   error E value 0x..
 *   run OPCODE BASE                 executes one instruction with a1 = BASE: changed xN=0x.. | nothing changed
 *   float                           f0 to f31 over an SBI call and a trapped access: kept | lost 0x..
 *   sweep                           every SBI function with boundary values: N calls, M strange answers
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
#include "machine.h"
#include "sbi.h"
#include "string.h"

#define WORDS_MAX 8

static char line[128];
static const char *name;
static unsigned long words[WORDS_MAX];

static volatile bool excepted;
static struct trap last;

static void exception(struct trap *trap)
{
    const bool fetch = trap->cause == 0 || trap->cause == 1 || trap->cause == 12;

    excepted = true;
    last = *trap;
    if (fetch) {
        trap->pc = (unsigned long)rogue_return; /* what called the bad address left its own in ra */
    } else {
        trap->pc += (*(const uint16_t *)trap->pc & 3) == 3 ? 4 : 2;
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
    before[11] = base;
    before[16] = SBI_BASE_SPEC_VERSION; /* for an ecall */
    before[17] = SBI_BASE;
    rogue_run((uint32_t)opcode, before, after);
    if (excepted) {
        return;
    }
    for (uint32_t i = 1; i < 32; i++) {
        if (before[i] != after[i]) {
            printf("%sx%u=0x%lx", changed ? " " : "changed ", i, after[i]);
            changed = true;
        }
    }
    printf("%s\n", changed ? "" : "nothing changed");
}

static void keep_float(unsigned long uart)
{
    const unsigned long lost = rogue_float(uart + 7); /* the scratch register */

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
#if __riscv_xlen == 64
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

/* Calls that do what they say and would end the sweep. */
static bool meant(unsigned long extension, unsigned long function, unsigned long a0)
{
    return (extension == SBI_HSM && function == SBI_HSM_STOP) ||
           (extension == SBI_HSM && function == SBI_HSM_SUSPEND) ||
           (extension == SBI_SRST && function == 0 && (uint32_t)a0 <= 2) ||
           (extension == SBI_DBCN && function == SBI_DBCN_WRITE_BYTE);
}

static void sweep(void)
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
    uint32_t calls = 0, strange = 0;

    for (size_t e = 0; e < sizeof extensions / sizeof *extensions; e++) {
        for (unsigned long f = 0; f < 12 + EDGES; f++) {
            const unsigned long function = f < 12 ? f : edges[f - 12];
            for (size_t i = 0; i < 4 * EDGES; i++) {
                const unsigned long a0 = edges[i % EDGES], a1 = edges[(i + i / EDGES * 5) % EDGES];
                const unsigned long a2 = edges[(i + f) % EDGES];
                if (meant(extensions[e], function, a0)) {
                    continue;
                }
                const struct sbi_result result = sbi_call(extensions[e], function, a0, a1, a2, a1, a0);
                calls++;
                if (extensions[e] == SBI_BAO ? (unsigned long)result.value > 3 && function != 0x41
                                             : result.error > 0 || result.error < -13) {
                    strange++;
                    printf("strange: sbi 0x%lx %lu 0x%lx 0x%lx gives %ld\n", extensions[e], function, a0, a1,
                           result.error);
                }
            }
        }
    }
    printf("%u calls, %u strange answers\n", calls, strange);
}

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

    place_of("ns16550a", &uart, &size);
    if (!place_of("riscv,plic0", &chip, &size)) {
        place_of("riscv,aplic", &chip, &size);
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
        } else if (strcmp(name, "sbi") == 0) {
            const struct sbi_result result =
                sbi_call(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
            printf("error %ld value 0x%lx\n", result.error, result.value);
        } else if (strcmp(name, "run") == 0) {
            run(words[0], words[1]);
        } else if (strcmp(name, "float") == 0) {
            keep_float((unsigned long)uart);
        } else if (strcmp(name, "sweep") == 0) {
            sweep();
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
        } else {
            printf("what is '%s'?\n", name);
        }
        if (excepted) {
            printf("exception %lu value 0x%lx\n", last.cause, last.value);
        }
    }
}
