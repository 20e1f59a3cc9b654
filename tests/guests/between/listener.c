// SPDX-License-Identifier: Apache-2.0
/* Waits for the news. */
#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"

static volatile uint32_t heard_as;

static void heard(uint32_t irq)
{
    heard_as = irq;
}

void guest_main(void)
{
    struct channel news;

    if (!channel_open(&news, "news")) {
        printf("no channel\n");
        power_off();
    }
    irq_enable(news.irq, heard);
    while (heard_as == 0) {
        cpu_wait();
    }
    printf("interrupt %u, news 0x%x\n", heard_as, *(const volatile uint32_t *)news.read);
    power_off();
}
