// SPDX-License-Identifier: Apache-2.0
/* Works without a pause: what it could use while its neighbour rested and while that one worked. */
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "figures.h"
#include "phases.h"
#include "timer.h"

void guest_main(void)
{
    while (timer_us() < BEGIN_US) {
    }
    const unsigned long begin = figure(USED);
    while (timer_us() < MIDDLE_US) {
    }
    const unsigned long middle = figure(USED);
    while (timer_us() < END_US) {
    }
    printf("used %lu beside one that rested, %lu beside one at work\n", middle - begin, figure(USED) - middle);
    power_off();
}
