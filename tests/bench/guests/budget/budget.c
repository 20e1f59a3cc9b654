// SPDX-License-Identifier: Apache-2.0
/* A vCPU that works for a millisecond without a pause, once counting has begun. */
#include <stdint.h>

#include "../../../guests/budget/figures.h"
#include "../mark.h"
#include "console.h"
#include "cpu.h"
#include "timer.h"

GUEST_AT(0xa0000000);

#define RUN_US 1000u

static MARKED uint32_t run(void)
{
    const uint64_t from = timer_us();
    uint64_t now;

    MARK(run_begin);
    do {
        now = timer_us();
    } while (now - from < RUN_US);
    MARK(run_end);
    return (uint32_t)(now - from);
}

void guest_main(void)
{
    printf("ready\n");
    while (console_getc() < 0) {
    }
    const unsigned long granted = figure(GRANTED);
    const unsigned long used = figure(USED);
    const unsigned long throttles = figure(THROTTLES);
    const uint32_t took = run();

    printf("granted %lu used %lu throttles %lu in %u us\n", figure(GRANTED) - granted, figure(USED) - used,
           figure(THROTTLES) - throttles, took);
    power_off();
}
