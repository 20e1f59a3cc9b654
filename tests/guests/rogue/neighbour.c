// SPDX-License-Identifier: Apache-2.0
/*
 * The well-behaved one: two CPUs, a tick on each, a pattern in memory that has to stay as it is. A 'q' on its console
 * makes it say how it fared, and end.
 */
#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "timer.h"

#define PERIOD_US 10000u
#define WORDS     65536u

static uint64_t pattern[WORDS];
static volatile uint32_t ticks[CPUS_MAX];
static volatile uint32_t interrupts;
static volatile bool asked;

static void tick(uint64_t due_us)
{
    (void)due_us;
    ticks[cpu_number()]++;
}

static void woken(void)
{
    interrupts++;
}

static void doorbell(uint32_t irq)
{
    (void)irq;
}

static void typed(char c)
{
    asked |= c == 'q';
}

static uint64_t value(uint32_t i)
{
    return i * 0x9e3779b97f4a7c15ull + 1;
}

static void second_cpu(void)
{
    cpu_on_interrupt(woken);
    timer_every(PERIOD_US, tick);
    for (;;) {
        cpu_wait();
    }
}

/* True when `count` gets that far within five seconds: the machine that emulates all this may be busy. */
static bool reaches(const volatile uint32_t *count, uint32_t far)
{
    const uint64_t until = timer_us() + 5000000;

    while (*count < far && timer_us() < until) {
        cpu_wait();
    }
    return *count >= far;
}

void guest_main(void)
{
    uint32_t wrong = 0;
    struct channel in;

    for (uint32_t i = 0; i < WORDS; i++) {
        pattern[i] = value(i);
    }
    console_on_input(typed);
    if (channel_open(&in, "out")) { /* the rogue's way out */
        irq_enable(in.irq, doorbell);
    }
    timer_every(PERIOD_US, tick);
    if (!cpu_start(1, second_cpu)) {
        printf("the second CPU does not start\n");
    }
    printf("neighbour ready\n");
    while (!asked) {
        cpu_wait();
    }

    const bool first = reaches(&ticks[0], ticks[0] + 3);
    const bool second = reaches(&ticks[1], ticks[1] + 3);
    cpu_interrupt(1);
    const bool reached = reaches(&interrupts, 1) && reaches(&ticks[0], ticks[0] + 3) && interrupts == 1;
    for (uint32_t i = 0; i < WORDS; i++) {
        wrong += pattern[i] != value(i);
    }
    printf("neighbour: ticks %s, second CPU %s, its interrupt %s, %u words wrong\n", first ? "go on" : "STOPPED",
           second ? "goes on" : "STOPPED", reached ? "came" : "LOST", wrong);
    power_off();
}
