// SPDX-License-Identifier: Apache-2.0
/* Does each thing that makes the hypervisor run, between marks. Its second CPU and the other VM sleep meanwhile. */
#include <stddef.h>

#include "channel.h"
#include "cpu.h"
#include "csr.h"
#include "fdt.h"
#include "firmware.h"
#include "irq.h"
#include "../mark.h"
#include "sbi.h"
#include "timer.h"

GUEST_AT(0xa0000000);

#define ROUNDS  5
#define REST_US 200 /* long enough for everyone to be asleep again */

static uintptr_t plic;
static volatile uint32_t *rtc;
static uint32_t rtc_irq;
static struct channel channel;
static volatile bool woken;

static void wake(uint64_t due_us)
{
    (void)due_us;
    MARK(timer_handler);
    woken = true;
}

static void set_timer(uint64_t when)
{
    sbi_call(SBI_TIME, 0, when, 0, 0, 0, 0);
}

static void rest(void)
{
    woken = false;
    timer_every(REST_US, wake);
    while (!woken) {
        cpu_wait();
    }
    timer_stop();
    set_timer(-1ul);
}

static void calls(void)
{
    MARK(call_begin);
    sbi_call(SBI_BASE, SBI_BASE_SPEC_VERSION, 0, 0, 0, 0, 0);
    MARK(call_end);
    sbi_call(SBI_BAO, 77, 0, 0, 0, 0, 0);
    MARK(hypercall_end);
}

static void timer(void)
{
    MARK(set_timer_begin);
    set_timer(-1ul);
    MARK(set_timer_end);

    woken = false;
    timer_every(REST_US, wake);
    MARK(timer_begin);
    while (!woken) {
        cpu_wait();
    }
    timer_stop();
    set_timer(-1ul);
}

static void controller(void)
{
    volatile uint32_t *priority = (volatile uint32_t *)(plic + 4 * rtc_irq);

    MARK(read_begin);
    (void)*priority;
    MARK(read_end);
    *priority = 1;
    MARK(write_end);
}

static void nobody(uint32_t irq)
{
    (void)irq;
}

enum { TIME_LOW = 0, TIME_HIGH = 1, ALARM_LOW = 2, ALARM_HIGH = 3, IRQ_ENABLED = 4, CLEAR_INTERRUPT = 7 };

/* The RTC's alarm goes off at once. The CPU sees it in sip, does not take it, and asks the controller itself. */
static void device(void)
{
    volatile uint32_t *claim = (volatile uint32_t *)(plic + 0x200004);

    irq_enable(rtc_irq, nobody);
    uint64_t alarm = rtc[TIME_LOW];
    alarm |= (uint64_t)rtc[TIME_HIGH] << 32;
    rtc[IRQ_ENABLED] = 1;
    rtc[ALARM_HIGH] = (uint32_t)(alarm >> 32);
    MARK(device_begin);
    rtc[ALARM_LOW] = (uint32_t)alarm;
    while ((csr_read(sip) & 1ul << IRQ_EXTERNAL) == 0) {
    }
    MARK(device_end);
    rtc[CLEAR_INTERRUPT] = 1;
    MARK(claim_begin);
    const uint32_t irq = *claim;
    MARK(claim_end);
    *claim = irq;
    MARK(complete_end);
    irq_disable(rtc_irq);
}

static void doorbells(void)
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

static void second_cpu_woken(void)
{
}

static void second_cpu(void)
{
    MARK(started);
    cpu_on_interrupt(second_cpu_woken);
    for (;;) {
        cpu_wait();
    }
}

static void second(void)
{
    MARK(start_begin);
    cpu_start(1, second_cpu);
    MARK(start_end);
    for (int i = 0; i < ROUNDS; i++) {
        rest();
        MARK(ipi_begin);
        cpu_interrupt(1);
        MARK(ipi_end);
    }
    rest();
}

static int find_device(const char *compatible, uintptr_t *base)
{
    const int node = fdt_find_compatible(FDT_NONE, compatible);
    uint64_t address = 0, size;

    fdt_reg(node, 0, &address, &size);
    *base = (uintptr_t)address;
    return node;
}

void guest_main(void)
{
    uintptr_t base;

    find_device("riscv,plic0", &plic);
    rtc_irq = fdt_cell(find_device("google,goldfish-rtc", &base), "interrupts", 0, 0);
    rtc = (volatile uint32_t *)base;
    channel_open(&channel, "channel");
    rest();
    for (int i = 0; i < ROUNDS; i++) {
        calls();
        timer();
        controller();
        device();
        doorbells();
    }
    second();
    channel_ring(&channel); /* the last one: see second.c */
    power_off();
}
