// SPDX-License-Identifier: Apache-2.0
/* Counts its ticks and alarms, and interrupts that nobody ought to send it. */
#include "gic.h"
#include "timer.h"

static volatile uint32_t ticks, strange;

static void tick(uint64_t due_us)
{
    (void)due_us;
    ticks++;
}

static void wonder(uint32_t irq)
{
    (void)irq;
    strange++;
}

void guest_main(void)
{
    const bool has_rtc = fdt_find_compatible(FDT_NONE, "arm,pl031") != FDT_NONE;
    uint32_t fired = 0;

    for (uint32_t sgi = 0; sgi < 16; sgi++) {
        irq_enable(sgi, wonder);
    }
    if (has_rtc) {
        irq_enable(rtc_open(), alarm);
    }
    timer_every(5000, tick);
    while (ticks < 100) {
        const uint32_t now = ticks;

        if (has_rtc && fired == alarms) {
            fired++;
            rtc_fire();
        }
        while (ticks == now) {
            cpu_wait();
        }
    }
    printf("%u ticks, %u alarms too many or too few, %u strange interrupts\n", ticks, fired - alarms, strange);
    power_off();
}
