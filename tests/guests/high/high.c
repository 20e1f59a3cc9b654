// SPDX-License-Identifier: Apache-2.0
/* Leaves a device's line high at the end of its interrupt, three times: it has to come again each time. */
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "irq.h"
#include "timer.h"

enum { RTC_TIME = 0, RTC_MATCH = 1, RTC_ENABLED = 4, RTC_CLEAR = 7, TIMES = 4 };

static volatile uint32_t *rtc;
static volatile uint32_t times;

static void alarm(uint32_t irq)
{
    (void)irq;
    times++;
    if (times >= TIMES) {
        rtc[RTC_CLEAR] = 1;
    }
}

void guest_main(void)
{
    const int node = fdt_find_compatible(FDT_NONE, "arm,pl031");
    uint64_t base = 0, size;

    fdt_reg(node, 0, &base, &size);
    rtc = (volatile uint32_t *)(uintptr_t)base;
    rtc[RTC_CLEAR] = 1;
    rtc[RTC_ENABLED] = 1;
    irq_enable(fdt_interrupt(node, 0), alarm);
    cpu_interrupts_on();
    rtc[RTC_MATCH] = rtc[RTC_TIME];
    /* Without an exit, by which the hypervisor might find it. */
    for (const uint64_t start = timer_us(); timer_us() - start < 200000 && times < TIMES;) {
    }
    printf("%u times\n", times);
    power_off();
}
