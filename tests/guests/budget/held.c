// SPDX-License-Identifier: Apache-2.0
/* A vCPU that never rests, with its own timer and another VM's doorbell interrupting it all the time. */
#include <stdint.h>

#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "figures.h"
#include "irq.h"
#include "timer.h"

#define RUN_US 20000u /* 200 periods of 100 us */

static volatile uint32_t rings;
static volatile uint32_t ticks;

static void rung(uint32_t irq)
{
    (void)irq;
    rings++;
}

static void tick(uint64_t due_us)
{
    (void)due_us;
    ticks++;
}

void guest_main(void)
{
    struct channel bell;

    if (!channel_open(&bell, "bell")) {
        printf("no channel\n");
        return;
    }
    irq_enable(bell.irq, rung);
    timer_every(20, tick);
    cpu_interrupts_on();
    const unsigned long before = figure(GRANTED);
    const unsigned long throttles = figure(THROTTLES);
    const uint64_t from = timer_us();

    while (timer_us() - from < RUN_US) {
    }
    const unsigned long granted = figure(GRANTED);
    const unsigned long used = figure(USED);

    printf("granted %lu, used %s that, throttles %lu, rings %s, ticks %s\n", granted - before,
           used <= granted ? "within" : "beyond", figure(THROTTLES) - throttles, rings >= 100 ? "come" : "lack",
           ticks >= 200 ? "come" : "lack");
    power_off();
}
