// SPDX-License-Identifier: Apache-2.0
/*
 * The worker: its second CPU does nothing but count; the first gives signs of life and does what the boss wants, mistakes
 * included. It remembers nothing when it is started again: its memory is as its image has it.
 */
#include <stddef.h>

#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "manager.h"
#include "orders.h"

static struct channel orders;
static struct channel beats;
static uint32_t lives; /* 0 at each start */
static volatile uint32_t count;

static void second_cpu(void)
{
    for (;;) {
        count++;
    }
}

void guest_main(void)
{
    volatile uint32_t *beat;
    const volatile uint32_t *order;

    if (!channel_open(&orders, "orders") || !channel_open(&beats, "beats")) {
        printf("no channels\n");
        power_off();
    }
    beat = beats.write;
    order = orders.read;
    printf("starts, %s\n", lives++ == 0 ? "as new" : "and has a past");
    cpu_start(1, second_cpu);
    for (;;) {
        switch (*order) {
        case ORDER_FAULT:
            *(volatile uint32_t *)NOBODYS = 1;
            break;
        case ORDER_HANG:
            break;
        default:
            watchdog_pet();
            beat[0]++;
            beat[1] = count;
            break;
        }
    }
}
