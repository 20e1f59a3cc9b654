// SPDX-License-Identifier: Apache-2.0
/*
 * A control loop that keeps quiet beside an interactive guest: a tick every 10 ms, and a report when a key is typed.
 */
#include "console.h"
#include "cpu.h"
#include "timer.h"

#define PERIOD_US 10000u

static uint32_t ticks;
static uint64_t latest_us; /* the worst time from when a tick was due to its handler */

static void tick(uint64_t due_us)
{
    const uint64_t late_us = timer_us() - due_us;

    ticks++;
    if (late_us > latest_us) {
        latest_us = late_us;
    }
}

static void typed(char key)
{
    printf("%u ticks, the latest by %lu us\n", ticks, latest_us);
    if (key == 'q') {
        power_off();
    }
}

void guest_main(void)
{
    console_on_input(typed);
    timer_every(PERIOD_US, tick);
    printf("a tick every %u ms; q ends, any other key reports\n", PERIOD_US / 1000);
    for (;;) {
        cpu_wait();
    }
}
