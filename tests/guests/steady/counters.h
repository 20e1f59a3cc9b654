// SPDX-License-Identifier: Apache-2.0
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdint.h>

#include "sbi.h"

#define ROUNDS 50u

/* How often the hypervisor has run for this vCPU, but for hypercalls such as these. */
static inline unsigned long exits(void)
{
    unsigned long sum = 0;

    for (unsigned reason = 0; reason <= 6; reason++) {
        if (reason != 1) {
            sum += (unsigned long)sbi_call(SBI_BAO, 0x41, reason, 0, 0, 0, 0).value;
        }
    }
    return sum;
}

#endif
