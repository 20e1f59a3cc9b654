// SPDX-License-Identifier: Apache-2.0
/*
 * Random operations, each made from the seed and its number alone, so that one can be found again. What ends this VM starts
 * it again, behind the operation that did. vCPU 0 does what comes back or is the VM's end; vCPU 1 may hang, sleep or go off
 * as it likes: the next start revives it. A line on the console starts it: SEED OPERATIONS.
 */
#include <stddef.h>

#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "firmware.h"
#include "irq.h"
#include "progress.h"
#include "random.h"
#include "string.h"

#if defined(__riscv)
#include "chaos_riscv.h"
#else
#include "chaos_aarch64.h"
#endif

#define SCRATCH 0x24000u /* bytes in which loads and stores of memory land */

struct place {
    uint64_t base, size;
};

static uint8_t scratch[SCRATCH] __attribute__((aligned(4096)));
static struct place places[8]; /* virtual devices, doorbell pages, passed-through ones */
static uint32_t place_count;
static struct channel rings, answers;
static volatile struct progress *progress;

static void ignore(uint32_t irq)
{
    irq_disable(irq);
}

static void interrupted(void)
{
}

static void exception(struct trap *trap)
{
    if (machine_failed_to_fetch(trap)) {
        trap->pc = (unsigned long)rogue_return;
    } else {
        trap->pc += machine_length(trap->pc);
    }
}

static void add_place(uint64_t base, uint64_t size)
{
    if (base != 0 && size != 0 && place_count < sizeof places / sizeof *places) {
        places[place_count++] = (struct place){base, size};
    }
}

/* All of the tree that is a device or a doorbell: what has `reg` and is not memory. */
static void find_places(void)
{
    static const char *const devices[] = {"ns16550a",    "arm,pl011",           "riscv,plic0",
                                          "riscv,aplic", "riscv,imsics",        "arm,gic-v3",
                                          "arm,gic-400", "google,goldfish-rtc", "arm,pl031"};

    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        uint64_t base = 0, size = 0;
        const int node = fdt_find_compatible(FDT_NONE, devices[i]);
        for (uint32_t n = 0; n < 2 && node != FDT_NONE && fdt_reg(node, n, &base, &size); n++) {
            add_place(base, size);
        }
    }
    add_place((uintptr_t)rings.doorbell, 4096);
}

/* In a device: mostly where registers are dense, at either end of it, aligned or not. */
static unsigned long device_address(struct random *random)
{
    const struct place *place = &places[random_below(random, place_count)];
    uint64_t span = place->size;

    switch (random_below(random, 4)) {
    case 0:
        span = span < 0x80 ? span : 0x80;
        break;
    case 1:
        span = span < 0x1000 ? span : 0x1000;
        break;
    case 2:
        span = span < 0x10000 ? span : 0x10000;
        break;
    }
    uint64_t offset = random_next(random) % span;
    if (random_below(random, 8) == 0) {
        offset = place->size - 1 - random_below(random, 16);
    }
    return (unsigned long)(place->base + (random_below(random, 8) != 0 ? offset & ~(uint64_t)3 : offset));
}

static void access(struct random *random, unsigned long at)
{
    const uint64_t value = random_edge(random);
    const bool store = random_below(random, 2) != 0;

    switch (random_below(random, 8)) {
    case 0:
        store ? (void)(*(volatile uint8_t *)at = (uint8_t)value) : (void)*(volatile uint8_t *)at;
        break;
    case 1:
        store ? (void)(*(volatile uint16_t *)at = (uint16_t)value) : (void)*(volatile uint16_t *)at;
        break;
    case 2:
        store ? (void)(*(volatile uint64_t *)at = value) : (void)*(volatile uint64_t *)at;
        break;
    default:
        store ? (void)(*(volatile uint32_t *)at = (uint32_t)value) : (void)*(volatile uint32_t *)at;
        break;
    }
}

/* Not the VM's: holes, the hypervisor, the neighbours, devices of others. */
static unsigned long foreign_address(struct random *random)
{
    static const unsigned long bases[] = {0,          0x100000,   0x2000000,  0x9030000,  0x10008000,
                                          0x3f000000, 0x40200000, 0x48000000, 0x7ffff000, 0x80100000,
                                          0x80200000, 0x90000000, 0xbffff000, 0xfffff000};

    return bases[random_below(random, sizeof bases / sizeof *bases)] + (random_next(random) & 0xfff);
}

static void run(struct random *random)
{
    unsigned long before[32], after[32];
    const uint32_t opcode = machine_instruction(random);
    unsigned long base = (unsigned long)places[random_below(random, place_count)].base + random_below(random, 0x200);

    if (random_below(random, 4) == 0) {
        base = (unsigned long)scratch + SCRATCH / 2 + random_below(random, 256);
    }
    for (uint32_t i = 0; i < 32; i++) {
        before[i] = (unsigned long)random_edge(random);
    }
    machine_prepare(before, base);
    machine_prepare_more(random, before);
    rogue_run(opcode, before, after);
}

static void call_firmware(struct random *random, bool may_sleep)
{
    unsigned long words[8];

    for (uint32_t i = 0; i < 8; i++) {
        words[i] = (unsigned long)random_edge(random);
        if (random_below(random, 8) == 0) {
            words[i] = (unsigned long)scratch + random_below(random, 4096);
        }
    }
    words[7] = (unsigned long)scratch + random_below(random, 4096);
    machine_choose(random, words);
    if (!machine_ends(words) && (may_sleep || !machine_sleeps(words))) {
        machine_call(random, words);
    }
}

static void storm(struct random *random)
{
    for (uint32_t i = random_below(random, 32); i > 0; i--) {
        channel_ring(&rings);
        (void)firmware_ring(random_below(random, 4), random_below(random, 2));
    }
}

/* What the VM does not survive, once in a while. */
static void end(struct random *random)
{
    const unsigned long at = foreign_address(random);

    switch (random_below(random, 8)) {
    case 0:
        machine_reset(random);
        break;
    case 1:
        power_off();
    case 2:
    case 3:
        machine_jump(at);
        break;
    case 4:
        machine_spoil_tables(random);
        break;
    default:
        access(random, at);
        break;
    }
}

static void second_cpu(void)
{
    for (;;) {
        const uint64_t number = progress->operations[1]++;
        struct random random = random_for(~progress->seed, number);

        switch (random_below(&random, 8)) {
        case 0:
        case 1:
        case 2:
            access(&random, device_address(&random));
            break;
        case 3:
        case 4:
            call_firmware(&random, true);
            break;
        case 5:
            storm(&random);
            break;
        case 6:
            if (random_below(&random, 64) == 0) {
                machine_hang(&random);
            }
            break;
        default:
            machine_interrupts(&random);
            break;
        }
    }
}

static void operation(struct random *random)
{
    const uint32_t kind = random_below(random, 4096);

    if (kind < 8) {
        end(random);
    } else if (kind < 1600) {
        access(random, device_address(random));
    } else if (kind < 2700) {
        run(random);
    } else if (kind < 3400) {
        call_firmware(random, false);
    } else if (kind < 3600) {
        storm(random);
    } else if (kind < 3800) {
        machine_interrupts(random);
    } else if (kind < 4000) {
        (void)cpu_start(1, second_cpu);
    } else {
        irq_enable(1 + random_below(random, 200), ignore);
        cpu_interrupt(random_below(random, 3));
    }
}

/* "SEED OPERATIONS" in decimal. */
static void take_order(void)
{
    uint64_t numbers[2] = {0, 0};

    printf("chaos ready\n");
    for (uint32_t word = 0; word < 2;) {
        const int c = console_getc();
        if (c >= '0' && c <= '9') {
            numbers[word] = numbers[word] * 10 + (uint64_t)(c - '0');
        } else if (c == ' ' || c == '\n' || c == '\r') {
            word++;
        }
    }
    progress->seed = numbers[0];
    progress->wanted = numbers[1];
    progress->magic = PROGRESS_MAGIC;
}

void guest_main(void)
{
    struct channel channel;

    if (!channel_open(&channel, "progress") || !channel_open(&rings, "rings") || !channel_open(&answers, "answers")) {
        printf("no channel\n");
        return;
    }
    progress = channel.write;
    find_places();
    cpu_on_exception(exception);
    cpu_on_interrupt(interrupted);
    machine_init();
    if (progress->magic != PROGRESS_MAGIC) {
        take_order();
    }
    progress->starts++;
    printf("again from operation %lu\n", (unsigned long)progress->operations[0]);
    while (progress->done == 0) {
        const uint64_t number = progress->operations[0];
        struct random random = random_for(progress->seed, number);

        progress->operations[0] = number + 1;
        operation(&random);
        if (number % 0x4000 == 0) {
            printf("\nat operation %lu\n", (unsigned long)number);
        }
        if (number + progress->operations[1] >= progress->wanted) {
            progress->done = 1;
        }
    }
    cpu_interrupts_off();
    for (;;) {
        machine_rest();
    }
}
