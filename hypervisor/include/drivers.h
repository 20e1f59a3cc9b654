// SPDX-License-Identifier: Apache-2.0
/* The two kinds of hardware that the hypervisor drives. Each driver is one file of drivers/, chosen by config.mk. */
#ifndef DRIVERS_H
#define DRIVERS_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* The console's UART, already set up by the firmware: we take it as it is. */
void uart_put(char c);        /* waits until there is room */
int uart_get(void);           /* next byte received, -1: none */
void uart_enable_input(void); /* raise an interrupt for each */

/* The physical interrupt controller. */
void irqchip_quiet(void);                /* no device interrupts any CPU any more: of a hypervisor that ends */
void irqchip_init(void);                 /* once, by the boot CPU */
void irqchip_init_cpu(struct cpu *cpu);  /* by each CPU */
uint32_t irqchip_claim(struct cpu *cpu); /* source number, 0: none */
void irqchip_complete(struct cpu *cpu, uint32_t source);
void irqchip_enable(struct cpu *cpu, uint32_t source, bool enabled); /* for the CPU named, by any CPU of its VM */

#endif
