// SPDX-License-Identifier: Apache-2.0
/* The VMs of gicv3; alpha has its interrupts itself (test_vgic_direct.c). */
#include "../gicv3/plan.h"

#undef PLAN_DIRECT
#define PLAN_DIRECT 1
#define PLAN_CPUS      4
#define PLAN_VMS       2
#define PLAN_VCPUS_MAX 3
#define PLAN_IRQS      96
#define PLAN_IRQ_WORDS 3
#define PLAN_TIMEBASE  62500000
#define PLAN_VIRQ      "vgic.h"
#define PLAN_DIRECT    1
#define PLAN_TIMER     1
#define PLAN_MSIS      0
#define PLAN_BANDWIDTH 0
#define PLAN_STAGE1    0x40200000
#define PLAN_VTCR      0x80023558

#define FAKE_GIC 3

#endif
