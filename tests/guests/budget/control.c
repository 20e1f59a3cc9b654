// SPDX-License-Identifier: Apache-2.0
/* Rests for 30 ms, then works for 30 ms without a pause: what it could use of its budget. */
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "figures.h"
#include "phases.h"
#include "timer.h"

static void tick(uint64_t due_us)
{
    (void)due_us;
}

static void rest_until(uint64_t when_us)
{
    timer_every(1000, tick);
    while (timer_us() < when_us) {
        rest();
        cpu_interrupts_on();
        cpu_interrupts_off();
    }
    timer_stop();
}

void guest_main(void)
{
    rest_until(BEGIN_US);
    const unsigned long idle = figure(USED);
    rest_until(MIDDLE_US);
    const unsigned long before = figure(USED);
    while (timer_us() < END_US) {
    }
    printf("used %lu while it rested, %lu at work\n", before - idle, figure(USED) - before);
    power_off();
}
