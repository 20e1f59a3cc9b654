// SPDX-License-Identifier: Apache-2.0
/* Accesses that stage 2 stopped, and what the guest gets to see of an exception. `syndrome`: ESR_EL2. */
#ifndef ARCH_ABORT_H
#define ARCH_ABORT_H

#include <stdint.h>

struct cpu;

/* A load, store or cache maintenance: for a virtual device, or one that the VM may not make. */
void abort_data(struct cpu *cpu, uint64_t syndrome);

/* An instruction fetch: none is allowed that comes here. */
void abort_fetch(struct cpu *cpu, uint64_t syndrome);

/* Go on behind the instruction that trapped: it has been carried out. */
void guest_skip(uint64_t syndrome);

/* Let the guest take an exception: the instruction is undefined. */
void guest_undefined(void);

#endif
