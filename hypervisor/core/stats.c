// SPDX-License-Identifier: Apache-2.0
#include "stats.h"

#include "bandwidth.h"
#include "console.h"
#include "cpu.h"
#include "vm.h"

_Static_assert(EXIT_REASONS == 7, "the table has a column for each");

/* A column is as wide as its title and a space in front. */
static void show_rows(void)
{
    console_row("      calls hypercalls       mmio     device      timer      event      other  of");
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        const struct cpu *cpu = &cpus[i];
        unsigned long count[EXIT_REASONS];

        for (int reason = 0; reason < EXIT_REASONS; reason++)
            count[reason] = (unsigned long)cpu->exits[reason];
        console_row(" %10lu %10lu %10lu %10lu %10lu %10lu %10lu  %s vcpu %u (%s)", count[EXIT_CALL],
                    count[EXIT_HYPERCALL], count[EXIT_MMIO], count[EXIT_DEVICE], count[EXIT_TIMER], count[EXIT_EVENT],
                    count[EXIT_FAULT], cpu->vm->config->name, cpu->vcpu, cpu->config->name);
    }
}

#if PLAN_BANDWIDTH
static unsigned long in_kib(const struct cpu *cpu, uint32_t figure)
{
    return (unsigned long)(bandwidth_figure(cpu, figure) * config.budgets[cpu->index].bytes >> 10);
}

static unsigned long in_us(uint64_t ticks)
{
    return (unsigned long)(ticks * 1000000 / PLAN_TIMEBASE);
}

static void show_budgets(void)
{
    console_row("    used KiB granted KiB  throttles longest us     passes      drawn  of");
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        const struct cpu *cpu = &cpus[i];

        if (bandwidth_is_regulated(i))
            console_row(" %11lu %11lu %10lu %10lu %10lu %10lu  %s vcpu %u (%s)", in_kib(cpu, BANDWIDTH_USED),
                        in_kib(cpu, BANDWIDTH_GRANTED), (unsigned long)bandwidth_figure(cpu, BANDWIDTH_THROTTLES),
                        in_us(bandwidth_figure(cpu, BANDWIDTH_LONGEST)),
                        (unsigned long)bandwidth_figure(cpu, BANDWIDTH_PASSES),
                        (unsigned long)bandwidth_figure(cpu, BANDWIDTH_DRAWN), cpu->vm->config->name, cpu->vcpu,
                        cpu->config->name);
    }
}
#endif

void stats_print(void)
{
    console_hold();
    show_rows();
#if PLAN_BANDWIDTH
    show_budgets();
#endif
    console_release();
}
