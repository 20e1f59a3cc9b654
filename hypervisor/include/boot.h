// SPDX-License-Identifier: Apache-2.0
/* What the boot CPU of every architecture does and says. */
#ifndef BOOT_H
#define BOOT_H

#include <stdint.h>

struct cpu;

/* Run-time values of all VMs and CPUs, but for the architecture's part. */
void boot_init(void);

/* The last word of a planned memory bank is not there. */
void boot_no_memory(uint64_t address);

/* The board has no such CPU: its VM goes without it. */
void boot_cpu_missing(struct cpu *cpu);

/* The firmware does not start a CPU; `error` is its own. The CPU is missing from now on. */
void boot_cpu_stuck(struct cpu *cpu, long error);

/* The first vCPU of each VM will start when its CPU comes. */
void boot_start_vms(void);

/* The console's CPU takes its interrupt and says who we are. */
void boot_console(struct cpu *cpu);

#endif
