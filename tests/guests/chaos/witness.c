// SPDX-License-Identifier: Apache-2.0
/*
 * Fills a region of its memory with a pattern, every word of every page, and reads it again and again while its neighbour
 * does its worst. In the end it says what has changed, and how often the hypervisor ran for it meanwhile: not once but for
 * the calls by which it asks. So its CPU has executed no instruction that is not its own.
 */
#include <stddef.h>

#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "exits.h"
#include "fdt.h"
#include "progress.h"
#include "string.h"

static uint64_t value(uintptr_t at, uint32_t pass)
{
    return ((uint64_t)at + pass) * 0x9e3779b97f4a7c15ull + 1;
}

/* The region that the witness itself does not lie in. */
static bool find_field(uintptr_t *first, uintptr_t *last)
{
    for (int node = fdt_next(FDT_NONE); node != FDT_NONE; node = fdt_next(node)) {
        const char *type = fdt_string(node, "device_type");
        uint64_t base, size;
        for (uint32_t i = 0; type != NULL && strcmp(type, "memory") == 0 && fdt_reg(node, i, &base, &size); i++) {
            if ((uintptr_t)find_field - (uintptr_t)base >= size) {
                *first = (uintptr_t)base;
                *last = (uintptr_t)(base + size);
                return true;
            }
        }
    }
    return false;
}

static uint32_t check(uintptr_t first, uintptr_t last, uint32_t pass)
{
    uint32_t wrong = 0;

    for (uintptr_t at = first; at < last; at += sizeof(uint64_t)) {
        volatile uint64_t *word = (volatile uint64_t *)at;
        wrong += *word != value(at, pass);
        *word = value(at, pass + 1);
    }
    return wrong;
}

void guest_main(void)
{
    const volatile struct progress *progress;
    unsigned long before[EXITS_REASONS];
    uintptr_t first = 0, last = 0;
    uint32_t passes = 0, wrong = 0;
    struct channel channel;

    if (!channel_open(&channel, "progress") || !find_field(&first, &last)) {
        printf("no channel or no field\n");
        power_off();
    }
    progress = channel.read;
    for (uintptr_t at = first; at < last; at += sizeof(uint64_t)) {
        *(uint64_t *)at = value(at, 0);
    }
    printf("witness ready\n");
    wrong += check(first, last, passes++); /* and what its own line has left to do is over */
    for (unsigned reason = 0; reason < EXITS_REASONS; reason++) {
        before[reason] = exits(reason);
    }
    while (progress->done == 0) {
        wrong += check(first, last, passes++);
    }
    for (unsigned reason = 0; reason < EXITS_REASONS; reason++) {
        before[reason] = exits(reason) - before[reason];
    }
    before[EXITS_HYPERCALL] -= EXITS_REASONS; /* the calls that ask, from that for this reason on to itself */
    printf("%lu operations, %lu starts: %u passes over %lu words, %u wrong, exits",
           (unsigned long)(progress->operations[0] + progress->operations[1]), (unsigned long)progress->starts, passes,
           (unsigned long)((last - first) / sizeof(uint64_t)), wrong);
    for (unsigned reason = 0; reason < EXITS_REASONS; reason++) {
        printf(" %lu", before[reason]);
    }
    printf("\n");
    power_off();
}
