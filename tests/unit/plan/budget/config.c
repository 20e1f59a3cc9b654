// SPDX-License-Identifier: Apache-2.0
/* Periods of 100 us: alpha's vCPU 0 lends, its vCPU 1 borrows, beta has a pool alone; alpha's vCPU 2 has no budget. */
#include "../gicv3/config.c"
