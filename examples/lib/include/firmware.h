// SPDX-License-Identifier: Apache-2.0
/* What the guest's firmware interface does for the rest of the runtime, on every architecture. */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include <stdint.h>

/* Firmware's own console, for guests without a UART. */
void firmware_putc(char c);
int firmware_getc(void); /* -1: nothing typed */

/*
 * The doorbell as a hypercall, for those who do not write to a doorbell page: event `event` of channel `id`. Returns 0,
 * or 1 failure, 2 no such id, 3 no such event (the ABI is Bao's).
 */
long firmware_ring(uint32_t id, uint32_t event);

/*
 * Any other of the hypervisor's calls (docs/abi): its result, as firmware_ring() has them, and in `value`, which may be null,
 * what it returns besides.
 */
long firmware_call(uint32_t number, unsigned long a0, unsigned long a1, unsigned long *value);

#endif
