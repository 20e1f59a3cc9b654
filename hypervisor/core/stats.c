// SPDX-License-Identifier: Apache-2.0
#include "stats.h"

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

void stats_print(void)
{
    console_hold();
    show_rows();
    console_release();
}
