// SPDX-License-Identifier: Apache-2.0
/* The system of budget, counted by the last event counter; the guests have the others (MDCR_EL2.HPMN). */
#ifndef HPMN_PLAN_H
#define HPMN_PLAN_H

#define PLAN_BANDWIDTH   1
#define PLAN_POOLS       2
#define PLAN_PMU_KEEP    1
#define PLAN_PMU_CYCLES  0
#define PLAN_PMU_COUNTER 3
#define PLAN_PMU_CSR     0xc03

#include "../gicv3/plan.h"

#endif
