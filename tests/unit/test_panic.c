// SPDX-License-Identifier: Apache-2.0
/* The hypervisor gives up: what it says, that all CPUs stop, how it ends. */
#include "panic.h"

#include <stdio.h>
#include <string.h>

#include "arch.h"
#include "check.h"
#include "fake.h"

static struct cpu *self;  /* alpha's vCPU 0 */
static struct cpu *other; /* alpha's vCPU 1 */
static struct cpu *beta;

static uintptr_t stack[64];

static void boot(enum panic_action action)
{
    fake_config()->on_panic = action;
    fake_boot();
    self = fake_cpu(0, 0);
    fake_config()->cpus[self->index].stack = (uint64_t)(uintptr_t)&stack[64];
    other = fake_cpu(0, 1);
    beta = fake_cpu(1, 0);
    csrs->scause = 13;
    csrs->stval = 0x1234;
    csrs->sepc = 0x80200040;
    csrs->sstatus = 0x120;
    csrs->hstatus = 0x80;
    csrs->htval = 5;
    csrs->hgatp = 0x8000100000080400;
    csrs->vsatp = 0;
}

TEST(panic_whole_report)
{
    char expected[512];

    boot(PANIC_POWER_OFF);
    stack[3] = 0x80200100; /* the first and last word of the text, and what is none */
    stack[10] = 0x801fffff;
    stack[11] = 0x80200000;
    stack[12] = 0x80208000;
    stack[63] = 0x80207fff;
    snprintf(expected, sizeof(expected),
             "\r\n[bulkhead] hypervisor panic on cpu@70, running for vm 'alpha' vcpu 0: exception\r\n"
             "[bulkhead]     scause d stval 1234 sepc 80200040 sp %lx sstatus 120 hstatus 80 htval 5 "
             "hgatp 8000100000080400 vsatp 0\r\n"
             "[bulkhead]     called from: 80200100 80200000 80207fff\r\n"
             "[bulkhead] the board is powered off\r\n",
             (unsigned long)(uintptr_t)&stack[2]);
    CHECK_EQ(OUTCOME(trap_panic((uintptr_t)&stack[2])), OFF);
    CHECK_TEXT(fake_screen(), expected);
    CHECK_EQ(fake_calls[fake_call_count - 1].args[0], SBI_SRST_SHUTDOWN);
    CHECK_EQ(fake_calls[fake_call_count - 1].args[1], SBI_SRST_FAILED);
    CHECK_EQ(OUTCOME(trap_panic(0)), PARKED); /* the second one to panic says nothing */
    CHECK_TEXT(fake_screen(), "");
}

/* A stack pointer that is on no stack is not followed. */
static void panic_at(uintptr_t sp)
{
    boot(PANIC_POWER_OFF);
    stack[3] = 0x80200100;
    CHECK_EQ(OUTCOME(trap_panic(sp)), OFF);
    CHECK(strstr(fake_screen(), "called from") == NULL);
}

TEST(panic_stack_pointer_null)
{
    panic_at(0);
}

TEST(panic_stack_pointer_at_top)
{
    panic_at((uintptr_t)&stack[64]);
}

TEST(panic_stack_pointer_below)
{
    panic_at((uintptr_t)&stack[64] - PLAN_STACK_SIZE - 4096 - 8);
}

TEST(panic_stack_pointer_unaligned)
{
    panic_at((uintptr_t)&stack[2] + 1);
}

TEST(panic_stops_all_cpus)
{
    boot(PANIC_HALT);
    cpu_set_state(other, VCPU_ON);
    CHECK_EQ(OUTCOME(trap_panic(0)), PARKED);
    CHECK(strstr(fake_screen(), "[bulkhead] all CPUs halt\r\n") != NULL);
    CHECK_EQ(csrs->sie, 0);
    CHECK(fake_kicked[other->index] && fake_kicked[beta->index] && !fake_kicked[self->index]);
    fake_run_as(beta);
    csrs->sie = 1 << IRQ_S_SOFT;
    CHECK_EQ(OUTCOME(trap_interrupt(beta, 1ul << 63 | IRQ_S_SOFT)), PARKED);
    CHECK_EQ(csrs->sie, 0);
    CHECK_EQ(cpu_state(beta), VCPU_ON); /* it has not ended, and so ends nothing */
    CHECK_TEXT(fake_screen(), "");
    fake_run_as(other); /* one that waits to be started */
    cpu_set_state(other, VCPU_STARTING);
    csrs->sie = 1 << IRQ_S_SOFT;
    CHECK_EQ(OUTCOME(cpu_park(other)), PARKED);
    CHECK_EQ(csrs->sie, 0);
}

TEST(panic_resets)
{
    boot(PANIC_RESET);
    CHECK_EQ(OUTCOME(trap_panic(0)), OFF);
    CHECK(strstr(fake_screen(), "[bulkhead] the board is reset\r\n") != NULL);
    CHECK_EQ(fake_calls[fake_call_count - 1].args[0], SBI_SRST_COLD_REBOOT);
}

TEST(panic_of_an_assertion)
{
    boot(PANIC_POWER_OFF);
    ensure(self != NULL);
    CHECK_EQ(OUTCOME(vm_start(&vms[0], 2, 0, 0)), OFF); /* alpha has two vCPUs */
    CHECK(strstr(fake_screen(), "running for vm 'alpha' vcpu 0: ../../hypervisor/core/vm.c:") != NULL);
}

/* A vCPU never enters a guest by another VM's tables. */
TEST(panic_instead_of_another_s_tables)
{
    boot(PANIC_POWER_OFF);
    csrs->hgatp = (ureg_t)vms[1].config->stage2;
    CHECK_EQ(OUTCOME(arch_vcpu_start(self, 0x80000000, 0)), OFF);
    csrs->hgatp = (ureg_t)vms[0].config->stage2;
}
