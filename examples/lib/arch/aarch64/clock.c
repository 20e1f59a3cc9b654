// SPDX-License-Identifier: Apache-2.0
/* The virtual timer of each CPU (DDI 0487, D11.2). */
#include "clock.h"

#include "cpu.h"
#include "fdt.h"
#include "irq.h"
#include "sysreg.h"

#define ENABLE 1ul

enum { VIRTUAL = 2 }; /* among the node's interrupts */

static uint32_t irq;

uint64_t clock_init(void)
{
    irq = fdt_interrupt(fdt_find_compatible(FDT_NONE, "arm,armv8-timer"), VIRTUAL);
    return sysreg_read(cntfrq_el0);
}

uint64_t clock_now(void)
{
    isb();
    return sysreg_read(cntvct_el0);
}

static void expired(uint32_t number)
{
    (void)number;
    timer_take();
}

void clock_set(uint64_t when)
{
    sysreg_write(cntv_cval_el0, when);
    isb(); /* before the interrupt that it answers ends */
}

void clock_on(void)
{
    sysreg_write(cntv_ctl_el0, ENABLE);
    isb();
    irq_enable(irq, expired);
}

void clock_off(void)
{
    sysreg_write(cntv_ctl_el0, 0);
    isb();
}
