// SPDX-License-Identifier: Apache-2.0
/* What lies at the start of the channel `telemetry`. telemetry.sh reads it by these offsets. */
#ifndef TELEMETRY_H
#define TELEMETRY_H

#include <stdint.h>

struct telemetry {
    uint32_t sequence;  /* 0: odd while the rest is being written */
    uint32_t period_us; /* 4 */
    uint32_t ticks;     /* 8: since the start */
    uint32_t latest_us; /* 12: the worst time from when a tick was due to its handler */
    uint32_t doorbells; /* 16: heard since the start */
};

#endif
