// SPDX-License-Identifier: Apache-2.0
#include "channel.h"

#include <stddef.h>

#include "fdt.h"
#include "firmware.h"
#include "string.h"

/* A part of the shared memory, as <offset size>; empty when the node does not have the property. */
static uintptr_t part(int node, const char *property, uintptr_t base, uint64_t whole, uint32_t *size)
{
    const uint32_t offset = fdt_cell(node, property, 0, 0);

    *size = fdt_cell(node, property, 1, 0);
    return *size != 0 && offset <= whole && *size <= whole - offset ? base + offset : 0;
}

static int find(const char *name)
{
    int node = fdt_find_compatible(FDT_NONE, "bulkhead,channel");

    for (; node != FDT_NONE; node = fdt_find_compatible(node, "bulkhead,channel")) {
        const char *label = fdt_string(node, "label");
        if (label != NULL && strcmp(label, name) == 0) {
            break;
        }
    }
    return node;
}

bool channel_open(struct channel *channel, const char *name)
{
    const int node = find(name);
    uint64_t base, size;

    if (!fdt_reg(node, 0, &base, &size)) {
        return false;
    }
    *channel = (struct channel){
        .irq = fdt_interrupt(node, 0),
        .id = fdt_cell(node, "id", 0, 0),
        .doorbell = (volatile uint32_t *)(uintptr_t)((uint64_t)fdt_cell(node, "bulkhead,doorbell", 0, 0) << 32 |
                                                     fdt_cell(node, "bulkhead,doorbell", 1, 0)),
    };
    channel->read = (const volatile void *)part(node, "read-channel", (uintptr_t)base, size, &channel->read_size);
    channel->write = (volatile void *)part(node, "write-channel", (uintptr_t)base, size, &channel->write_size);
    return true;
}

void channel_ring(const struct channel *channel)
{
    /* What was written to the shared memory is there before the doorbell is. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (channel->doorbell != NULL) {
        *channel->doorbell = 1;
    } else {
        firmware_ring(channel->id, 0);
    }
}
