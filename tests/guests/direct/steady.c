// SPDX-License-Identifier: Apache-2.0
/* Timer ticks, interrupts between CPUs, a device's interrupts and doorbells, each with what the hypervisor had to do. */
#include "channel.h"
#include "gic.h"
#include "timer.h"

static volatile uint32_t ticks, answers, rings;
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
    report("and one sent from there", second_cpu_exits);
}

static void test_device(void)
{
    irq_enable(rtc_open(), alarm);
    const unsigned long before = exits();
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        rtc_fire();
        while (alarms < i) {
            cpu_wait();
        }
    }
    const unsigned long after = exits();
    report("levels of a device", after - before);
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
    test_timer();
    test_interrupts_between_cpus();
    test_device();
    test_doorbells();
    power_off();
}
