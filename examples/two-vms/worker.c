// SPDX-License-Identifier: Apache-2.0
/*
 * The worker: waits for commands, divides each between its two CPUs, and answers. The CPUs wake each other by
 * inter-processor interrupts.
 */
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "mailbox.h"
#include "messages.h"

static struct mailbox box;
static volatile uint32_t doorbells;
static volatile uint32_t interrupts; /* between the CPUs, both directions */

/* The half that the second CPU works on. `todo` is set by the first CPU and cleared by the second. */
static struct {
    uint32_t first;
    uint32_t last;
    uint64_t sum;
    bool todo;
} half;

static void doorbell(uint32_t irq)
{
    (void)irq;
    doorbells++;
}

static void woken(void)
{
    __atomic_fetch_add(&interrupts, 1, __ATOMIC_RELAXED);
}

static uint64_t add_squares(uint32_t first, uint32_t last)
{
    uint64_t sum = 0;

    for (uint64_t i = first; i <= last; i++) {
        sum += i * i;
    }
    return sum;
}

static void second_cpu(void)
{
    cpu_on_interrupt(woken);
    for (;;) {
        while (!__atomic_load_n(&half.todo, __ATOMIC_ACQUIRE)) {
            cpu_wait();
        }
        half.sum = add_squares(half.first, half.last);
        __atomic_store_n(&half.todo, false, __ATOMIC_RELEASE);
        cpu_interrupt(0);
    }
}

static uint64_t work(const struct command *command, bool together)
{
    if (!together) {
        return add_squares(command->first, command->last);
    }
    const uint32_t middle = command->first + (command->last - command->first) / 2;
    half.first = middle + 1;
    half.last = command->last;
    __atomic_store_n(&half.todo, true, __ATOMIC_RELEASE);
    cpu_interrupt(1);
    const uint64_t sum = add_squares(command->first, middle);
    while (__atomic_load_n(&half.todo, __ATOMIC_ACQUIRE)) {
        cpu_wait();
    }
    return sum + half.sum;
}

void guest_main(void)
{
    uint32_t answered = 0;
    struct command command;

    if (!mailbox_open(&box, "telemetry", "commands")) {
        printf("no channels in the device tree\n");
        power_off();
    }
    cpu_on_interrupt(woken);
    const bool together = cpu_count() > 1 && cpu_start(1, second_cpu);
    printf("%s, waiting for commands\n", together ? "2 CPUs" : "1 CPU");
    irq_enable(box.in.irq, doorbell);

    for (;;) {
        if (mailbox_receive(&box, &command, sizeof command) != sizeof command) {
            cpu_wait();
            continue;
        }
        if (command.round == 0) {
            break;
        }
        const struct answer answer = {
            .round = command.round, .cpus = together ? 2 : 1, .sum = work(&command, together)};
        answered += mailbox_send(&box, &answer, sizeof answer);
    }
    printf("%u commands answered; %u doorbells heard, %u interrupts between the CPUs\n", answered, doorbells,
           interrupts);
    power_off();
}
