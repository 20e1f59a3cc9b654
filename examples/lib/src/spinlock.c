// SPDX-License-Identifier: Apache-2.0
#include "cpu.h"

unsigned long spin_lock(struct spinlock *lock)
{
    const unsigned long state = cpu_interrupts_off();

    while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) != 0) {
    }
    return state;
}

void spin_unlock(struct spinlock *lock, unsigned long state)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
    cpu_interrupts_restore(state);
}
