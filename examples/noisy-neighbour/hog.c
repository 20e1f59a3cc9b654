// SPDX-License-Identifier: Apache-2.0
/* The noisy neighbour: it writes one word of each line of 8 MiB, again and again, for a little longer than control runs. */
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "timer.h"

#define LINE   64u
#define MEMORY (8u << 20)
#define FOR_US 60000u

static volatile uint8_t memory[MEMORY];

void guest_main(void)
{
    const uint64_t end = timer_us() + FOR_US;
    uint32_t passes = 0;

    while (timer_us() < end) {
        for (uint32_t at = 0; at < MEMORY && (at % (MEMORY / 64) != 0 || timer_us() < end); at += LINE) {
            memory[at]++;
        }
        passes++;
    }
    printf("%u passes through %u MiB\n", passes, MEMORY >> 20);
    power_off();
}
