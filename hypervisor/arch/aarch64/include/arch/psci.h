// SPDX-License-Identifier: Apache-2.0
/* PSCI and SMCCC: numbers, and calls to the firmware. Source: Arm DEN 0022 (PSCI 1.1), DEN 0028 (SMCCC 1.3). */
#ifndef ARCH_PSCI_H
#define ARCH_PSCI_H

#include <stdint.h>

/* Function ids; those with an address or an affinity have a 64-bit form. */
#define PSCI_64             0x40000000u
#define PSCI_VERSION        0x84000000u
#define PSCI_CPU_SUSPEND    0xc4000001u
#define PSCI_CPU_OFF        0x84000002u
#define PSCI_CPU_ON         0xc4000003u
#define PSCI_AFFINITY_INFO  0xc4000004u
#define PSCI_MIGRATE_TYPE   0x84000006u
#define PSCI_SYSTEM_OFF     0x84000008u
#define PSCI_SYSTEM_RESET   0x84000009u
#define PSCI_FEATURES       0x8400000au
#define PSCI_SYSTEM_SUSPEND 0xc400000eu
#define PSCI_SYSTEM_RESET2  0xc4000012u

#define SMCCC_VERSION       0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u

/* Mitigations of the CPU that calls, for guests that need firmware for them (DEN 0028, section 7). */
#define SMCCC_WORKAROUND_1 0x80008000u
#define SMCCC_WORKAROUND_2 0x80007fffu
#define SMCCC_WORKAROUND_3 0x80003fffu

/* Bulkhead's and Bao's hypercalls: the number is in the low byte. */
#define SMCCC_HYPERCALL      0x86000000u
#define SMCCC_HYPERCALL_MASK 0xbfffff00u

enum psci_error {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INTERNAL_FAILURE = -6,
    PSCI_INVALID_ADDRESS = -9,
};

enum { PSCI_STATE_ON, PSCI_STATE_OFF, PSCI_STATE_ON_PENDING };

static inline long psci_call(uint32_t function, uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = arg0;
    register uint64_t x2 __asm__("x2") = arg1;
    register uint64_t x3 __asm__("x3") = arg2;

    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     :
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
                       "memory");
    return (long)(int32_t)x0;
}

/*
 * A call with all of its registers, x0 to x7. The results are in x0 to x3 afterwards, as SMCCC 1.1 has it (DEN 0028,
 * section 2.6); what firmware leaves in the others does not come back.
 */
static inline void psci_pass(uint64_t *x)
{
    register uint64_t x0 __asm__("x0") = x[0]; /* cppcheck-suppress constStatement */
    register uint64_t x1 __asm__("x1") = x[1]; /* cppcheck-suppress constStatement */
    register uint64_t x2 __asm__("x2") = x[2]; /* cppcheck-suppress constStatement */
    register uint64_t x3 __asm__("x3") = x[3]; /* cppcheck-suppress constStatement */
    register uint64_t x4 __asm__("x4") = x[4]; /* cppcheck-suppress constStatement */
    register uint64_t x5 __asm__("x5") = x[5]; /* cppcheck-suppress constStatement */
    register uint64_t x6 __asm__("x6") = x[6]; /* cppcheck-suppress constStatement */
    register uint64_t x7 __asm__("x7") = x[7]; /* cppcheck-suppress constStatement */

    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)
                     :
                     : "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    x[0] = x0;
    x[1] = x1;
    x[2] = x2;
    x[3] = x3;
}

#endif
