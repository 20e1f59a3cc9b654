// SPDX-License-Identifier: Apache-2.0
#include "cpu.h"

#include <stddef.h>

#include "console.h"
#include "csr.h"
#include "fdt.h"
#include "irq.h"
#include "irqchip.h"
#include "layout.h"
#include "sbi.h"
#include "string.h"
#include "timer.h"
#include "trap.h"

_Static_assert(sizeof(struct trap) + 16 * sizeof(long) <= FRAME_SIZE, "start.S lays out the frame by hand");
_Static_assert(STACKS == CPUS_MAX, "each CPU has a stack");

extern char _start_secondary[];

static void (*interrupt_handler)(void);
static void (*exception_handler)(struct trap *trap);

/* Called by start.S on the CPU that was started first. */
void start_first(const void *dtb);
void start_first(const void *dtb)
{
    fdt_init(dtb);
    console_init();
    irq_init();
    timer_init();
    guest_main();
}

uint32_t cpu_number(void)
{
    unsigned long number;

    __asm__ volatile("mv %0, tp" : "=r"(number));
    return (uint32_t)number;
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
           sbi_call(SBI_HSM, SBI_HSM_START, number, (uintptr_t)_start_secondary, (uintptr_t)entry, 0, 0).error == 0;
}

void cpu_interrupt(uint32_t number)
{
    if (!imsic_send(number, IMSIC_IPI)) {
        sbi_call(SBI_IPI, 0, 1, number, 0, 0, 0); /* a mask of harts, and the hart of its bit 0 */
    }
}

void cpu_on_interrupt(void (*handler)(void))
{
    interrupt_handler = handler;
    csr_set(sie, 1ul << IRQ_SOFTWARE);
    imsic_enable(IMSIC_IPI);
}

void cpu_interrupted(void)
{
    interrupt_handler();
}

void cpu_interrupts_on(void)
{
    csr_set(sstatus, SSTATUS_SIE);
}

unsigned long cpu_interrupts_off(void)
{
    unsigned long before;

    __asm__ volatile("csrrc %0, sstatus, %1" : "=r"(before) : "K"(SSTATUS_SIE) : "memory");
    return before & SSTATUS_SIE;
}

void cpu_interrupts_restore(unsigned long state)
{
    csr_set(sstatus, state);
}

void cpu_wait(void)
{
    __asm__ volatile("wfi" ::: "memory");
    cpu_interrupts_on();
    cpu_interrupts_off();
}

void power_off(void)
{
    sbi_call(SBI_SRST, 0, 0, 0, 0, 0, 0); /* shutdown, no reason */
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
    const unsigned long interrupt = ~(~0ul >> 1);

    switch (trap->cause) {
    case interrupt | IRQ_SOFTWARE:
        csr_clear(sip, 1ul << IRQ_SOFTWARE);
        cpu_interrupted();
        break;
    case interrupt | IRQ_TIMER:
        timer_take();
        break;
    case interrupt | IRQ_EXTERNAL:
        irq_take();
        break;
    default:
        if (exception_handler == NULL) {
            printf("exception %lu on cpu %u at pc 0x%lx, value 0x%lx\n", trap->cause, cpu_number(), trap->pc,
                   trap->value);
            power_off();
        }
        exception_handler(trap);
    }
}
