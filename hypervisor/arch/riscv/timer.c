// SPDX-License-Identifier: Apache-2.0
/*
 * The guest's timer: its own comparator where the hart has Sstc, else the firmware's through the hypervisor. The hypervisor's
 * own (PLAN_TIMER) is the hart's comparator with Sstc, which no guest has; without it the two share the firmware's.
 */
#include "arch.h"
#include "arch/csr.h"
#include "arch/sbi.h"
#include "arch/timer.h"
#include "config.h"
#include "cpu.h"
#include "timer.h"

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

/* Of each hart, where the hypervisor has a use for its timer; the guest's only without Sstc. 0: never. */
static struct {
    uint64_t guest;
    uint64_t own;
} deadlines[PLAN_CPUS];

static struct cpu *this_cpu(void)
{
    return (struct cpu *)csr_read(sscratch);
}

static void set_firmware(uint64_t deadline)
{
#if __riscv_xlen == 64
    (void)sbi_call(SBI_TIME, 0, deadline, 0, 0, 0, 0);
#else
    (void)sbi_call(SBI_TIME, 0, (ureg_t)deadline, (ureg_t)(deadline >> 32), 0, 0, 0);
#endif
}

/* The comparator of HS mode; for a moment it is in the future, never wrongly in the past. */
static void set_own(uint64_t deadline)
{
#if __riscv_xlen == 64
    csr_write(stimecmp, deadline);
#else
    csr_write(stimecmph, UINT32_MAX);
    csr_write(stimecmp, (uint32_t)deadline);
    csr_write(stimecmph, (uint32_t)(deadline >> 32));
#endif
}

/* Wait for whichever of the hart's deadlines comes first. */
static void arm(const struct cpu *cpu)
{
    uint64_t next = deadlines[cpu->index].own;
    uint64_t guest = deadlines[cpu->index].guest;

    if (next == 0 || (guest != 0 && guest < next))
        next = guest;
    if (next == 0) {
        csr_clear(sie, 1 << IRQ_S_TIMER);
        return;
    }
    if (config.sstc)
        set_own(next);
    else
        set_firmware(next);
    csr_set(sie, 1 << IRQ_S_TIMER);
}

void arch_timer_set(struct cpu *cpu, uint64_t deadline)
{
    deadlines[cpu->index].own = deadline != TIMER_NEVER ? deadline : 0;
    arm(cpu);
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
    if (PLAN_TIMER) {
        deadlines[this_cpu()->index].guest = deadline == TIMER_NEVER ? 0 : deadline != 0 ? deadline : 1;
        arm(this_cpu());
        return;
    }
    set_firmware(deadline);
    csr_set(sie, 1 << IRQ_S_TIMER);
}

void timer_stop_guest(void)
{
    csr_clear(hvip, 1 << IRQ_VS_TIMER);
    if (PLAN_TIMER && !config.sstc) {
        deadlines[this_cpu()->index].guest = 0;
        arm(this_cpu());
        return;
    }
    if (!PLAN_TIMER)
        csr_clear(sie, 1 << IRQ_S_TIMER);
    if (config.sstc)
        timer_set_guest(UINT64_MAX);
}

/* A deadline that is over; it counts no more. */
static bool take(uint64_t *deadline, uint64_t now)
{
    if (*deadline == 0 || *deadline > now)
        return false;
    *deadline = 0;
    return true;
}

/* The hart has one timer interrupt for the deadlines of two. */
static void shared_fired(struct cpu *cpu)
{
    uint64_t now = arch_time();
    bool own = take(&deadlines[cpu->index].own, now);

    if (take(&deadlines[cpu->index].guest, now))
        csr_set(hvip, 1 << IRQ_VS_TIMER);
    if (own)
        timer_expired(cpu); /* arms it, too */
    else
        arm(cpu);
}

void timer_fired(struct cpu *cpu)
{
    if (PLAN_TIMER) {
        shared_fired(cpu);
        return;
    }
    csr_clear(sie, 1 << IRQ_S_TIMER);
    csr_set(hvip, 1 << IRQ_VS_TIMER);
}
