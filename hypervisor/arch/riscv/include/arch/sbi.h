// SPDX-License-Identifier: Apache-2.0
/*
 * The Supervisor Binary Interface: numbers, and calls to the firmware below us.
 * Source: RISC-V Supervisor Binary Interface Specification 2.0.
 */
#ifndef ARCH_SBI_H
#define ARCH_SBI_H

#include <stdint.h>

#include "arch/cpu.h"

enum sbi_extension {
    SBI_BAO = 0x08000ba0,
    SBI_BASE = 0x10,
    SBI_TIME = 0x54494d45,
    SBI_IPI = 0x735049,
    SBI_RFENCE = 0x52464e43,
    SBI_HSM = 0x48534d,
    SBI_SRST = 0x53525354,
    SBI_PMU = 0x504d55,
    SBI_DBCN = 0x4442434e,
};

enum sbi_error {
    SBI_SUCCESS = 0,
    SBI_FAILED = -1,
    SBI_NOT_SUPPORTED = -2,
    SBI_INVALID_PARAM = -3,
    SBI_INVALID_ADDRESS = -5,
    SBI_ALREADY_AVAILABLE = -6,
    SBI_NO_SHMEM = -9,
};

enum {
    SBI_BASE_VERSION,
    SBI_BASE_IMPL_ID,
    SBI_BASE_IMPL_VERSION,
    SBI_BASE_PROBE,
    SBI_BASE_MVENDORID,
    SBI_BASE_MARCHID,
    SBI_BASE_MIMPID
};
enum {
    SBI_RFENCE_FENCE_I,
    SBI_RFENCE_SFENCE_VMA,
    SBI_RFENCE_SFENCE_VMA_ASID,
    SBI_RFENCE_HFENCE_VVMA_ASID = 5,
    SBI_RFENCE_HFENCE_VVMA = 6
};
enum { SBI_HSM_START, SBI_HSM_STOP, SBI_HSM_STATUS, SBI_HSM_SUSPEND };
enum { SBI_DBCN_WRITE, SBI_DBCN_READ, SBI_DBCN_WRITE_BYTE };

/* States that HSM reports. */
enum { SBI_HSM_STARTED, SBI_HSM_STOPPED, SBI_HSM_START_PENDING, SBI_HSM_SUSPENDED = 4 };

#define SBI_HSM_RETENTIVE     0x00000000u
#define SBI_HSM_NON_RETENTIVE 0x80000000u

#define SBI_SRST_SHUTDOWN    0u
#define SBI_SRST_COLD_REBOOT 1u
#define SBI_SRST_WARM_REBOOT 2u
#define SBI_SRST_FAILED      1u /* reset reason: system failure */

struct sbi_result {
    long error;
    ureg_t value;
};

static inline struct sbi_result sbi_call(ureg_t extension, ureg_t function, ureg_t arg0, ureg_t arg1, ureg_t arg2,
                                         ureg_t arg3, ureg_t arg4)
{
    register ureg_t a0 __asm__("a0") = arg0;
    register ureg_t a1 __asm__("a1") = arg1;
    register ureg_t a2 __asm__("a2") = arg2;
    register ureg_t a3 __asm__("a3") = arg3;
    register ureg_t a4 __asm__("a4") = arg4;
    register ureg_t a6 __asm__("a6") = function;
    register ureg_t a7 __asm__("a7") = extension;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(long)a0, a1};
}

#endif
