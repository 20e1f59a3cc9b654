// SPDX-License-Identifier: Apache-2.0
/* Calls of the firmware: PSCI 1.1 (DEN 0022) and hypercalls, by HVC as SMCCC 1.1 (DEN 0028) has it. */
#ifndef PSCI_H
#define PSCI_H

enum {
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_OFF = 0x84000002,
    PSCI_CPU_ON = 0xc4000003,
    PSCI_AFFINITY_INFO = 0xc4000004,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    HYPERCALL_IPC = 0xc6000001, /* numbered as Bao's */
};

/* Returns x0: 0, or a negative number (DEN 0022, section 5.2.2). */
long psci_call(unsigned long function, unsigned long a1, unsigned long a2, unsigned long a3);

#endif
