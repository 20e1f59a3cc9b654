// SPDX-License-Identifier: Apache-2.0
/* CPUs of one VM start, stop, wake and fence each other; prints one line for each thing that holds. */
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "power.h"
#include "timer.h"

#define ROUNDS 20u

static uint32_t entered;
static uint32_t interrupts;
static uint32_t resumed_hart;

static void say(const char *what, bool holds)
{
    printf("%s: %s\n", what, holds ? "yes" : "NO");
}

static bool becomes(uint32_t hart, long wanted)
{
    const uint64_t until = timer_us() + 2000000;

    while (power_state(hart) != wanted && timer_us() < until) {
    }
    return power_state(hart) == wanted;
}

static bool reaches(const uint32_t *counter, uint32_t wanted)
{
    const uint64_t until = timer_us() + 2000000;

    while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < wanted && timer_us() < until) {
    }
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE) == wanted;
}

static void stop(void)
{
    __atomic_fetch_add(&entered, 1, __ATOMIC_RELEASE);
    power_stop();
    __atomic_fetch_add(&entered, 1000, __ATOMIC_RELEASE); /* never comes here */
}

static void count(void)
{
    __atomic_fetch_add(&interrupts, 1, __ATOMIC_RELEASE);
}

static void suspend(void)
{
    cpu_on_interrupt(count);
    __atomic_fetch_add(&entered, 1, __ATOMIC_RELEASE);
    for (;;) {
        power_sleep(NULL);
        cpu_interrupts_on();
        cpu_interrupts_off();
    }
}

static void resumed(void)
{
    resumed_hart = cpu_number();
    __atomic_fetch_add(&entered, 1, __ATOMIC_RELEASE);
    power_stop();
}

static void suspend_for_good(void)
{
    cpu_on_interrupt(count);
    __atomic_fetch_add(&entered, 1, __ATOMIC_RELEASE);
    power_sleep(resumed);
}

void guest_main(void)
{
    bool good = true;

    say("hart 1 is stopped at first", power_state(1) == STOPPED);
    say("hart 0 is started", power_state(0) == STARTED);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        good &= cpu_start(1, stop) && reaches(&entered, i) && becomes(1, STOPPED);
    }
    say("hart 1 starts and stops 20 times", good);

    entered = 0;
    good = cpu_start(2, suspend_for_good) && reaches(&entered, 1) && becomes(2, SUSPENDED);
    cpu_interrupt(2);
    good &= reaches(&entered, 2) && resumed_hart == 2 && becomes(2, STOPPED);
    say("hart 2 resumes elsewhere", good);

    entered = 0;
    say("harts 1 and 2 start", cpu_start(1, suspend) && cpu_start(2, suspend) && reaches(&entered, 2));
    say("a started hart is not started again", power_is_on_already(1));
    good = becomes(1, SUSPENDED) && becomes(2, SUSPENDED);
    say("both suspend", good);
    good = true;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        interrupt_1_and_2();
        good &= reaches(&interrupts, 2 * i) && becomes(1, SUSPENDED) && becomes(2, SUSPENDED);
    }
    say("20 interrupts wake both", good);
    say("fences on all harts", fences());
    power_off();
}
