// SPDX-License-Identifier: Apache-2.0
#ifndef ARCH_GUEST_PMU_H
#define ARCH_GUEST_PMU_H

#include <stdbool.h>

#include "arch/sbi.h"

struct cpu;

/* The vCPU of this hart has the SBI extension PMU. */
bool guest_pmu_exists(const struct cpu *cpu);

/* The SBI extension PMU, for the vCPU of this hart. */
struct sbi_result guest_pmu_call(struct cpu *cpu, ureg_t function);

/* A fresh vCPU: nothing is counted but cycles and instructions, as on a hart that firmware has just started. */
void guest_pmu_reset(struct cpu *cpu);

#endif
