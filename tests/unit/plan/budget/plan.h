// SPDX-License-Identifier: Apache-2.0
/* The system of gicv3, whose vCPUs have budgets of memory bandwidth; cycles stand in for it. */
#ifndef BUDGET_PLAN_H
#define BUDGET_PLAN_H

#define PLAN_BANDWIDTH   1
#define PLAN_POOLS       2
#define PLAN_PMU_KEEP    0
#define PLAN_PMU_CYCLES  1
#define PLAN_PMU_COUNTER 3
#define PLAN_PMU_CSR     0xc03

#include "../gicv3/plan.h"

#endif
