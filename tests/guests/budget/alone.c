// SPDX-License-Identifier: Apache-2.0
/* One vCPU of two works, the other is off: what the first may use. */
#include "budget.c"
