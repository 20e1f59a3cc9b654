// SPDX-License-Identifier: Apache-2.0
/* What a firmware does with CPUs, in the words of either. */
#ifndef POWER_H
#define POWER_H

#include "console.h"
#include "cpu.h"

extern char _start_secondary[];

#if defined(__riscv)
#include "sbi.h"

enum { STARTED = 0, STOPPED = 1, SUSPENDED = 4 }; /* SBI 2.0, table 22 */

static inline long power_state(uint32_t hart)
{
    const struct sbi_result result = sbi_call(SBI_HSM, SBI_HSM_STATUS, hart, 0, 0, 0, 0);

    return result.error == 0 ? result.value : result.error;
}

static inline void power_stop(void)
{
    sbi_call(SBI_HSM, SBI_HSM_STOP, 0, 0, 0, 0, 0);
}

/* Comes back, or goes on in `entry`. */
static inline void power_sleep(void (*entry)(void))
{
    sbi_call(SBI_HSM, SBI_HSM_SUSPEND, entry != NULL ? 0x80000000u : 0, (unsigned long)_start_secondary,
             (unsigned long)entry, 0, 0);
}

static inline bool power_is_on_already(uint32_t hart)
{
    return sbi_call(SBI_HSM, SBI_HSM_START, hart, (unsigned long)_start_secondary, 0, 0, 0).error == -6;
}

static inline void interrupt_1_and_2(void)
{
    sbi_call(SBI_IPI, 0, 6, 0, 0, 0, 0);
}

static inline bool fences(void)
{
    return sbi_call(SBI_RFENCE, 0, 0, -1ul, 0, 0, 0).error == 0 &&
           sbi_call(SBI_RFENCE, 1, 7, 0, 0, -1ul, 0).error == 0 &&
           sbi_call(SBI_RFENCE, 2, 7, 0, 0x1000, 0x1000, 3).error == 0;
}
#else
#include "psci.h"

enum { STARTED = 0, STOPPED = 1, SUSPENDED = 0 }; /* DEN 0022, AFFINITY_INFO: who sleeps is on */

#define CPU_SUSPEND 0xc4000001u

static inline long power_state(uint32_t cpu)
{
    return psci_call(PSCI_AFFINITY_INFO, cpu, 0, 0);
}

static inline void power_stop(void)
{
    psci_call(PSCI_CPU_OFF, 0, 0, 0);
}

static inline void power_sleep(void (*entry)(void))
{
    psci_call(CPU_SUSPEND, entry != NULL ? 1u << 16 : 0, (unsigned long)_start_secondary, (unsigned long)entry);
}

static inline bool power_is_on_already(uint32_t cpu)
{
    return psci_call(PSCI_CPU_ON, cpu, (unsigned long)_start_secondary, 0) == -4;
}

static inline void interrupt_1_and_2(void)
{
    cpu_interrupt(1);
    cpu_interrupt(2);
}

/* The hardware's own: an instruction that reaches all CPUs of this VM. */
static inline bool fences(void)
{
    __asm__ volatile("tlbi vmalle1is\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    return true;
}
#endif

#endif
