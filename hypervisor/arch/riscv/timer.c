// SPDX-License-Identifier: Apache-2.0
/* The guest's timer: its own comparator where the hart has Sstc, else the firmware's through the hypervisor. */
#include "arch.h"
#include "arch/csr.h"
#include "arch/sbi.h"
#include "arch/timer.h"
#include "config.h"

uint64_t arch_time(void)
{
#if __riscv_xlen == 64
    return csr_read(time);
#else
    uint32_t high;
    uint32_t low;

    do {
        high = csr_read(timeh);
        low = csr_read(time);
    } while (high != csr_read(timeh));
    return (uint64_t)high << 32 | low;
#endif
}

void timer_set_guest(uint64_t deadline)
{
    if (config.sstc) {
#if __riscv_xlen == 64
        csr_write(vstimecmp, deadline);
#else
        csr_write(vstimecmph, UINT32_MAX);
        csr_write(vstimecmp, (uint32_t)deadline);
        csr_write(vstimecmph, (uint32_t)(deadline >> 32));
#endif
        return;
    }
    csr_clear(hvip, 1 << IRQ_VS_TIMER);
#if __riscv_xlen == 64
    (void)sbi_call(SBI_TIME, 0, deadline, 0, 0, 0, 0);
#else
    (void)sbi_call(SBI_TIME, 0, (ureg_t)deadline, (ureg_t)(deadline >> 32), 0, 0, 0);
#endif
    csr_set(sie, 1 << IRQ_S_TIMER);
}

void timer_stop_guest(void)
{
    csr_clear(sie, 1 << IRQ_S_TIMER);
    csr_clear(hvip, 1 << IRQ_VS_TIMER);
    if (config.sstc)
        timer_set_guest(UINT64_MAX);
}

void timer_fired(void)
{
    csr_clear(sie, 1 << IRQ_S_TIMER);
    csr_set(hvip, 1 << IRQ_VS_TIMER);
}
