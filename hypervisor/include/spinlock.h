// SPDX-License-Identifier: Apache-2.0
/* Ticket lock: first come, first served, so that no CPU can keep another from its turn. */
#ifndef SPINLOCK_H
#define SPINLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct spinlock {
    uint32_t next;
    uint32_t serving;
};

static inline void spin_lock(struct spinlock *lock)
{
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

    while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket)
        ;
}

/* The same, but false if it does not come within so many looks at the lock. The ticket stays taken. */
static inline bool spin_lock_within(struct spinlock *lock, uint32_t tries)
{
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

    while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
        if (tries == 0)
            return false;
        tries--;
    }
    return true;
}

static inline void spin_unlock(struct spinlock *lock)
{
    __atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
}

#endif
