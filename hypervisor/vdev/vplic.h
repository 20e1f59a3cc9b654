// SPDX-License-Identifier: Apache-2.0
#ifndef VPLIC_H
#define VPLIC_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "spinlock.h"

/*
 * State of the virtual interrupt controller. One bit for each guest interrupt number.
 * `pending` is changed by any CPU, atomically; all else under `lock`.
 */
struct virq {
    struct spinlock lock;
    uint32_t pending[PLAN_IRQ_WORDS];
    uint32_t active[PLAN_IRQ_WORDS]; /* claimed, not completed */
    uint32_t level[PLAN_IRQ_WORDS];  /* line of a virtual level source */
    uint32_t enable[PLAN_VCPUS_MAX][PLAN_IRQ_WORDS];
    uint32_t threshold[PLAN_VCPUS_MAX];
    bool asserted[PLAN_VCPUS_MAX]; /* what the vCPU was last told of its line */
    uint8_t priority[PLAN_IRQ_WORDS * 32];
    uint8_t home[PLAN_IRQ_WORDS * 32]; /* vCPU that is told of a new one: the last to enable it */
};

#endif
