// SPDX-License-Identifier: Apache-2.0
/*
 * The control loop: every millisecond it walks a table of 32 KiB and writes what it computes back. Its worst time is what a
 * neighbour can spoil, on a board with a cache; QEMU has none, so what it prints means nothing there.
 */
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "timer.h"

#define PERIOD_US 1000u
#define PERIODS   50u
#define WORDS     (32u * 1024u / sizeof(uint64_t))

static volatile uint64_t table[WORDS];
static volatile uint32_t periods;
static uint64_t longest_us;

static void period(uint64_t due_us)
{
    const uint64_t start = timer_us();
    uint64_t state = due_us;

    for (uint32_t i = 0; i < WORDS; i++) {
        state = state * 5 + table[i];
        table[i] = state;
    }
    if (timer_us() - start > longest_us) {
        longest_us = timer_us() - start;
    }
    periods++;
}

void guest_main(void)
{
    printf("a walk through %u KiB every %u us\n", (unsigned)(sizeof(table) / 1024), PERIOD_US);
    timer_every(PERIOD_US, period);
    cpu_interrupts_on();
    while (periods < PERIODS) {
        cpu_wait();
    }
    timer_stop();
    printf("%u walks, the longest took %u us\n", periods, (unsigned)longest_us);
    power_off();
}
