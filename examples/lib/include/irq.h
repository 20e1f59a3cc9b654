// SPDX-License-Identifier: Apache-2.0
/* Interrupts of devices and channels, by their number at the guest's interrupt controller. */
#ifndef IRQ_H
#define IRQ_H

#include <stdint.h>

#define IRQS_MAX 256

/* Called by the runtime before guest_main. */
void irq_init(void);

/* From now on interrupt `irq` goes to the calling CPU, as handler(irq) with interrupts off. Numbers: 1 to IRQS_MAX - 1. */
void irq_enable(uint32_t irq, void (*handler)(uint32_t irq));

void irq_disable(uint32_t irq);

#endif
