// SPDX-License-Identifier: Apache-2.0
/* Prints long lines on every CPU as fast as it can: a test that each arrives whole and under its VM's label. */
#include "console.h"
#include "cpu.h"

#define LINES 100u

static uint32_t done;

static void talk(void)
{
    for (uint32_t i = 0; i < LINES; i++) {
        printf("cpu %u line %u: The quick brown fox jumps over the lazy dog, and the lazy dog thinks nothing of it at "
               "all.\n",
               cpu_number(), i);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
}

static void second_cpu(void)
{
    talk();
    for (;;) {
        cpu_wait();
    }
}

void guest_main(void)
{
    const uint32_t cpus = cpu_count();

    for (uint32_t i = 1; i < cpus; i++) {
        cpu_start(i, second_cpu);
    }
    talk();
    while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < cpus) {
    }
    power_off();
}
