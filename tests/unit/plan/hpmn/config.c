// SPDX-License-Identifier: Apache-2.0
/* The budgets of plan/budget. */
#include "../gicv3/config.c"
