// SPDX-License-Identifier: Apache-2.0
/* What control and worker say to each other. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdint.h>

/* control to worker, on `commands`: add up the squares of first to last. Round 0: that was all. */
struct command {
    uint32_t round;
    uint32_t first;
    uint32_t last;
};

/* worker to control, on `telemetry` */
struct answer {
    uint32_t round;
    uint32_t cpus; /* that worked on it */
    uint64_t sum;
};

#endif
