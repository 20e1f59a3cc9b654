// SPDX-License-Identifier: Apache-2.0
/* Calls of the RISC-V Supervisor Binary Interface (specification 2.0). */
#ifndef SBI_H
#define SBI_H

struct sbi_result {
    long error; /* 0, or a negative number (SBI 2.0, table 1) */
    long value;
};

enum {
    SBI_BASE = 0x10,
    SBI_TIME = 0x54494d45,
    SBI_IPI = 0x735049,
    SBI_RFENCE = 0x52464e43,
    SBI_HSM = 0x48534d,
    SBI_SRST = 0x53525354,
    SBI_PMU = 0x504d55,
    SBI_DBCN = 0x4442434e,
    SBI_BAO = 0x08000ba0, /* the hypercalls, numbered as Bao's */
};

enum {
    SBI_BASE_SPEC_VERSION = 0,
    SBI_BASE_PROBE = 3,
    SBI_HSM_START = 0,
    SBI_HSM_STOP = 1,
    SBI_HSM_STATUS = 2,
    SBI_HSM_SUSPEND = 3,
    SBI_DBCN_WRITE = 0,
    SBI_DBCN_READ = 1,
    SBI_DBCN_WRITE_BYTE = 2,
    SBI_BAO_IPC = 1,
};

struct sbi_result sbi_call(unsigned long extension, unsigned long function, unsigned long a0, unsigned long a1,
                           unsigned long a2, unsigned long a3, unsigned long a4);

#endif
