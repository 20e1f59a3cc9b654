// SPDX-License-Identifier: Apache-2.0
/*
 * The second vCPU uses its budget and is stopped until its period of 200 ms is over; meanwhile the first resets the VM. Says
 * when the VM starts and when the second vCPU runs.
 */
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "figures.h"
#include "timer.h"

static volatile uint32_t here_us;

static void tick(uint64_t due_us)
{
    (void)due_us;
}

static void second_cpu(void)
{
    here_us = (uint32_t)timer_us();
    for (;;) {
    }
}

void guest_main(void)
{
    const uint32_t start_us = (uint32_t)timer_us();

    timer_every(1000, tick);
    cpu_start(1, second_cpu);
    while (here_us == 0) {
        rest();
        cpu_interrupts_on();
        cpu_interrupts_off();
    }
    while (timer_us() - here_us < 30000) {
        rest();
        cpu_interrupts_on();
        cpu_interrupts_off();
    }
    printf("started at %u us, the second vCPU at %u us\n", start_us, here_us);
    reset();
}
