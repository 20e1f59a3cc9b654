// SPDX-License-Identifier: Apache-2.0
#include "timer.h"

#include <stdbool.h>
#include <stddef.h>

#include "cpu.h"
#include "csr.h"
#include "fdt.h"
#include "sbi.h"
#include "string.h"
#include "trap.h"

static uint64_t frequency; /* of the time counter in Hz */
static bool has_sstc;      /* the CPU's own compare register, else a firmware call */

static struct {
    uint64_t base;   /* ticks of the counter at which the timer was set */
    uint64_t count;  /* periods since then, the one now waited for included */
    uint64_t period; /* microseconds */
    void (*handler)(uint64_t due_us);
} timers[CPUS_MAX];

void timer_init(void)
{
    const int cpus = fdt_find("/cpus");
    const int cpu = fdt_next(cpus);
    const uint32_t fallback = fdt_cell(cpu, "timebase-frequency", 0, 10000000);

    frequency = fdt_cell(cpus, "timebase-frequency", 0, fallback);
    has_sstc = fdt_lists(cpu, "riscv,isa-extensions", "sstc");
}

/* Ticks to microseconds and back without overflow: whole seconds apart from the rest. */
static uint64_t to_us(uint64_t ticks)
{
    return ticks / frequency * 1000000 + ticks % frequency * 1000000 / frequency;
}

static uint64_t to_ticks(uint64_t us)
{
    return us / 1000000 * frequency + us % 1000000 * frequency / 1000000;
}

uint64_t timer_us(void)
{
    return to_us(csr_read(time));
}

static uint64_t due(uint32_t cpu)
{
    return timers[cpu].base + to_ticks(timers[cpu].count * timers[cpu].period);
}

static void set(uint64_t when)
{
    if (has_sstc) {
        csr_write(0x14d, when); /* stimecmp: this assembler does not know its name */
    } else {
        sbi_call(SBI_TIME, 0, when, 0, 0, 0, 0);
    }
}

void timer_every(uint64_t period_us, void (*handler)(uint64_t due_us))
{
    const uint32_t cpu = cpu_number();

    timers[cpu].base = csr_read(time);
    timers[cpu].count = 1;
    timers[cpu].period = period_us;
    timers[cpu].handler = handler;
    set(due(cpu));
    csr_set(sie, 1ul << IRQ_TIMER);
}

void timer_stop(void)
{
    csr_clear(sie, 1ul << IRQ_TIMER);
    timers[cpu_number()].handler = NULL;
}

void timer_take(void)
{
    const uint32_t cpu = cpu_number();
    const uint64_t now = due(cpu);

    timers[cpu].count++;
    set(due(cpu));
    timers[cpu].handler(to_us(now));
}
