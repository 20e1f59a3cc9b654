// SPDX-License-Identifier: Apache-2.0
/* The reports of what a VM may not do, to the letter. */
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

static void check_report(struct cpu *cpu, enum access access, uint64_t ipa, uint32_t width, const char *expected,
                         int line)
{
    fake_run_as(cpu);
    csrs->sepc = 0x80000abc;
    vms[cpu->vm - vms].state = VM_RUNNING;
    CHECK_EQ(OUTCOME(vm_fault_access(cpu, access, ipa, width)), PARKED);
    check_text(fake_brief(), expected, __FILE__, line, "report");
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

/* --- The vCPU's state --- */

static void set_stack(uint64_t base, const uint64_t *words, unsigned count)
{
    fake_memory[0] = (struct fake_memory){.ipa = base, .size = count * 8};
    memcpy(fake_memory[0].bytes, words, count * 8);
}

static void check_callers(const char *expected, int line)
{
    static const char title[] = "[bulkhead]     called from:";
    const char *screen;
    const char *row;

    fake_run_as(self);
    vms[0].state = VM_RUNNING;
    vms[0].reports = 0; /* each is the first of its minute */
    CHECK_EQ(OUTCOME(vm_fault(self, "went wrong")), PARKED);
    screen = fake_screen();
    row = strstr(screen, title);
    CHECK(row != NULL);
    row += sizeof(title) - 1;
    check_text(strndup(row, strcspn(row, "\r")), expected, __FILE__, line, "callers");
    CHECK_EQ(csrs->sepc, 0x80000abc);
    CHECK_EQ(self->arch.fixup, 0);
}

#define CALLERS(expected) check_callers((expected), __LINE__)

TEST(vm_fault_whole_report)
{
    boot();
    for (uint32_t i = 1; i < 32; i++)
        self->arch.x[i] = 0x1000 + i;
    self->arch.x[31] = UINT64_MAX;
    for (uint32_t i = 0; i < EXIT_REASONS; i++)
        self->exits[i] = 10 + i;
    csrs->scause = 21;
    csrs->stval = 0x90000000;
    csrs->sstatus = 0x120;
    csrs->vsstatus = 0x100;
    csrs->vsatp = 0x8000000000080001;
    CHECK_EQ(OUTCOME(vm_fault_access(self, ACCESS_LOAD, 0x90000000, 4)), PARKED);
    CHECK_TEXT(
        fake_screen(),
        "[bulkhead] vm 'alpha' vcpu 0: load of 4 bytes at 0x90000000: nothing is mapped there (pc 0x80000abc)\r\n"
        "[bulkhead]   nearest: 'memory.ram' 0x80000000-0x80ffffff rwx, pair.yaml:7\r\n"
        "[bulkhead]     scause 15 stval 90000000 sstatus 120 vsstatus 100 vsatp 8000000000080001\r\n"
        "[bulkhead]     x0: 0 1001 1002 1003 1004 1005 1006 1007\r\n"
        "[bulkhead]     x8: 1008 1009 100a 100b 100c 100d 100e 100f\r\n"
        "[bulkhead]     x16: 1010 1011 1012 1013 1014 1015 1016 1017\r\n"
        "[bulkhead]     x24: 1018 1019 101a 101b 101c 101d 101e ffffffffffffffff\r\n"
        "[bulkhead]     called from: 1001\r\n"
        "[bulkhead]     exits: 10 calls, 11 hypercalls, 12 mmio, 13 device, 14 timer, 15 event, 16 other\r\n"
        "[bulkhead] vm 'alpha' stopped\r\n");
}

/* Two words below each frame pointer: the caller's frame pointer, the return address. */
TEST(vm_fault_callers)
{
    const uint64_t stack[] = {0x80010020, 0x80000200, 0x80010040, 0x80000300, 0, 0, 0, 0};

    fake_config()->vms[0].on_fault.action = ACTION_RESTART;
    boot();
    set_stack(0x80010000, stack, 8);
    self->arch.x[1] = 0x80000204;
    self->arch.x[2] = 0x80010000;
    self->arch.x[8] = 0x80010010;
    CALLERS(" 80000204 80000200 80000300");
    self->arch.x[1] = 0x80000200;
    CALLERS(" 80000200 80000300");
}

/* A function that calls nothing has stored its caller's frame pointer alone. */
TEST(vm_fault_callers_of_leaf)
{
    const uint64_t stack[] = {0, 0x80010020, 0x80010040, 0x80000300, 0, 0, 0, 0};

    boot();
    set_stack(0x80010000, stack, 8);
    self->arch.x[1] = 0x80000204;
    self->arch.x[2] = 0x80010000;
    self->arch.x[8] = 0x80010010;
    CALLERS(" 80000204 80000300");
}

/* What is no frame, or cannot be read, ends it; so does the eighth. */
TEST(vm_fault_callers_end)
{
    static const uint64_t wrong[] = {0x80010000, 0x8000fff0, 0x80010018, 0x80020010, 0x80010040, 0, UINT64_MAX};
    uint64_t stack[64] = {0};

    fake_config()->vms[0].on_fault.action = ACTION_RESTART;
    boot();
    self->arch.x[1] = 0x204;
    self->arch.x[2] = 0x80010000;
    set_stack(0x80010000, stack, 4);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        self->arch.x[8] = wrong[i];
        CALLERS(" 204");
    }
    for (unsigned i = 0; i < 16; i++) {
        stack[i * 2] = 0x80010000 + (i + 2) * 16;
        stack[i * 2 + 1] = 0x300 + i;
    }
    set_stack(0x80010000, stack, 20);
    self->arch.x[8] = 0x80010010;
    CALLERS(" 204 300 301 302 303 304 305 306");
    stack[4] = stack[2]; /* its own frame again */
    set_stack(0x80010000, stack, 20);
    CALLERS(" 204 300 301 302");
    /* A guest that makes them all the same does not have the hypervisor read on and on. */
    for (unsigned i = 0; i < 9; i++)
        stack[i * 2 + 1] = 0x204;
    set_stack(0x80010000, stack, 20);
    CALLERS(" 204");
}
