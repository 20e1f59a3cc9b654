// SPDX-License-Identifier: Apache-2.0
/* Life of a VM, its address space and its doorbells. */
#include "vm.h"

#include <string.h>

#include "check.h"
#include "fake.h"

static struct cpu *self; /* alpha's vCPU 0 */
static struct cpu *other;
static struct cpu *beta;

static void boot(void)
{
    fake_boot();
    self = fake_cpu(0, 0);
    other = fake_cpu(0, 1);
    beta = fake_cpu(1, 0);
    csrs->sepc = 0x80000abc;
}

/* --- Places and windows --- */

TEST(vm_place)
{
    boot();
    CHECK(vm_place(&vms[0], 0x0bffffff) == NULL);
    CHECK_TEXT(vm_place(&vms[0], 0x0c000000)->name, "interrupt controller");
    CHECK_TEXT(vm_place(&vms[0], 0x0c5fffff)->name, "interrupt controller");
    CHECK(vm_place(&vms[0], 0x0c600000) == NULL);
    CHECK_TEXT(vm_place(&vms[0], 0x10000fff)->name, "console");
    CHECK_TEXT(vm_place(&vms[0], 0x10001000)->name, "devices: rtc@101000");
    CHECK_TEXT(vm_place(&vms[0], 0x80ffffff)->name, "memory.ram");
    CHECK(vm_place(&vms[0], 0x81000000) == NULL);
    CHECK(vm_place(&vms[0], 0) == NULL);
    CHECK(vm_place(&vms[0], UINT64_MAX) == NULL);
    CHECK(vm_place(&vms[0], 0x180000000) == NULL);
    CHECK(vm_place(&vms[1], 0x80800000) == NULL);
}

TEST(vm_may)
{
    boot();
    CHECK(vm_may(&vms[0], 0x80000000, 'x'));
    CHECK(vm_may(&vms[0], 0x80ffffff, 'x'));
    CHECK(!vm_may(&vms[0], 0x81000000, 'x'));
    CHECK(!vm_may(&vms[0], 0x50000000, 'x'));
    CHECK(!vm_may(&vms[0], 0x10000000, 'x'));
    CHECK(!vm_may(&vms[1], 0x50000000, 'x'));
}

TEST(vm_window)
{
    boot();
    CHECK(vm_window(&vms[0], 0x0bfffffc) == NULL);
    CHECK_EQ(vm_window(&vms[0], 0x0c000000)->kind, WINDOW_IRQCHIP);
    CHECK_EQ(vm_window(&vms[0], 0x10000005)->kind, WINDOW_UART);
    CHECK_EQ(vm_window(&vms[0], 0x50003ffc)->kind, WINDOW_DOORBELL);
    CHECK(vm_window(&vms[0], 0x50004000) == NULL);
    CHECK(vm_window(&vms[0], 0x80000000) == NULL);
    CHECK(vm_window(&vms[0], UINT64_MAX) == NULL);
}

/* --- Doorbells --- */

static uint64_t pending(uint32_t vm)
{
    return (uint64_t)vms[vm].virq.pending[1] << 32 | vms[vm].virq.pending[0];
}

TEST(vm_ring)
{
    boot();
    CHECK(vm_ring(self, 0));
    CHECK_EQ(pending(1), 1ul << 5);
    CHECK(fake_kicked[beta->index]);
    CHECK(vm_ring(self, 1));
    CHECK_EQ(pending(1), 1ul << 5 | 1ul << 6);
    CHECK_EQ(pending(0), 0);
    CHECK(!vm_ring(self, 2));
    CHECK(!vm_ring(self, UINT64_MAX));
    CHECK(!vm_ring(self, 1ul << 32));
    CHECK(vm_ring(beta, 0));
    CHECK_EQ(pending(0), 1ul << 36);
    CHECK(!vm_ring(beta, 1));
}

/* An end that rings nobody is there, but silent. */
TEST(vm_ring_nobody)
{
    struct channel_end *end;

    boot();
    end = (struct channel_end *)&config.vms[0].channels[0];
    end->rings = NULL;
    end->ring_count = 0;
    CHECK(vm_ring(self, 0));
    CHECK_EQ(pending(0) | pending(1), 0);
}

TEST(vm_doorbell_page)
{
    const struct window *page;
    struct vdev_access access = {0, 4, true, 12345};

    boot();
    page = vm_window(&vms[0], 0x50003000);
    CHECK(vm_access(self, page, &access));
    CHECK_EQ(pending(1), 1ul << 6);
    vms[1].virq.pending[0] = 0;
    access = (struct vdev_access){0, 4, false, 99};
    CHECK(vm_access(self, page, &access));
    CHECK_EQ(access.value, 0);
    for (uint32_t width = 1; width <= 8; width *= 2) {
        access = (struct vdev_access){4, width, true, 1};
        CHECK(!vm_access(self, page, &access));
        access = (struct vdev_access){0, width, true, 1};
        if (width != 4)
            CHECK(!vm_access(self, page, &access));
    }
    CHECK_EQ(pending(1), 0);
    CHECK_EQ(pending(0), 0);
}

/* --- Start, stop, end --- */

TEST(vm_start_states)
{
    boot();
    CHECK_EQ(vm_start(&vms[0], 0, 1, 2), VM_START_NOT_OFF);
    CHECK_EQ(vm_start(&vms[0], 1, 0x80000000, 2), VM_START_OK);
    CHECK_EQ(cpu_state(other), VCPU_STARTING);
    CHECK_EQ(other->start_pc, 0x80000000);
    CHECK_EQ(other->start_arg, 2);
    CHECK_EQ(vm_start(&vms[0], 1, 3, 4), VM_START_NOT_OFF);
    CHECK_EQ(other->start_pc, 0x80000000);
    for (uint32_t state = VCPU_CLAIMED; state <= VCPU_SUSPENDED; state++) {
        cpu_set_state(other, state);
        CHECK_EQ(vm_start(&vms[0], 1, 3, 4), VM_START_NOT_OFF);
        CHECK_EQ(cpu_state(other), state);
    }
    cpu_set_state(other, VCPU_MISSING);
    CHECK_EQ(vm_start(&vms[0], 1, 3, 4), VM_START_MISSING);
    CHECK_EQ(cpu_state(other), VCPU_MISSING);
}

TEST(vm_last_vcpu_off)
{
    boot();
    cpu_set_state(other, VCPU_ON);
    CHECK_EQ(OUTCOME(vm_vcpu_off(self)), PARKED);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
    CHECK_TEXT(fake_brief(), "");
    fake_run_as(other);
    CHECK_EQ(OUTCOME(vm_vcpu_off(other)), PARKED);
    CHECK_EQ(vm_state(&vms[0]), VM_ENDED);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' ended: its last vCPU is off\r\n");
    fake_run_as(beta);
    CHECK_EQ(OUTCOME(vm_vcpu_off(beta)), OFF);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'beta' ended: its last vCPU is off\r\n[bulkhead] all VMs have ended\r\n");
}

/* One that starts or is suspended keeps its VM alive; one that is missing does not. */
TEST(vm_last_vcpu_off_but_another_lives)
{
    static const enum vcpu_state lives[] = {VCPU_CLAIMED, VCPU_STARTING, VCPU_ON, VCPU_SUSPENDED};

    boot();
    for (unsigned i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        cpu_set_state(self, VCPU_ON);
        cpu_set_state(other, lives[i]);
        CHECK_EQ(OUTCOME(vm_vcpu_off(self)), PARKED);
        CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
    }
    cpu_set_state(self, VCPU_ON);
    cpu_set_state(other, VCPU_MISSING);
    CHECK_EQ(OUTCOME(vm_vcpu_off(self)), PARKED);
    CHECK_EQ(vm_state(&vms[0]), VM_ENDED);
}

TEST(vm_end_stops_all)
{
    boot();
    cpu_set_state(other, VCPU_ON);
    vm_end(&vms[0], "stopped");
    CHECK(fake_kicked[self->index] && fake_kicked[other->index] && !fake_kicked[beta->index]);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' stopped\r\n");
    vm_end(&vms[0], "stopped again");
    CHECK_TEXT(fake_brief(), "");
    fake_run_as(other);
    CHECK_EQ(OUTCOME(trap_interrupt(other, 1ul << 63 | IRQ_S_SOFT)), PARKED);
    CHECK_EQ(cpu_state(other), VCPU_OFF);
    CHECK_TEXT(fake_brief(), "");
    /* Nothing starts it again. */
    CHECK_EQ(vm_start(&vms[0], 1, 0x80000000, 0), VM_START_OK);
    CHECK_EQ(OUTCOME(cpu_park(other)), PARKED);
    CHECK(!cpu_take_events(beta));
}

TEST(vm_end_leaves_missing_cpu_alone)
{
    fake_absent[0] = true;
    boot();
    vm_end(&vms[0], "stopped");
    CHECK_EQ(other->events, 0);
    CHECK_EQ(fake_call_count, 1); /* the IPI to vCPU 0 */
}

TEST(vm_park_takes_start_while_waiting)
{
    boot();
    fake_run_as(other);
    cpu_set_state(other, VCPU_OFF);
    CHECK_EQ(OUTCOME(cpu_park(other)), PARKED);
    CHECK_EQ(vm_start(&vms[0], 1, 0x80000200, 7), VM_START_OK);
    CHECK_EQ(OUTCOME(cpu_park(other)), ENTERED);
    CHECK_EQ(cpu_state(other), VCPU_ON);
    CHECK_EQ(csrs->sepc, 0x80000200);
    CHECK_EQ(other->arch.x[10], 1);
    CHECK_EQ(other->arch.x[11], 7);
    CHECK(strstr(fake_assembly_done(), "fence.i") != NULL);
}

TEST(vm_events)
{
    boot();
    cpu_notify(self, EVENT_IPI);
    cpu_notify(self, EVENT_WAKE);
    CHECK(!cpu_take_events(self));
    CHECK_EQ(csrs->hvip, 1 << IRQ_VS_SOFT);
    CHECK_EQ(self->events, 0);
    vms[0].state = VM_ENDED;
    CHECK(cpu_take_events(self));
}

/* --- Policies --- */

static uint8_t pristine[64];
static struct restore restores[2] = {{.ipa = 0x80000000, .size = 64}, {.ipa = 0x80000040, .size = 64}};

static void boot_restartable(void)
{
    struct vm_config *alpha = &fake_config()->vms[0];

    memset(pristine, 'p', sizeof(pristine));
    restores[0].source = (uint64_t)(uintptr_t)pristine;
    alpha->restores = restores;
    alpha->restore_count = 2;
    alpha->on_fault = (struct policy){ACTION_RESTART, 2, 1000, ACTION_STOP};
    fake_memory[0] = (struct fake_memory){.ipa = 0x80000000, .size = 192, .writable = true};
    memset(fake_memory[0].bytes, 'u', 192);
    boot();
    cpu_set_state(other, VCPU_ON);
}

/* The VM faults; its other vCPU follows. */
static enum outcome fault_and_gather(void)
{
    fake_run_as(self);
    CHECK_EQ(OUTCOME(vm_fault(self, "went wrong")), PARKED);
    fake_run_as(other);
    CHECK_EQ(OUTCOME(trap_interrupt(other, 1ul << 63 | IRQ_S_SOFT)), PARKED);
    fake_run_as(self);
    return OUTCOME(cpu_park(self));
}

TEST(vm_restart)
{
    boot_restartable();
    CHECK_EQ(vm_start(&vms[0], 1, 0x80000300, 0), VM_START_NOT_OFF);
    vms[0].uart.ier = 1;
    vms[0].virq.priority[5] = 1;
    csrs->vsatp = 77;
    CHECK_EQ(OUTCOME(vm_fault(self, "went wrong")), PARKED);
    CHECK_EQ(vm_state(&vms[0]), VM_RESTARTING);
    CHECK_EQ(fake_memory[0].bytes[0], 'u'); /* not while the other one runs */
    fake_run_as(other);
    CHECK_EQ(OUTCOME(trap_interrupt(other, 1ul << 63 | IRQ_S_SOFT)), PARKED);
    CHECK_EQ(vm_state(&vms[0]), VM_RESTARTING);
    CHECK(fake_kicked[self->index]);
    fake_run_as(self);
    CHECK_EQ(OUTCOME(cpu_park(self)), ENTERED);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
    CHECK_EQ(cpu_state(self), VCPU_ON);
    CHECK_EQ(cpu_state(other), VCPU_OFF);
    CHECK_EQ(csrs->sepc, 0x80000000);
    CHECK_EQ(self->arch.x[11], 0x80ff0000);
    CHECK_EQ(csrs->vsatp, 0);
    CHECK_EQ(fake_memory[0].bytes[0], 'p');
    CHECK_EQ(fake_memory[0].bytes[63], 'p');
    CHECK_EQ(fake_memory[0].bytes[64], 0);
    CHECK_EQ(fake_memory[0].bytes[127], 0);
    CHECK_EQ(fake_memory[0].bytes[128], 'u');
    CHECK_EQ(vms[0].uart.ier, 0);
    CHECK_EQ(vms[0].virq.priority[5], 0);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' vcpu 0: went wrong (pc 0x80000abc)\r\n"
                             "[bulkhead] vm 'alpha' stopped, restarts\r\n");
    CHECK_EQ(vm_start(&vms[0], 1, 0x80000300, 0), VM_START_OK);
    CHECK_EQ(vm_state(&vms[1]), VM_RUNNING);
}

TEST(vm_restart_keeps_input)
{
    boot_restartable();
    fault_and_gather();
    vms[0].uart.ier = 1;
    fake_type("k");
    CHECK_EQ(vuart_take(&vms[0]), 'k');
}

TEST(vm_restart_limit)
{
    boot_restartable();
    for (unsigned i = 0; i < PLAN_CPUS; i++)
        fake_harts[i].time = 5000;
    CHECK_EQ(fault_and_gather(), ENTERED);
    cpu_set_state(other, VCPU_ON);
    csrs->time = 6000;
    CHECK_EQ(fault_and_gather(), ENTERED);
    cpu_set_state(other, VCPU_ON);
    fake_brief();
    CHECK_EQ(OUTCOME(vm_fault(self, "went wrong")), PARKED); /* the third within 1000 ticks */
    CHECK_EQ(vm_state(&vms[0]), VM_ENDED);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' vcpu 0: went wrong (pc 0x80000000)\r\n"
                             "[bulkhead] vm 'alpha' stopped\r\n");
}

TEST(vm_restart_limit_forgets)
{
    boot_restartable();
    for (uint64_t time = 1000; time < 20000; time += 600) {
        fake_harts[self->index].time = time;
        cpu_set_state(other, VCPU_ON);
        CHECK_EQ(fault_and_gather(), ENTERED); /* never more than two in 1000 ticks */
    }
}

/* A VM that faults again and again has a whole report four times a minute, and a line each time. */
TEST(vm_reports_in_short)
{
    const char *line = "[bulkhead] vm 'alpha' vcpu 0: went wrong (pc 0x80000000)\r\n"
                       "[bulkhead] vm 'alpha' stopped, restarts\r\n";

    boot_restartable();
    fake_config()->vms[0].on_fault.at_most = 0;
    for (uint32_t i = 1; i <= 6; i++) {
        const char *screen;

        cpu_set_state(other, VCPU_ON);
        fake_screen();
        CHECK_EQ(fault_and_gather(), ENTERED);
        screen = fake_screen();
        if (i <= 4)
            CHECK(strstr(screen, "exits: ") != NULL);
        else
            CHECK_TEXT(screen, line);
        CHECK_EQ(strstr(screen, "what follows within a minute is a line for each fault\r\n") != NULL, i == 4);
    }
    for (unsigned i = 0; i < PLAN_CPUS; i++)
        fake_harts[i].time += 60 * (uint64_t)PLAN_TIMEBASE + 1;
    cpu_set_state(other, VCPU_ON);
    CHECK_EQ(fault_and_gather(), ENTERED);
    CHECK(strstr(fake_screen(), "exits: ") != NULL);
}

TEST(vm_restart_without_missing_cpu)
{
    fake_absent[0] = true;
    boot_restartable();
    cpu_set_state(other, VCPU_MISSING);
    CHECK_EQ(OUTCOME(vm_fault(self, "went wrong")), ENTERED);
    CHECK_EQ(cpu_state(other), VCPU_MISSING);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
}

TEST(vm_restart_of_parked_vcpu)
{
    boot_restartable();
    cpu_set_state(other, VCPU_OFF);
    CHECK_EQ(OUTCOME(vm_fault(self, "went wrong")), PARKED);
    CHECK(fake_kicked[other->index]);
    fake_run_as(other);
    CHECK_EQ(OUTCOME(cpu_park(other)), PARKED);
    fake_run_as(self);
    CHECK_EQ(OUTCOME(cpu_park(self)), ENTERED);
}

/* A ring of another VM that comes with the restart is not lost to the vCPU's interrupt line. */
TEST(vm_restart_leaves_no_line_high)
{
    boot_restartable();
    vms[0].virq.priority[36] = 1;
    vms[0].virq.enable[1][1] = 1u << (36 - 32);
    virq_raise(&vms[0], 36);
    fake_run_as(other);
    virq_update(other);
    CHECK(csrs->hvip & 1ul << IRQ_VS_EXT);
    cpu_set_state(other, VCPU_OFF);
    fake_run_as(self);
    CHECK_EQ(OUTCOME(vm_fault(self, "went wrong")), PARKED);
    fake_run_as(other);
    CHECK_EQ(OUTCOME(cpu_park(other)), PARKED);
    vms[0].virq.enable[1][1] = 1u << (36 - 32); /* as vCPU 0 could have written after vCPU 1 was off */
    virq_update(other);
    CHECK(csrs->hvip & 1ul << IRQ_VS_EXT);
    fake_run_as(self);
    CHECK_EQ(OUTCOME(cpu_park(self)), ENTERED);
    fake_deliver();
    CHECK_EQ(fake_harts[other->index].hvip & 1ul << IRQ_VS_EXT, 0);
}

TEST(vm_halt_system)
{
    fake_config()->vms[0].on_fault.action = ACTION_HALT_SYSTEM;
    boot();
    CHECK_EQ(OUTCOME(vm_fault(self, "went wrong")), OFF);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' vcpu 0: went wrong (pc 0x80000abc)\r\n"
                             "[bulkhead] vm 'alpha' stopped, and the system halts with it\r\n");
    CHECK_EQ(fake_calls[fake_call_count - 1].extension, SBI_SRST);
    CHECK_EQ(fake_calls[fake_call_count - 1].args[1], SBI_SRST_FAILED);
}
