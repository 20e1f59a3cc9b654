// SPDX-License-Identifier: Apache-2.0
/*
 * Does each thing that makes the hypervisor run, between marks. Its second CPU and the other VM sleep meanwhile. On a bare
 * machine it does the same, and leaves out what only a hypervisor has.
 */
#include <stddef.h>

#include "../mark.h"
#include "channel.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "firmware.h"
#include "irq.h"
#include "platform.h"
#include "timer.h"

#if defined(__riscv)
#include "riscv.h"
#else
#include "aarch64.h"
#endif

GUEST_AT(0xa0000000);

#define ROUNDS  5
#define REST_US 200 /* long enough for everyone to be asleep again */

static bool hypervised;
static struct channel channel;
static volatile bool woken;
static volatile uint32_t interrupted; /* by other CPUs, or itself */

static MARKED void wake(uint64_t due_us)
{
    (void)due_us;
    MARK(timer_handler);
    woken = true;
}

/* Sleeps until the timer interrupts. */
static MARKED void rest(void)
{
    woken = false;
    timer_every(REST_US, wake);
    MARK(timer_begin);
    while (!woken) {
        cpu_wait();
    }
    timer_stop();
    clock_set(-1ul);
}

static MARKED void controller_access(void)
{
    volatile uint32_t *reg = irq_register();

    MARK(read_begin);
    const uint32_t value = *reg;
    MARK(read_end);
    *reg = value;
    MARK(write_end);
}

static void nobody(uint32_t irq)
{
    (void)irq;
}

/* The clock's alarm goes off at once. The CPU sees it, does not take it, and asks the controller itself. */
static MARKED void device(void)
{
    irq_enable(clock_irq, nobody);
    controller_access();
    clock_alarm();
    MARK(device_begin);
    clock_ring();
    while (!irq_waits()) {
    }
    MARK(device_end);
    clock_quiet();
    MARK(claim_begin);
    const uint32_t claimed = irq_claim();
    irq_complete(claimed);
    MARK(complete_end);
    irq_again();
    irq_disable(clock_irq);
}

static MARKED void doorbells(void)
{
    rest();
    MARK(ring_begin);
    channel_ring(&channel);
    MARK(ring_end);
    rest();
    MARK(ipc_begin);
    firmware_ring(channel.id, 0);
    MARK(ipc_end);
    rest();
}

static MARKED void heard(void)
{
    MARK(ipi_handler);
    interrupted++;
}

static MARKED void to_itself(void)
{
    const uint32_t before = interrupted;

    MARK(self_begin);
    cpu_interrupt(cpu_number());
    while (interrupted == before) {
        cpu_wait();
    }
}

static MARKED void second_cpu(void)
{
    MARK(started);
    cpu_on_interrupt(heard);
    for (;;) {
        cpu_wait();
    }
}

static MARKED void second(void)
{
    const uint32_t other = cpu_number() == 0 ? 1 : 0;

    MARK(start_begin);
    cpu_start(other, second_cpu);
    MARK(start_end);
    cpu_on_interrupt(heard);
    for (int i = 0; i < ROUNDS; i++) {
        rest();
        to_itself();
        rest();
        MARK(ipi_begin);
        cpu_interrupt(other);
        MARK(ipi_end);
    }
    rest();
}

void guest_main(void)
{
    platform_find();
    hypervised = channel_open(&channel, "channel");
    printf("ready\n");
    while (console_getc() < 0) { /* meanwhile counting begins: firmware's own boot is long */
    }
    rest();
    for (int i = 0; i < ROUNDS; i++) {
        platform_calls(hypervised);
        rest();
        device();
        if (hypervised) {
            doorbells();
        }
    }
    second();
    if (hypervised) {
        channel_ring(&channel); /* the last one: see second.c */
    }
    power_off();
}
