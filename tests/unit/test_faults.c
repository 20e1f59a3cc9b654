// SPDX-License-Identifier: Apache-2.0
/* The reports of what a VM may not do, to the letter. */
#include "vm.h"

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

static void check_report(struct cpu *cpu, enum access access, uint64_t ipa, uint32_t width, const char *expected,
                         int line)
{
    fake_run_as(cpu);
    csrs->sepc = 0x80000abc;
    vms[cpu->vm - vms].state = VM_RUNNING;
    CHECK_EQ(OUTCOME(vm_fault_access(cpu, access, ipa, width)), PARKED);
    check_text(fake_screen(), expected, __FILE__, line, "report");
    CHECK_EQ(cpu_state(cpu), VCPU_OFF);
}

#define REPORT(cpu, access, ipa, width, expected) check_report((cpu), (access), (ipa), (width), (expected), __LINE__)

TEST(vm_fault_unmapped)
{
    boot();
    REPORT(self, ACCESS_LOAD, 0x90000000, 4,
           "[bulkhead] vm 'alpha' vcpu 0: load of 4 bytes at 0x90000000: nothing is mapped there (pc 0x80000abc)\r\n"
           "[bulkhead]   nearest: 'memory.ram' 0x80000000-0x80ffffff rwx, pair.yaml:7\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}

TEST(vm_fault_unmapped_byte)
{
    boot();
    REPORT(self, ACCESS_STORE, 0x50002000, 1,
           "[bulkhead] vm 'alpha' vcpu 0: store of 1 byte at 0x50002000: nothing is mapped there (pc 0x80000abc)\r\n"
           "[bulkhead]   nearest: 'channels: news' 0x50000000-0x50001fff rw, pair.yaml:30\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}

TEST(vm_fault_unmapped_width_unknown)
{
    boot();
    REPORT(self, ACCESS_LOAD, 0x10002000, 0,
           "[bulkhead] vm 'alpha' vcpu 0: load at 0x10002000: nothing is mapped there (pc 0x80000abc)\r\n"
           "[bulkhead]   nearest: 'devices: rtc@101000' 0x10001000-0x10001fff rw, pair.yaml:21\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}

TEST(vm_fault_fetch)
{
    boot();
    REPORT(other, ACCESS_FETCH, 0x50000010, 0,
           "[bulkhead] vm 'alpha' vcpu 1: instruction fetch at 0x50000010: 'channels: news' is rw (pc 0x80000abc)\r\n"
           "[bulkhead]   place: 'channels: news' 0x50000000-0x50001fff rw, pair.yaml:30\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}

TEST(vm_fault_read_only)
{
    boot();
    REPORT(beta, ACCESS_STORE, 0x50000ffc, 4,
           "[bulkhead] vm 'beta' vcpu 0: store of 4 bytes at 0x50000ffc: 'channels: news' is r (pc 0x80000abc)\r\n"
           "[bulkhead]   place: 'channels: news' 0x50000000-0x50001fff r, pair.yaml:40\r\n"
           "[bulkhead] vm 'beta' stopped\r\n");
}

TEST(vm_fault_high_address)
{
    boot();
    REPORT(self, ACCESS_LOAD, 0xfffffffffffffff8, 8,
           "[bulkhead] vm 'alpha' vcpu 0: load of 8 bytes at 0xfffffffffffffff8: nothing is mapped there "
           "(pc 0x80000abc)\r\n"
           "[bulkhead]   nearest: 'memory.ram' 0x80000000-0x80ffffff rwx, pair.yaml:7\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}

/* A place that the YAML does not name has no line to point at. */
TEST(vm_fault_near_default)
{
    boot();
    REPORT(self, ACCESS_LOAD, 0, 2,
           "[bulkhead] vm 'alpha' vcpu 0: load of 2 bytes at 0x0: nothing is mapped there (pc 0x80000abc)\r\n"
           "[bulkhead]   nearest: 'interrupt controller' 0xc000000-0xc5fffff trapped, a default\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}

TEST(vm_fault_without_places)
{
    fake_config()->vms[0].place_count = 0;
    boot();
    REPORT(self, ACCESS_LOAD, 0x1000, 4,
           "[bulkhead] vm 'alpha' vcpu 0: load of 4 bytes at 0x1000: nothing is mapped there (pc 0x80000abc)\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}

/* The nearer end counts: of the place before, its last byte, of the one behind, its first. */
TEST(vm_fault_nearest)
{
    boot();
    REPORT(self, ACCESS_LOAD, 0x65800800, 4,
           "[bulkhead] vm 'alpha' vcpu 0: load of 4 bytes at 0x65800800: nothing is mapped there (pc 0x80000abc)\r\n"
           "[bulkhead]   nearest: 'doorbell of orders' 0x50003000-0x50003fff trapped, pair.yaml:31\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}

TEST(vm_fault_nearest_behind)
{
    boot();
    REPORT(self, ACCESS_LOAD, 0x70000000, 4,
           "[bulkhead] vm 'alpha' vcpu 0: load of 4 bytes at 0x70000000: nothing is mapped there (pc 0x80000abc)\r\n"
           "[bulkhead]   nearest: 'memory.ram' 0x80000000-0x80ffffff rwx, pair.yaml:7\r\n"
           "[bulkhead] vm 'alpha' stopped\r\n");
}
