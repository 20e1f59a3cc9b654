// SPDX-License-Identifier: Apache-2.0
#include "timer.h"

#include <stddef.h>

#include "clock.h"
#include "cpu.h"

static uint64_t frequency; /* of the time counter in Hz */

static struct {
    uint64_t base;   /* ticks of the counter at which the timer was set */
    uint64_t count;  /* periods since then, the one now waited for included */
    uint64_t period; /* microseconds */
    void (*handler)(uint64_t due_us);
} timers[CPUS_MAX];

void timer_init(void)
{
    frequency = clock_init();
}

/* Ticks to microseconds and back without overflow: whole seconds apart from the rest. */
static uint64_t to_us(uint64_t ticks)
{
    return ticks / frequency * 1000000 + ticks % frequency * 1000000 / frequency;
}

static uint64_t to_ticks(uint64_t us)
{
    return us / 1000000 * frequency + us % 1000000 * frequency / 1000000;
}

uint64_t timer_us(void)
{
    return to_us(clock_now());
}

static uint64_t due(uint32_t cpu)
{
    return timers[cpu].base + to_ticks(timers[cpu].count * timers[cpu].period);
}

void timer_every(uint64_t period_us, void (*handler)(uint64_t due_us))
{
    const uint32_t cpu = cpu_number();

    timers[cpu].base = clock_now();
    timers[cpu].count = 1;
    timers[cpu].period = period_us;
    timers[cpu].handler = handler;
    clock_set(due(cpu));
    clock_on();
}

void timer_stop(void)
{
    clock_off();
    timers[cpu_number()].handler = NULL;
}

/* Ticks that are overdue by now are made up for at once: the timer is never set to a time that has passed. */
void timer_take(void)
{
    const uint32_t cpu = cpu_number();

    do {
        const uint64_t now = due(cpu);
        timers[cpu].count++;
        timers[cpu].handler(to_us(now));
    } while (timers[cpu].handler != NULL && clock_now() >= due(cpu));
    if (timers[cpu].handler != NULL) {
        clock_set(due(cpu));
    }
}
