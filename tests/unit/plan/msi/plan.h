// SPDX-License-Identifier: Apache-2.0
/* Two VMs on three CPUs of a board with an APLIC and IMSICs: what configtool would generate for them. */
#ifndef PLAN_H
#define PLAN_H

#define PLAN_CPUS      3
#define PLAN_VMS       2
#define PLAN_VCPUS_MAX 2
#define PLAN_IRQS      64
#define PLAN_IRQ_WORDS 2
#define PLAN_TIMEBASE  10000000
#define PLAN_VIRQ      "vaplic.h"
#define PLAN_DIRECT    0
#define PLAN_TIMER     0
#define PLAN_WATCHDOG  0
#define PLAN_EVENTS    0
#define PLAN_CONTROL   0
#define PLAN_MANAGER   0
#define PLAN_MONITOR   0
#define PLAN_MSIS      256
#define PLAN_BANDWIDTH 0
#define PLAN_FIRMWARE  0

/* Of the image's layout, what panics read. */
#define PLAN_TEXT_BASE  0x80200000
#define PLAN_TEXT_SIZE  0x8000
#define PLAN_STACK_SIZE 4096

#endif
