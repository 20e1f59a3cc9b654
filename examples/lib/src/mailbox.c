// SPDX-License-Identifier: Apache-2.0
#include "mailbox.h"

#include <stddef.h>

struct head {
    uint32_t sent;
    uint32_t taken;
};

struct slot {
    uint32_t size;
    uint8_t bytes[MESSAGE_MAX];
};

#define SLOTS_OFFSET 64u

static uint32_t slot_count(uint32_t memory)
{
    uint32_t count = 1;

    while (2 * count <= (memory - SLOTS_OFFSET) / sizeof(struct slot)) {
        count *= 2;
    }
    return count;
}

static struct slot *slot(const volatile void *memory, uint32_t size, uint32_t message)
{
    struct slot *slots = (struct slot *)((uintptr_t)memory + SLOTS_OFFSET);

    return &slots[message % slot_count(size)];
}

bool mailbox_open(struct mailbox *box, const char *out, const char *in)
{
    *box = (struct mailbox){0};
    return channel_open(&box->out, out) && channel_open(&box->in, in) && box->out.write != NULL &&
           box->in.read != NULL && box->out.write_size >= SLOTS_OFFSET + sizeof(struct slot) &&
           box->in.read_size >= SLOTS_OFFSET + sizeof(struct slot);
}

bool mailbox_send(struct mailbox *box, const void *message, uint32_t size)
{
    struct head *mine = (struct head *)box->out.write;
    const struct head *other = (const struct head *)box->in.read;
    const uint32_t taken = __atomic_load_n(&other->taken, __ATOMIC_ACQUIRE);

    if (size > MESSAGE_MAX || box->sent - taken >= slot_count(box->out.write_size)) {
        return false;
    }
    volatile struct slot *to = slot(box->out.write, box->out.write_size, box->sent);
    for (uint32_t i = 0; i < size; i++) {
        to->bytes[i] = ((const uint8_t *)message)[i];
    }
    to->size = size;
    __atomic_store_n(&mine->sent, ++box->sent, __ATOMIC_RELEASE);
    channel_ring(&box->out);
    return true;
}

int mailbox_receive(struct mailbox *box, void *message, uint32_t size)
{
    struct head *mine = (struct head *)box->out.write;
    const struct head *other = (const struct head *)box->in.read;

    if (__atomic_load_n(&other->sent, __ATOMIC_ACQUIRE) == box->taken) {
        return -1;
    }
    const volatile struct slot *from = slot(box->in.read, box->in.read_size, box->taken);
    uint32_t length = from->size; /* read once: the other side may change it meanwhile */
    if (length > size) {
        length = size;
    }
    if (length > MESSAGE_MAX) {
        length = MESSAGE_MAX;
    }
    for (uint32_t i = 0; i < length; i++) {
        ((uint8_t *)message)[i] = from->bytes[i];
    }
    __atomic_store_n(&mine->taken, ++box->taken, __ATOMIC_RELEASE);
    return (int)length;
}
