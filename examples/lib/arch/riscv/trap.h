// SPDX-License-Identifier: Apache-2.0
/* Where the trap entry hands each kind of interrupt. */
#ifndef TRAP_H
#define TRAP_H

void irq_take(void);
void timer_take(void);

#endif
