// SPDX-License-Identifier: Apache-2.0
#include "events.h"

#include "arch.h"
#include "spinlock.h"

#define ENTRIES ((uint32_t)(PLAN_EVENTS / sizeof(struct event)))

_Static_assert(ENTRIES >= 16, "a ring that holds less than one bad night is of no use");

static struct spinlock lock;
static uint32_t next = 1; /* sequence number */

/* Memory that the plan has given to the ring. */
static struct event *entry(uint32_t sequence)
{
    return &((struct event *)(uintptr_t)config.events)[sequence % ENTRIES];
}

uint32_t events_word(const struct event *event, uint32_t word)
{
    switch (word) {
    case 0:
        return (uint32_t)event->time;
    case 1:
        return (uint32_t)(event->time >> 32);
    case 2:
        return (uint32_t)event->address;
    case 3:
        return (uint32_t)(event->address >> 32);
    case 4:
        return (uint32_t)event->pc;
    case 5:
        return (uint32_t)(event->pc >> 32);
    case 6:
        return event->sequence;
    case 7:
        return event->kind | (uint32_t)event->vm << 16;
    default:
        return event->vcpu | (uint32_t)event->detail << 16;
    }
}

/* FNV-1a over words: one flipped bit changes it. */
static uint32_t checksum(const struct event *event)
{
    uint32_t sum = 2166136261u;

    for (uint32_t i = 0; i < EVENT_WORDS; i++)
        sum = (sum ^ events_word(event, i)) * 16777619u;
    return sum;
}

static bool is_valid(const struct event *event)
{
    return event->kind != RECORD_NONE && event->kind < RECORD_KINDS && event->check == checksum(event) &&
           event == entry(event->sequence);
}

void events_init(uint64_t build)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct event *event = entry(i);

        if (!is_valid(event))
            *event = (struct event){0};
        else if (event->sequence >= next)
            next = event->sequence + 1;
    }
    events_write(RECORD_BOOT, RECORD_NO_VM, 0, 0, build, 0);
}

void events_write(enum event_kind kind, uint32_t vm, uint32_t vcpu, uint32_t detail, uint64_t address, uint64_t pc)
{
    struct event event = {.time = arch_time(),
                          .address = address,
                          .pc = pc,
                          .kind = (uint16_t)kind,
                          .vm = (uint16_t)vm,
                          .vcpu = (uint16_t)vcpu,
                          .detail = (uint16_t)detail};

    spin_lock(&lock);
    event.sequence = next;
    next++;
    event.check = checksum(&event);
    *entry(event.sequence) = event;
    arch_clean((uint64_t)(uintptr_t)entry(event.sequence), sizeof(event));
    spin_unlock(&lock);
}

uint32_t events_next(void)
{
    return __atomic_load_n(&next, __ATOMIC_ACQUIRE);
}

bool events_read(uint32_t sequence, struct event *event)
{
    spin_lock(&lock);
    *event = *entry(sequence);
    spin_unlock(&lock);
    return event->sequence == sequence && event->kind != RECORD_NONE;
}

const char *events_name(uint32_t kind)
{
    static const char *const names[] = {"nothing",    "booted",           "starts",   "fault",     "resets itself",
                                        "powers off", "silent",           "restarts", "has ended", "suspended",
                                        "resumed",    "halts the system", "steered"};

    _Static_assert(sizeof(names) / sizeof(names[0]) == RECORD_KINDS, "a name for each");
    return names[kind];
}
