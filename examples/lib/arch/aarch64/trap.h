// SPDX-License-Identifier: Apache-2.0
/* What the parts of the runtime for this architecture have of each other. */
#ifndef TRAP_H
#define TRAP_H

#include <stdint.h>

void irq_init_cpu(void); /* by each CPU */
void irq_take(void);
void irq_send(uint32_t number, uint32_t sgi); /* a software generated interrupt to CPU `number` */

/* All memory of the device tree is cached from now on; the rest stays device memory. */
void mmu_init(void);

#endif
