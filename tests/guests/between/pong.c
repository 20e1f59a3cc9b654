// SPDX-License-Identifier: Apache-2.0
/* Answers each number with the next one, until the news is that it is over. */
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "mailbox.h"

static volatile bool over;

static void rung(uint32_t irq)
{
    (void)irq;
}

static void heard(uint32_t irq)
{
    (void)irq;
    over = true;
}

void guest_main(void)
{
    struct mailbox box;
    struct channel news;
    uint32_t number, answered = 0;

    if (!mailbox_open(&box, "talk", "talk") || !channel_open(&news, "news")) {
        printf("no channels\n");
        power_off();
    }
    irq_enable(box.in.irq, rung);
    irq_enable(news.irq, heard);
    while (!over) {
        if (mailbox_receive(&box, &number, sizeof number) < 0) {
            cpu_wait();
            continue;
        }
        number++;
        answered += mailbox_send(&box, &number, sizeof number);
    }
    printf("%u answers, news 0x%x\n", answered, *(const volatile uint32_t *)news.read);
    power_off();
}
