// SPDX-License-Identifier: Apache-2.0
/* Takes whatever doorbells come and rings back now and then; its memory and its ticks have to stay what they are. */
#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "timer.h"

#define WORDS 65536u

static uint64_t pattern[WORDS];
static volatile uint32_t ticks, rings;
static volatile bool asked;
static struct channel back;

static uint64_t value(uint32_t i)
{
    return i * 0x9e3779b97f4a7c15ull + 3;
}

static void tick(uint64_t due_us)
{
    (void)due_us;
    ticks++;
    channel_ring(&back);
}

static void rung(uint32_t irq)
{
    (void)irq;
    rings++;
}

static void typed(char c)
{
    asked |= c == 'q';
}

void guest_main(void)
{
    uint32_t wrong = 0, position = 0;
    struct channel in;

    for (uint32_t i = 0; i < WORDS; i++) {
        pattern[i] = value(i);
    }
    console_on_input(typed);
    channel_open(&back, "answers");
    if (channel_open(&in, "rings")) {
        irq_enable(in.irq, rung);
    }
    timer_every(2000, tick);
    printf("listener ready\n");
    while (!asked) {
        for (uint32_t i = 0; i < 1024; i++, position = (position + 1) % WORDS) {
            wrong += pattern[position] != value(position);
        }
        cpu_wait();
    }
    const uint64_t until = timer_us() + 5000000;
    for (const uint32_t before = ticks; ticks < before + 3 && timer_us() < until;) {
        cpu_wait();
    }
    printf("listener: %s, ticks %s, %u words wrong\n", rings != 0 ? "rung" : "never rung",
           timer_us() < until ? "go on" : "STOPPED", wrong);
    power_off();
}
