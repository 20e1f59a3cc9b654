// SPDX-License-Identifier: Apache-2.0
/*
 * The control loop: a tick every 10 ms, whatever Linux does. Once a second it publishes how it fares in the memory of the
 * channel `telemetry`; it prints it when Linux rings or a key is typed.
 */
#include <stddef.h>

#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "telemetry.h"
#include "timer.h"

#define PERIOD_US     10000u
#define PUBLISH_TICKS 100u

static struct channel channel;
static struct telemetry now = {.period_us = PERIOD_US};

/* The reader cannot lock: an odd sequence number tells it that the rest is being written. */
static void publish(void)
{
    volatile struct telemetry *shared = channel.write;

    shared->sequence = ++now.sequence;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    shared->period_us = now.period_us;
    shared->ticks = now.ticks;
    shared->latest_us = now.latest_us;
    shared->doorbells = now.doorbells;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    shared->sequence = ++now.sequence;
}

static void report(void)
{
    printf("%u ticks, the latest by %u us; %u doorbells\n", now.ticks, now.latest_us, now.doorbells);
}

static void tick(uint64_t due_us)
{
    const uint64_t late_us = timer_us() - due_us;

    now.ticks++;
    if (late_us > now.latest_us) {
        now.latest_us = (uint32_t)late_us;
    }
    if (now.ticks % PUBLISH_TICKS == 0) {
        publish();
    }
}

static void doorbell(uint32_t irq)
{
    (void)irq;
    now.doorbells++;
    report();
}

static void typed(char key)
{
    report();
    if (key == 'q') {
        power_off();
    }
}

void guest_main(void)
{
    if (!channel_open(&channel, "telemetry") || channel.write_size < sizeof now) {
        printf("no channel 'telemetry' to write to\n");
        power_off();
    }
    irq_enable(channel.irq, doorbell);
    console_on_input(typed);
    publish();
    timer_every(PERIOD_US, tick);
    printf("a tick every %u ms; q ends, any other key reports\n", PERIOD_US / 1000);
    for (;;) {
        cpu_wait();
    }
}
