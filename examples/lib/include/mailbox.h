// SPDX-License-Identifier: Apache-2.0
/*
 * Messages through channels, in order and without loss.
 *
 * A reader has no right to write, so it cannot take a message out of the memory that it reads. Each side therefore writes
 * two counters at the head of its own memory: how many messages it has sent, and how many of the other's it has taken.
 * The other side is not trusted: what it writes may be wrong at any time, and is checked after it has been copied.
 *
 *   0   sent       messages put into the slots below since the start
 *   4   taken      messages taken from the other side's slots
 *   64  slots      a power of two of them: 4 bytes of length, then the message
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"

#define MESSAGE_MAX 60

struct mailbox {
    struct channel out;
    struct channel in; /* the same as `out` for a channel that goes both ways */
    uint32_t sent;
    uint32_t taken;
};

/* Opens the channel that carries this side's messages and the one that carries the other's. */
bool mailbox_open(struct mailbox *box, const char *out, const char *in);

/* Sends `size` bytes, at most MESSAGE_MAX, and rings. False when the other side has not taken enough yet. */
bool mailbox_send(struct mailbox *box, const void *message, uint32_t size);

/* Takes the next message. Returns its size, cut to `size`, or -1 when there is none. */
int mailbox_receive(struct mailbox *box, void *message, uint32_t size);

#endif
