// SPDX-License-Identifier: Apache-2.0
/*
 * The physical GIC, version 2 or 3: one of drivers/gicv2.c and drivers/gicv3.c, besides the functions of drivers.h.
 *
 * An interrupt for a guest is ended here at once (its priority dropped) and stays active until the guest ends its virtual
 * one, which the hardware ties to it. Source: Arm GIC Architecture Specifications IHI 0048 (v2) and IHI 0069 (v3, v4).
 */
#ifndef GIC_H
#define GIC_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

struct cpu;

#define GIC_SPURIOUS 1020u /* and above: nothing is pending */
#define GIC_SPI      32u
#define GIC_PPI      16u
#define GIC_KICK     7u /* SGI by which CPUs call each other */
#define GIC_LR_MAX   16u

/* Private interrupts that the hypervisor itself takes on each CPU, a bit each. */
static inline uint32_t gic_own_interrupts(void)
{
    return 1u << GIC_KICK | 1u << config.maintenance_irq | (PLAN_TIMER ? 1u << config.timer_irq : 0);
}

uint32_t gic_acknowledge(void);      /* IAR: with the source CPU of an SGI above bit 10, on a GICv2 */
void gic_end(uint32_t acknowledged); /* drop the priority */
void gic_deactivate(uint32_t id);

void gic_kick(const struct cpu *cpu);

/* GICv3: send an SGI of Group 1 to a CPU. */
void gic_send(const struct cpu *cpu, uint32_t id);

enum gic_lr_state { LR_EMPTY, LR_PENDING, LR_ACTIVE, LR_BOTH };

/* List registers of this CPU. */
uint32_t gic_lr_count(void);
uint32_t gic_lr_empty(void); /* a bit each for those that are, and of whose end nothing is to be told */
enum gic_lr_state gic_lr_state(uint32_t index);
void gic_lr_clear(uint32_t index);
void gic_lr_tell(
    uint32_t index); /* interrupt this CPU when the guest has ended what stands there; not for a physical one */
void gic_lr_pend(uint32_t index, bool pending); /* one that is active becomes pending as well, or is so no more */

/*
 * Make a virtual interrupt pending. physical: what is deactivated with it, 0: none; end: tell us when the guest has ended it;
 * source: CPU of an SGI on a GICv2.
 */
void gic_lr_set(uint32_t index, uint32_t id, uint32_t priority, uint32_t physical, bool end, uint32_t source);

/*
 * The guest's end of this physical interrupt does not deactivate it: it is told, and gic_deactivate() is up to us. False where
 * the hardware ties the two.
 */
bool gic_lr_ends_apart(uint32_t physical);

/* Interrupt this CPU when its list registers run empty. */
void gic_lr_refill(bool wanted);

/* Signal no virtual interrupt to this CPU, or signal them again. */
void gic_hold(bool held);

/* This CPU's virtual interface as after a reset. */
void gic_reset_virtual(void);

#endif
