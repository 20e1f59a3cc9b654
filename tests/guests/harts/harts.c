// SPDX-License-Identifier: Apache-2.0
/* SBI HSM, IPI and RFENCE between the CPUs of one VM; prints one line for each thing that holds. */
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "csr.h"
#include "sbi.h"
#include "timer.h"

enum { STARTED = 0, STOPPED = 1, SUSPENDED = 4 }; /* SBI 2.0, table 22 */

#define RETENTIVE     0u
#define NON_RETENTIVE 0x80000000u
#define ROUNDS        20u

static uint32_t entered;
static uint32_t interrupts;
static uint32_t resumed_hart;

static void say(const char *what, bool holds)
{
    printf("%s: %s\n", what, holds ? "yes" : "NO");
}

static long status(uint32_t hart)
{
    const struct sbi_result result = sbi_call(SBI_HSM, SBI_HSM_STATUS, hart, 0, 0, 0, 0);

    return result.error == 0 ? result.value : result.error;
}

static bool becomes(uint32_t hart, long wanted)
{
    const uint64_t until = timer_us() + 2000000;

    while (status(hart) != wanted && timer_us() < until) {
    }
    return status(hart) == wanted;
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
    sbi_call(SBI_HSM, SBI_HSM_STOP, 0, 0, 0, 0, 0);
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
        sbi_call(SBI_HSM, SBI_HSM_SUSPEND, RETENTIVE, 0, 0, 0, 0);
        cpu_interrupts_on();
        cpu_interrupts_off();
    }
}

extern char _start_secondary[];

static void resumed(void)
{
    resumed_hart = cpu_number();
    __atomic_fetch_add(&entered, 1, __ATOMIC_RELEASE);
    sbi_call(SBI_HSM, SBI_HSM_STOP, 0, 0, 0, 0, 0);
}

static void suspend_for_good(void)
{
    cpu_on_interrupt(count);
    __atomic_fetch_add(&entered, 1, __ATOMIC_RELEASE);
    sbi_call(SBI_HSM, SBI_HSM_SUSPEND, NON_RETENTIVE, (unsigned long)_start_secondary, (unsigned long)resumed, 0, 0);
}

void guest_main(void)
{
    bool good = true;

    say("hart 1 is stopped at first", status(1) == STOPPED);
    say("hart 0 is started", status(0) == STARTED);
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
    say("a started hart is not started again",
        sbi_call(SBI_HSM, SBI_HSM_START, 1, (unsigned long)_start_secondary, 0, 0, 0).error == -6);
    good = becomes(1, SUSPENDED) && becomes(2, SUSPENDED);
    say("both suspend", good);
    good = true;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        sbi_call(SBI_IPI, 0, 6, 0, 0, 0, 0); /* harts 1 and 2 */
        good &= reaches(&interrupts, 2 * i) && becomes(1, SUSPENDED) && becomes(2, SUSPENDED);
    }
    say("20 interrupts wake both", good);
    say("fences on all harts", sbi_call(SBI_RFENCE, 0, 0, -1ul, 0, 0, 0).error == 0 &&
                                   sbi_call(SBI_RFENCE, 1, 7, 0, 0, -1ul, 0).error == 0 &&
                                   sbi_call(SBI_RFENCE, 2, 7, 0, 0x1000, 0x1000, 3).error == 0);
    power_off();
}
