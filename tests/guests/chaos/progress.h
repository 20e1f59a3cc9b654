// SPDX-License-Identifier: Apache-2.0
/* What the chaos has done, in memory that its restarts do not touch; the witness reads it. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

#define PROGRESS_MAGIC 0x63686173u

struct progress {
    uint32_t magic; /* there is a seed */
    uint32_t done;  /* all operations are behind it */
    uint64_t seed;
    uint64_t wanted;        /* operations of both vCPUs together */
    uint64_t operations[2]; /* begun by each */
    uint64_t starts;        /* of the VM */
};

#endif
