// SPDX-License-Identifier: Apache-2.0
/* The interrupt controllers that irq.c chooses from, and the interrupt files of an IMSIC. */
#ifndef IRQCHIP_H
#define IRQCHIP_H

#include <stdbool.h>
#include <stdint.h>

struct irqchip {
    bool (*find)(void); /* true: the tree has this one, and it is ready */
    void (*enable)(uint32_t irq);
    void (*disable)(uint32_t irq);
    void (*take)(void); /* an external interrupt of the calling CPU: irq_handle() for each that is pending */
};

extern const struct irqchip plic, aplic;

/* Take a source that is enabled by its rising edges from now on, whatever the tree says of it. */
void aplic_take_edges(uint32_t irq);

void irq_handle(uint32_t irq);

/* Calls the handler of inter-processor interrupts. */
void cpu_interrupted(void);

/* Identities of an interrupt file, numbered from 1. */
#define IMSIC_IPI           1u
#define IMSIC_IDENTITY(irq) ((irq) + 1u)

/* The interrupt files of all CPUs: one page each, at CPU 0's and behind it. False: the tree has none. */
bool imsic_find(void);

/* This CPU takes an identity from now on; false: there is no IMSIC, or it has fewer. */
bool imsic_enable(uint32_t identity);

/* Sends an identity to another CPU. False: there is no IMSIC. */
bool imsic_send(uint32_t cpu, uint32_t identity);

/* Takes the next identity that is pending for this CPU, 0: none. */
uint32_t imsic_claim(void);

#endif
