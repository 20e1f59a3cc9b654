// SPDX-License-Identifier: Apache-2.0
#include "cpu.h"

#include <stddef.h>

#include "console.h"
#include "fdt.h"
#include "irq.h"
#include "layout.h"
#include "psci.h"
#include "string.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"

_Static_assert(sizeof(struct trap) + 21 * sizeof(long) <= FRAME_SIZE, "start.S lays out the frame by hand");
_Static_assert(STACKS == CPUS_MAX, "each CPU has a stack");

#define SGI_CPU    1u     /* cpu_interrupt() */
#define IRQ_MASKED 0x80ul /* DAIF.I */

extern char _start_secondary[];

static void (*interrupt_handler)(void);
static void (*exception_handler)(struct trap *trap);

/* Called by start.S on the CPU that was started first. */
void start_first(const void *dtb);
void start_first(const void *dtb)
{
    fdt_init(dtb);
    mmu_init();
    console_init();
    irq_init();
    timer_init();
    guest_main();
}

/* Called by start.S on the others. */
void start_secondary(void (*entry)(void));
void start_secondary(void (*entry)(void))
{
    irq_init_cpu();
    entry();
}

uint32_t cpu_number(void)
{
    const unsigned long affinity = sysreg_read(mpidr_el1);

    return (uint32_t)((affinity >> 8 & 0xff) * 16 + (affinity & 0xff));
}

uint32_t cpu_count(void)
{
    const int cpus = fdt_find("/cpus");
    uint32_t count = 0;

    for (int node = fdt_next(cpus); node != FDT_NONE; node = fdt_next(node)) {
        const char *type = fdt_string(node, "device_type");
        if (type != NULL && strcmp(type, "cpu") == 0) {
            count++;
        }
    }
    return count;
}

bool cpu_start(uint32_t number, void (*entry)(void))
{
    return number < CPUS_MAX &&
           psci_call(PSCI_CPU_ON, number / 16 << 8 | number % 16, (uintptr_t)_start_secondary, (uintptr_t)entry) == 0;
}

void cpu_interrupt(uint32_t number)
{
    irq_send(number, SGI_CPU);
}

static void interrupted(uint32_t irq)
{
    (void)irq;
    interrupt_handler();
}

void cpu_on_interrupt(void (*handler)(void))
{
    interrupt_handler = handler;
    irq_enable(SGI_CPU, interrupted);
}

void cpu_interrupts_on(void)
{
    __asm__ volatile("msr daifclr, #2\n\tisb" ::: "memory");
}

unsigned long cpu_interrupts_off(void)
{
    const unsigned long before = sysreg_read(daif);

    __asm__ volatile("msr daifset, #2" ::: "memory");
    return before & IRQ_MASKED;
}

void cpu_interrupts_restore(unsigned long state)
{
    if (state == 0) {
        cpu_interrupts_on();
    }
}

void cpu_wait(void)
{
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
    cpu_interrupts_on();
    cpu_interrupts_off();
}

void power_off(void)
{
    psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    cpu_interrupts_off();
    for (;;) {
        __asm__ volatile("wfi");
    }
}

void cpu_on_exception(void (*handler)(struct trap *trap))
{
    exception_handler = handler;
}

/* Called by start.S; what is in `trap` when it returns is what the CPU goes on with. */
void trap_handle(struct trap *trap);
void trap_handle(struct trap *trap)
{
    if (exception_handler == NULL) {
        printf("exception 0x%lx on cpu %u at pc 0x%lx, value 0x%lx\n", trap->cause, cpu_number(), trap->pc,
               trap->value);
        power_off();
    }
    exception_handler(trap);
}
