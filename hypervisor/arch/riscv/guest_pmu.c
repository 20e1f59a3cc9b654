// SPDX-License-Identifier: Apache-2.0
/*
 * Performance counters: the firmware's, of this hart, which no other VM runs on. It is told to count VS and VU mode alone,
 * where the hart can (Sscofpmf). What is not passed on: events of the firmware and raw ones (the first are our own calls,
 * the second could tell of more than this hart), memory for the firmware to write to, and interrupts by overflow.
 * Source: RISC-V Supervisor Binary Interface Specification 2.0, chapter 11.
 */
#include "arch/guest_pmu.h"

#include "bandwidth.h"
#include "cpu.h"

enum {
    PMU_COUNTERS,
    PMU_INFO,
    PMU_CONFIGURE,
    PMU_START,
    PMU_STOP,
};

enum {
    CONFIGURE_COMMON = 0x07, /* skip the match, clear, start */
    CONFIGURE_NOT_VU = 0x08,
    CONFIGURE_NOT_VS = 0x10,
    CONFIGURE_NOT_U = 0x20,
    CONFIGURE_NOT_S = 0x40,
    CONFIGURE_NOT_M = 0x80,
    START_FROM_SHARED = 0x2,
    STOP_RESET = 0x1,
    STOP_TO_SHARED = 0x2,
};

#define EVENT_TYPE(index) ((index) >> 16)
#define EVENT_GENERAL     0u
#define EVENT_CACHE       1u
#define EVENT_CYCLES      1u
#define EVENT_INSTRET     2u
#define COUNTER_CYCLE     0u
#define COUNTER_INSTRET   2u

/* Bit 31 or 63 of what counter_get_info returns: the counter is the firmware's, not the hart's. */
#define INFO_FIRMWARE ((ureg_t)1 << (sizeof(ureg_t) * 8 - 1))

#if PLAN_BANDWIDTH
/* The vCPU has none: `guests: none` of board.yaml. */
static bool is_withheld(const struct cpu *cpu)
{
    return PLAN_PMU_KEEP == 0 && bandwidth_is_regulated(cpu->index);
}

/* Of a set of counters (base, mask) those that are the guest's: one may be the hypervisor's. */
static ureg_t guests(const struct cpu *cpu, ureg_t base, ureg_t mask)
{
    bool holds = bandwidth_is_regulated(cpu->index) && PLAN_PMU_COUNTER - base < sizeof(mask) * 8;

    return holds ? mask & ~((ureg_t)1 << (PLAN_PMU_COUNTER - base)) : mask;
}
#else
#define is_withheld(cpu)        false
#define guests(cpu, base, mask) (mask)
#endif

bool guest_pmu_exists(const struct cpu *cpu)
{
    (void)cpu;
    return !is_withheld(cpu) && sbi_call(SBI_BASE, SBI_BASE_PROBE, SBI_PMU, 0, 0, 0, 0).value != 0;
}

static struct sbi_result refused(long error)
{
    return (struct sbi_result){error, 0};
}

static struct sbi_result info(ureg_t counter)
{
    struct sbi_result found = sbi_call(SBI_PMU, PMU_INFO, counter, 0, 0, 0, 0);

    return found.error == SBI_SUCCESS && (found.value & INFO_FIRMWARE) ? refused(SBI_INVALID_PARAM) : found;
}

/* (first counter, mask, flags, event, its data): the guest's own modes U and S are VU and VS. */
static struct sbi_result configure(const ureg_t *args, ureg_t mask)
{
    ureg_t flags = args[2] & CONFIGURE_COMMON;

    if ((args[2] & ~(ureg_t)0xff) != 0)
        return refused(SBI_INVALID_PARAM);
    if (EVENT_TYPE(args[3]) != EVENT_GENERAL && EVENT_TYPE(args[3]) != EVENT_CACHE)
        return refused(SBI_NOT_SUPPORTED);
    if ((args[2] & CONFIGURE_NOT_U) != 0)
        flags |= CONFIGURE_NOT_VU;
    if ((args[2] & CONFIGURE_NOT_S) != 0)
        flags |= CONFIGURE_NOT_VS;
    flags |= CONFIGURE_NOT_U | CONFIGURE_NOT_S | CONFIGURE_NOT_M;
    return sbi_call(SBI_PMU, PMU_CONFIGURE, args[0], mask, flags, args[3], 0);
}

struct sbi_result guest_pmu_call(struct cpu *cpu, ureg_t function)
{
    const ureg_t *args = &cpu->arch.x[10];
    ureg_t mask = guests(cpu, args[0], args[1]);

    if (is_withheld(cpu))
        return refused(SBI_NOT_SUPPORTED);
    switch (function) {
    case PMU_COUNTERS:
        return sbi_call(SBI_PMU, PMU_COUNTERS, 0, 0, 0, 0, 0);
    case PMU_INFO:
        return info(args[0]);
    case PMU_CONFIGURE:
        cpu->arch.counts = true;
        return configure(args, mask);
    case PMU_START:
        return args[2] & START_FROM_SHARED ? refused(SBI_NO_SHMEM)
                                           : sbi_call(SBI_PMU, PMU_START, args[0], mask, args[2], args[3], args[4]);
    case PMU_STOP:
        cpu->arch.counts = true;
        return args[2] & STOP_TO_SHARED ? refused(SBI_NO_SHMEM)
                                        : sbi_call(SBI_PMU, PMU_STOP, args[0], mask, args[2], 0, 0);
    default:
        return refused(SBI_NOT_SUPPORTED);
    }
}

void guest_pmu_reset(struct cpu *cpu)
{
    ureg_t count;
    ureg_t all;

    if (!cpu->arch.counts)
        return;
    cpu->arch.counts = false;
    count = sbi_call(SBI_PMU, PMU_COUNTERS, 0, 0, 0, 0, 0).value;
    all = count < sizeof(all) * 8 ? ((ureg_t)1 << count) - 1 : ~(ureg_t)0;
    (void)sbi_call(SBI_PMU, PMU_STOP, 0, guests(cpu, 0, all), STOP_RESET, 0, 0);
    (void)sbi_call(SBI_PMU, PMU_CONFIGURE, COUNTER_CYCLE, 1, CONFIGURE_COMMON & ~1u, EVENT_CYCLES, 0);
    (void)sbi_call(SBI_PMU, PMU_CONFIGURE, COUNTER_INSTRET, 1, CONFIGURE_COMMON & ~1u, EVENT_INSTRET, 0);
}
