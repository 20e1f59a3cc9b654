// SPDX-License-Identifier: Apache-2.0
/* A vCPU that never rests, with a tick now and then in the middle of its periods: how late it comes. */
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "figures.h"
#include "timer.h"

static volatile uint32_t ticks;
static volatile uint32_t latest_us;

static void tick(uint64_t due_us)
{
    const uint32_t late = (uint32_t)(timer_us() - due_us);

    ticks++;
    if (late > latest_us) {
        latest_us = late;
    }
}

void guest_main(void)
{
    timer_every(1000, tick);
    cpu_interrupts_on();
    while (ticks < 50) {
    }
    printf("the latest of 50 ticks came %s, passes %s, granted %lu used %lu\n",
           latest_us <= 5     ? "in time"
           : latest_us >= 300 ? "when its period was over"
                              : "late",
           figure(PASSES) >= 30  ? "many"
           : figure(PASSES) == 0 ? "none"
                                 : "some",
           figure(GRANTED), figure(USED));
    power_off();
}
