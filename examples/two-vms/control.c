// SPDX-License-Identifier: Apache-2.0
/*
 * The control loop: a tick every 10 ms; every fifth one sends a command to the worker, once the answer to the last is in.
 * Beside it an interrupt of a real device, the RTC, that the YAML passes through.
 */
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "irq.h"
#include "mailbox.h"
#include "messages.h"
#include "timer.h"

#define PERIOD_US       10000u
#define TICKS_PER_ROUND 5u
#define ROUNDS          20u
#define PATIENCE_TICKS  1000u /* for one answer */

static struct mailbox box;
static volatile uint32_t ticks;
static volatile uint32_t doorbells;
static uint64_t latest_us; /* the worst time from when a tick was due to its handler */

static void tick(uint64_t due_us)
{
    const uint64_t late_us = timer_us() - due_us;

    ticks++;
    if (late_us > latest_us) {
        latest_us = late_us;
    }
}

static void doorbell(uint32_t irq)
{
    (void)irq;
    doorbells++;
}

static volatile uint32_t *rtc;
static uint32_t rtc_clear; /* register that a 1 written to ends the alarm */

static void rtc_alarm(uint32_t irq)
{
    rtc[rtc_clear] = 1;
    printf("rtc alarm: interrupt %u\n", irq);
}

/* The Goldfish RTC counts nanoseconds; reading the low word latches the high one, writing the low word arms the alarm. */
static void goldfish_start(uint32_t after_ms)
{
    enum { TIME_LOW = 0, TIME_HIGH = 1, ALARM_LOW = 2, ALARM_HIGH = 3, IRQ_ENABLED = 4, CLEAR_INTERRUPT = 7 };
    uint64_t alarm = rtc[TIME_LOW];

    alarm |= (uint64_t)rtc[TIME_HIGH] << 32;
    alarm += after_ms * 1000000ul;
    rtc_clear = CLEAR_INTERRUPT;
    rtc[IRQ_ENABLED] = 1;
    rtc[ALARM_HIGH] = (uint32_t)(alarm >> 32);
    rtc[ALARM_LOW] = (uint32_t)alarm;
}

/* The PL031 counts seconds: the alarm comes with the one that is meant, or at once. */
static void pl031_start(uint32_t after_ms)
{
    enum { TIME = 0, MATCH = 1, IRQ_ENABLED = 4, CLEAR_INTERRUPT = 7 };

    rtc_clear = CLEAR_INTERRUPT;
    rtc[CLEAR_INTERRUPT] = 1;
    rtc[IRQ_ENABLED] = 1;
    rtc[MATCH] = rtc[TIME] + after_ms / 1000;
}

static void rtc_start(uint32_t after_ms)
{
    const int goldfish = fdt_find_compatible(FDT_NONE, "google,goldfish-rtc");
    const int node = goldfish != FDT_NONE ? goldfish : fdt_find_compatible(FDT_NONE, "arm,pl031");
    uint64_t base, size;

    if (!fdt_reg(node, 0, &base, &size)) {
        printf("no rtc in the device tree\n");
        return;
    }
    rtc = (volatile uint32_t *)(uintptr_t)base;
    irq_enable(fdt_interrupt(node, 0), rtc_alarm);
    if (node == goldfish) {
        goldfish_start(after_ms);
    } else {
        pl031_start(after_ms);
    }
}

/* Sum of the squares of 1 to n, in closed form: what the worker ought to find. */
static uint64_t squares(uint64_t n)
{
    return n * (n + 1) * (2 * n + 1) / 6;
}

void guest_main(void)
{
    uint32_t round = 0, answers = 0, wrong = 0;
    uint32_t next = TICKS_PER_ROUND;
    struct command command = {0};
    struct answer answer;

    if (!mailbox_open(&box, "commands", "telemetry")) {
        printf("no channels in the device tree\n");
        power_off();
    }
    printf("a tick every %u ms, a command to the worker every %u ticks\n", PERIOD_US / 1000, TICKS_PER_ROUND);
    irq_enable(box.in.irq, doorbell);
    rtc_start(500);
    timer_every(PERIOD_US, tick);

    while (answers < ROUNDS && ticks < next + PATIENCE_TICKS) {
        if (answers == round && ticks >= next) {
            round++;
            next = ticks + TICKS_PER_ROUND;
            command = (struct command){.round = round, .first = 100 * round, .last = 10000 * round};
            mailbox_send(&box, &command, sizeof command);
        } else if (mailbox_receive(&box, &answer, sizeof answer) == sizeof answer) {
            answers++;
            wrong += answer.round != round || answer.sum != squares(command.last) - squares(command.first - 1);
        } else {
            cpu_wait();
        }
    }
    if (answers < ROUNDS) {
        printf("the worker does not answer\n");
    }
    mailbox_send(&box, &(struct command){.round = 0}, sizeof command);
    printf("%u commands sent, %u answers received, %u wrong\n", round, answers, wrong);
    printf("%u ticks, the latest by %lu us; %u doorbells heard\n", ticks, (unsigned long)latest_us, doorbells);
    power_off();
}
