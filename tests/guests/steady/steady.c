// SPDX-License-Identifier: Apache-2.0
/* Timer ticks, interrupts between CPUs, a device's interrupts and doorbells, each with what the hypervisor had to do. */
#include <stddef.h>

#include "channel.h"
#include "console.h"
#include "counters.h"
#include "cpu.h"
#include "fdt.h"
#include "irq.h"
#include "irqchip.h"
#include "timer.h"

static volatile uint32_t ticks;
static volatile uint32_t answers;
static volatile uint32_t alarms;
static volatile uint32_t rings;

static unsigned long second_cpu_exits;
static bool over;

static void tick(uint64_t due_us)
{
    (void)due_us;
    ticks++;
}

static void report(const char *what, unsigned long exits)
{
    printf("%u %s: %lu exits\n", ROUNDS, what, exits);
}

static void test_timer(void)
{
    timer_every(1000, tick);
    const unsigned long before = exits();
    for (const uint32_t first = ticks; ticks - first < ROUNDS;) {
        cpu_wait();
    }
    const unsigned long after = exits();
    timer_stop();
    report("ticks", after - before);
}

static void answer(void)
{
    if (cpu_number() == 0) {
        answers++;
    } else if (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        cpu_interrupt(0);
    }
}

static void second_cpu(void)
{
    cpu_on_interrupt(answer);
    const unsigned long before = exits();
    cpu_interrupt(0); /* ready */
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        cpu_wait();
    }
    second_cpu_exits = exits() - before;
    cpu_interrupt(0);
    for (;;) {
        cpu_wait();
    }
}

static void wait_for_answers(uint32_t count)
{
    while (answers < count) {
        cpu_wait();
    }
}

static void test_interrupts_between_cpus(void)
{
    cpu_on_interrupt(answer);
    cpu_start(1, second_cpu);
    wait_for_answers(1);
    const unsigned long before = exits();
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        cpu_interrupt(1);
        wait_for_answers(i + 1);
    }
    const unsigned long after = exits();
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    cpu_interrupt(1);
    wait_for_answers(ROUNDS + 2);
    report("interrupts to the other CPU and back", after - before);
    report("interrupts seen from there", second_cpu_exits);
}

/* The Goldfish RTC: nanoseconds; reading the low word latches the high one, writing the low word arms the alarm. */
enum { TIME_LOW = 0, TIME_HIGH = 1, ALARM_LOW = 2, ALARM_HIGH = 3, IRQ_ENABLED = 4, CLEAR_INTERRUPT = 7 };
static volatile uint32_t *rtc;

static void alarm(uint32_t irq)
{
    (void)irq;
    rtc[CLEAR_INTERRUPT] = 1;
    alarms++;
}

static void wait_for_alarms(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t before = alarms;
        uint64_t when = rtc[TIME_LOW];

        when |= (uint64_t)rtc[TIME_HIGH] << 32;
        when += 1000000;
        rtc[ALARM_HIGH] = (uint32_t)(when >> 32);
        rtc[ALARM_LOW] = (uint32_t)when;
        while (alarms == before) {
            cpu_wait();
        }
    }
}

static void test_device(const char *what)
{
    wait_for_alarms(1);
    const unsigned long before = exits();
    wait_for_alarms(ROUNDS);
    const unsigned long after = exits();
    report(what, after - before);
}

static void rung(uint32_t irq)
{
    (void)irq;
    rings++;
}

static void test_doorbells(void)
{
    struct channel talk;

    if (!channel_open(&talk, "talk")) {
        printf("no channel\n");
        return;
    }
    irq_enable(talk.irq, rung);
    const unsigned long before = exits();
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        channel_ring(&talk);
        while (rings < i) {
            cpu_wait();
        }
    }
    const unsigned long after = exits();
    report("rings and answers", after - before);
    channel_ring(&talk); /* the end */
}

void guest_main(void)
{
    const int node = fdt_find_compatible(FDT_NONE, "google,goldfish-rtc");
    const uint32_t irq = fdt_interrupt(node, 0);
    uint64_t base = 0, size;

    fdt_reg(node, 0, &base, &size);
    rtc = (volatile uint32_t *)(uintptr_t)base;
    test_timer();
    test_interrupts_between_cpus();
    irq_enable(irq, alarm);
    rtc[IRQ_ENABLED] = 1;
    test_device("levels of a device");
    aplic_take_edges(irq);
    test_device("edges of a device");
    test_doorbells();
    power_off();
}
