// SPDX-License-Identifier: Apache-2.0
/*
 * What has happened to the VMs, in a ring of memory that is kept over a warm reset where the board keeps its RAM. The plan
 * places it outside the image (config.events), for whoever loads the image again must not overwrite it.
 *
 * Nothing in it is believed: each entry has a checksum, and one that is wrong (torn by the reset, or never written) is empty.
 * A system without `hypervisor: {events: ...}` has PLAN_EVENTS 0, and nothing of this is linked.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

struct vm;

/* In the order of the ABI (docs/abi); new ones go to the end. */
enum event_kind {
    RECORD_NONE,     /* an empty entry */
    RECORD_BOOT,     /* the hypervisor has started; address: the first 8 bytes of its build id */
    RECORD_START,    /* a VM starts, for the first time or again */
    RECORD_FAULT,    /* address: of the access, where it was one; pc; detail: 1 + enum access, 0: no access */
    RECORD_RESET,    /* by itself */
    RECORD_POWEROFF, /* by itself */
    RECORD_WATCHDOG, /* it has bitten; pc of vCPU 0 */
    RECORD_RESTART,  /* is to start again */
    RECORD_END,
    RECORD_SUSPEND,
    RECORD_RESUME,
    RECORD_HALT,    /* of the whole system, because of this VM */
    RECORD_CONTROL, /* what follows was asked for by another; detail: 1 + that VM, 0: the console */
    RECORD_KINDS
};

#define RECORD_NO_VM 0xffffu

struct event {
    uint64_t time; /* ticks of arch_time(), which may begin anew at a reset */
    uint64_t address;
    uint64_t pc;
    uint32_t sequence; /* from 1; goes on over a reset */
    uint16_t kind;     /* enum event_kind */
    uint16_t vm;       /* index, RECORD_NO_VM: none */
    uint16_t vcpu;
    uint16_t detail;
    uint32_t check; /* last: over all before it */
};

#define EVENT_WORDS 9u

/* One of the EVENT_WORDS of an event, in the order of its members, the check left out. */
uint32_t events_word(const struct event *event, uint32_t word);

/* By the boot CPU: keep what is valid, empty the rest, and note the start. */
void events_init(uint64_t build);

/* Note what happened. May be called with any lock held: it waits for no other. */
void events_write(enum event_kind kind, uint32_t vm, uint32_t vcpu, uint32_t detail, uint64_t address, uint64_t pc);

/* The number that the next event will have. */
uint32_t events_next(void);

/* The event of that number; false: it is not there (any more). */
bool events_read(uint32_t sequence, struct event *event);

/* In words for the console: "restarts"; `kind` less than RECORD_KINDS. */
const char *events_name(uint32_t kind);

/* The same as events_write(), and nothing at all in a system that keeps no events. */
static inline void events_note(enum event_kind kind, uint32_t vm, uint32_t vcpu, uint32_t detail, uint64_t address,
                               uint64_t pc)
{
    if (PLAN_EVENTS != 0)
        events_write(kind, vm, vcpu, detail, address, pc);
}

#endif
