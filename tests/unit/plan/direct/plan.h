// SPDX-License-Identifier: Apache-2.0
/* The VMs of gicv3; alpha has its interrupts itself (test_vgic_direct.c). */
#include "../gicv3/plan.h"

#undef PLAN_DIRECT
#define PLAN_DIRECT 1
