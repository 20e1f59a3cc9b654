// SPDX-License-Identifier: Apache-2.0
/* From the firmware to the guests' first instructions. */
#include "check.h"
#include "fake.h"

extern bool fake_no_hypervisor;

TEST(boot_prepares_all)
{
    struct cpu *self = boot_prepare(70, 0);

    CHECK(self == &cpus[2]);
    CHECK(self->vm == &vms[0]);
    CHECK_EQ(self->vcpu, 0);
    CHECK_EQ(self->arch.stack, 0x80205000);
    CHECK_EQ(cpu_state(&cpus[2]), VCPU_STARTING);
    CHECK_EQ(cpu_state(&cpus[0]), VCPU_OFF);
    CHECK_EQ(cpu_state(&cpus[1]), VCPU_STARTING);
    CHECK_EQ(cpus[2].start_pc, 0x80000000);
    CHECK_EQ(cpus[2].start_arg, 0x80ff0000);
    CHECK_TEXT(fake_screen(), "");
    fake_call_count = 0;
    boot_start_others(self);
    CHECK_EQ(fake_call_count, 2);
    CHECK_EQ(fake_calls[0].extension, SBI_HSM);
    CHECK_EQ(fake_calls[0].args[0], 5);
    CHECK_EQ(fake_calls[0].args[2], (uintptr_t)&cpus[0]);
    CHECK_EQ(fake_calls[1].args[0], 1);
}

TEST(boot_on_unplanned_hart)
{
    CHECK(boot_prepare(3, 0) == NULL);
    fake_call_count = 0;
    boot_start_others(NULL);
    CHECK_EQ(fake_call_count, 3);
}

TEST(boot_enters_guest)
{
    struct cpu *self = boot_prepare(1, 0);

    fake_run_as(self);
    CHECK_EQ(OUTCOME(hart_main(self)), ENTERED);
    CHECK_EQ(csrs->sepc, 0x80000040);
    CHECK_EQ(csrs->hgatp, 0x8000200000080800);
    CHECK_EQ(csrs->henvcfg, 0xf0);
    CHECK_EQ(csrs->hedeleg, 0xb1ff);
    CHECK_EQ(csrs->hideleg, 1 << 2 | 1 << 6 | 1 << 10);
    CHECK_EQ(self->arch.x[10], 0);
    CHECK_EQ(self->arch.x[11], 0);
    CHECK(fake_enabled[1][10]);
    CHECK_TEXT(fake_screen(), "[bulkhead] pair on bench, build 0123456789abcdef\r\n");
}

TEST(boot_waits_with_a_vcpu_that_is_off)
{
    boot_prepare(5, 0);
    fake_run_as(&cpus[0]);
    CHECK_EQ(OUTCOME(hart_main(&cpus[0])), PARKED);
    CHECK_TEXT(fake_screen(), ""); /* another CPU has the console */
}

TEST(boot_missing_cpu)
{
    fake_absent[0] = true;
    boot_prepare(1, 0);
    CHECK_EQ(cpu_state(&cpus[0]), VCPU_MISSING);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
    CHECK_TEXT(fake_screen(), "[bulkhead] cpu@5 (hart 5) is missing: vm 'alpha' vcpu 1 will not run\r\n");
    fake_call_count = 0;
    boot_start_others(&cpus[1]);
    CHECK_EQ(fake_call_count, 1);
}

TEST(boot_missing_first_cpu)
{
    fake_absent[2] = true;
    boot_prepare(1, 0);
    CHECK_EQ(vm_state(&vms[0]), VM_ENDED);
    CHECK_EQ(vm_state(&vms[1]), VM_RUNNING);
    CHECK_TEXT(fake_screen(), "[bulkhead] cpu@70 (hart 70) is missing: vm 'alpha' vcpu 0 will not run\r\n"
                              "[bulkhead] vm 'alpha' ended: its first vCPU is missing\r\n");
}

TEST(boot_stuck_cpu)
{
    struct cpu *self = boot_prepare(70, 0);

    fake_absent[0] = true;
    fake_run_as(self);
    boot_start_others(self);
    CHECK_TEXT(fake_screen(), "[bulkhead] cpu@5 (hart 5) does not start: the firmware answers -3\r\n");
    CHECK_EQ(cpu_state(&cpus[0]), VCPU_MISSING);
    CHECK_EQ(vm_start(&vms[0], 1, 0x80000000, 0), VM_START_MISSING);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
    /* No restart waits for it. */
    vms[0].state = VM_RESTARTING;
    vm_join_restart(self);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
    CHECK_EQ(cpu_state(&cpus[0]), VCPU_MISSING);
    CHECK_EQ(cpu_state(self), VCPU_STARTING);
}

/* A vCPU that its VM has already told to start is missing all the same. */
TEST(boot_stuck_cpu_told_to_start)
{
    struct cpu *self = boot_prepare(70, 0);

    CHECK_EQ(vm_start(&vms[0], 1, 0x80000000, 0), VM_START_OK);
    fake_absent[0] = true;
    boot_start_others(self);
    CHECK_EQ(cpu_state(&cpus[0]), VCPU_MISSING);
}

TEST(boot_stuck_first_cpu)
{
    struct cpu *self = boot_prepare(1, 0);

    fake_absent[2] = true;
    fake_run_as(self);
    boot_start_others(self);
    CHECK_EQ(cpu_state(&cpus[2]), VCPU_MISSING);
    CHECK_EQ(vm_state(&vms[0]), VM_ENDED);
    CHECK_EQ(vm_state(&vms[1]), VM_RUNNING);
    CHECK_TEXT(fake_screen(), "[bulkhead] cpu@70 (hart 70) does not start: the firmware answers -3\r\n"
                              "[bulkhead] vm 'alpha' ended: its first vCPU is missing\r\n");
}

TEST(boot_missing_memory)
{
    CHECK_EQ(OUTCOME(boot_prepare(5, 1 << 1)), OFF);
    CHECK_TEXT(fake_screen(), "[bulkhead] no memory at 0xbffffff8, which the plan uses: this board has less than board "
                              "'bench' says\r\n");
}

TEST(boot_without_hypervisor_extension)
{
    fake_no_hypervisor = true;
    CHECK_EQ(OUTCOME(boot_prepare(5, 0)), OFF);
    CHECK_TEXT(fake_screen(), "[bulkhead] this hart has no H extension\r\n");
}
