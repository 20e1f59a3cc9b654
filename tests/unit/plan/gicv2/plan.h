// SPDX-License-Identifier: Apache-2.0
/* Two VMs on four CPUs of a board with a GICv2: what configtool would generate for them. */
#ifndef PLAN_H
#define PLAN_H

#define PLAN_CPUS      4
#define PLAN_VMS       2
#define PLAN_VCPUS_MAX 3
#define PLAN_IRQS      96
#define PLAN_IRQ_WORDS 3
#define PLAN_TIMEBASE  62500000
#define PLAN_VIRQ      "vgic.h"
#define PLAN_DIRECT    0
#define PLAN_TIMER     0
#define PLAN_WATCHDOG  0
#define PLAN_EVENTS    0
#define PLAN_CONTROL   0
#define PLAN_MANAGER   0
#define PLAN_MONITOR   0
#define PLAN_MSIS      0
#define PLAN_BANDWIDTH 0
#define PLAN_FIRMWARE  0
#define PLAN_STAGE1    0x40200000
#define PLAN_VTCR      0x80023558

#define FAKE_GIC 2

/* Of the image's layout, what panics read. */
#define PLAN_TEXT_BASE  0x80200000
#define PLAN_TEXT_SIZE  0x8000
#define PLAN_STACK_SIZE 4096

#endif
