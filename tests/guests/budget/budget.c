// SPDX-License-Identifier: Apache-2.0
/* A vCPU that never rests: what it used, and how often it was stopped, over a number of periods. */
#include <stdint.h>

#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "figures.h"
#include "timer.h"

#define RUN_US 100000u /* 1,000 periods of 100 us */

void guest_main(void)
{
    const unsigned long throttles = figure(THROTTLES);
    const uint64_t from = timer_us();
    uint64_t rounds = 0;

    while (timer_us() - from < RUN_US) {
        rounds++;
    }
    const uint64_t took = timer_us() - from;
    printf("granted %lu used %lu throttles %lu longest %lu in %lu us\n", figure(GRANTED), figure(USED),
           figure(THROTTLES) - throttles, figure(LONGEST), (unsigned long)took);
    power_off();
}
