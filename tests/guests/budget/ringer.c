// SPDX-License-Identifier: Apache-2.0
/* Rings its neighbour for as long as the system runs, every few microseconds. */
#include <stdint.h>

#include "channel.h"
#include "cpu.h"
#include "timer.h"

void guest_main(void)
{
    struct channel bell;

    if (!channel_open(&bell, "bell")) {
        return;
    }
    for (;;) {
        const uint64_t from = timer_us();

        while (timer_us() - from < 5) {
        }
        channel_ring(&bell);
    }
}
