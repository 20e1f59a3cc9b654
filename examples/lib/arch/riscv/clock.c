// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <stdbool.h>

#include "csr.h"
#include "fdt.h"
#include "sbi.h"

static bool has_sstc; /* the CPU's own compare register, else a firmware call */

uint64_t clock_init(void)
{
    const int cpus = fdt_find("/cpus");
    const int cpu = fdt_next(cpus);
    const uint32_t fallback = fdt_cell(cpu, "timebase-frequency", 0, 10000000);

    has_sstc = fdt_lists(cpu, "riscv,isa-extensions", "sstc");
    return fdt_cell(cpus, "timebase-frequency", 0, fallback);
}

uint64_t clock_now(void)
{
#if __riscv_xlen == 64
    return csr_read(time);
#else
    uint32_t high, low;

    do {
        high = csr_read(timeh);
        low = csr_read(time);
    } while (high != csr_read(timeh));
    return (uint64_t)high << 32 | low;
#endif
}

void clock_set(uint64_t when)
{
#if __riscv_xlen == 64
    if (has_sstc) {
        csr_write(stimecmp, when);
    } else {
        sbi_call(SBI_TIME, 0, when, 0, 0, 0, 0);
    }
#else
    if (has_sstc) {
        csr_write(stimecmph, ~0u); /* so that it does not fire between the halves */
        csr_write(stimecmp, (uint32_t)when);
        csr_write(stimecmph, (uint32_t)(when >> 32));
    } else {
        sbi_call(SBI_TIME, 0, (uint32_t)when, (uint32_t)(when >> 32), 0, 0, 0);
    }
#endif
}

void clock_on(void)
{
    csr_set(sie, 1ul << IRQ_TIMER);
}

void clock_off(void)
{
    csr_clear(sie, 1ul << IRQ_TIMER);
}
