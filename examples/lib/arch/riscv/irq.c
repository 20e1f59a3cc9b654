// SPDX-License-Identifier: Apache-2.0
/* Interrupts of devices, at whichever controller the device tree has. */
#include "irq.h"

#include <stddef.h>

#include "csr.h"
#include "irqchip.h"
#include "trap.h"

static const struct irqchip *chip;
static void (*handlers[IRQS_MAX])(uint32_t irq);

void irq_init(void)
{
    static const struct irqchip *const known[] = {&aplic, &plic};

    for (unsigned i = 0; chip == NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i]->find()) {
            chip = known[i];
        }
    }
}

void irq_enable(uint32_t irq, void (*handler)(uint32_t irq))
{
    if (chip == NULL || irq == 0 || irq >= IRQS_MAX) {
        return;
    }
    handlers[irq] = handler;
    chip->enable(irq);
    csr_set(sie, 1ul << IRQ_EXTERNAL);
}

void irq_disable(uint32_t irq)
{
    if (chip != NULL) {
        chip->disable(irq);
    }
}

void irq_handle(uint32_t irq)
{
    if (irq < IRQS_MAX && handlers[irq] != NULL) {
        handlers[irq](irq);
    }
}

void irq_take(void)
{
    chip->take();
}
