// SPDX-License-Identifier: Apache-2.0
/* Waits for doorbells; ends after as many as first.c rings. */
#include "../mark.h"
#include "channel.h"
#include "cpu.h"
#include "irq.h"

GUEST_AT(0xb0000000);

static volatile uint32_t heard;

static MARKED void doorbell(uint32_t irq)
{
    (void)irq;
    MARK(doorbell_handler);
    heard++;
}

void guest_main(void)
{
    struct channel channel;

    if (channel_open(&channel, "channel")) {
        irq_enable(channel.irq, doorbell);
        while (heard < 2 * 5 + 1) {
            cpu_wait();
        }
    }
    power_off();
}
