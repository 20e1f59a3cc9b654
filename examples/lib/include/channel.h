// SPDX-License-Identifier: Apache-2.0
/*
 * Channels: memory shared with another VM, and doorbells. The device tree describes each in a node compatible with
 * "bulkhead,channel"; docs/abi/ says what its properties mean.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

struct channel {
    const volatile void *read; /* what the other side writes; null: nothing */
    uint32_t read_size;
    volatile void *write; /* what this side writes; null: nothing */
    uint32_t write_size;
    volatile uint32_t *doorbell; /* null: this side does not ring */
    uint32_t irq;                /* interrupt that the other side's doorbell raises; 0: none */
    uint32_t id;                 /* index for the hypercall */
};

/* Finds a channel by the name that the system's YAML gives it. False when this VM has no end of it. */
bool channel_open(struct channel *channel, const char *name);

/* Raises the interrupt of the other side: by the doorbell page, or by hypercall where there is none. */
void channel_ring(const struct channel *channel);

#endif
