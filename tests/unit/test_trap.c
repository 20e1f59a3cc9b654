// SPDX-License-Identifier: Apache-2.0
/* What brings a hart out of its guest, but for firmware calls. */
#include <string.h>

#include "check.h"
#include "fake.h"

static struct cpu *self;

static void boot(void)
{
    fake_boot();
    self = fake_cpu(0, 0);
    csrs->sepc = 0x80000100;
    csrs->vstvec = 0x80002001;
    fake_memory[0] = (struct fake_memory){.ipa = 0x80000100, .size = 64, .writable = true};
}

/* A load or store of the guest that stage 2 stopped; transformed 0: the hart does not say which instruction it was. */
static enum outcome page_fault(bool write, uint64_t ipa, ureg_t transformed)
{
    csrs->htval = ipa >> 2;
    csrs->stval = 0xffffffc000000000 | (ipa & 0xfff);
    csrs->htinst = transformed;
    return OUTCOME(trap_access(self, write));
}

static void check_injected(ureg_t cause, ureg_t value, int line)
{
    check_equal(csrs->vscause, cause, __FILE__, line, "vscause");
    check_equal(csrs->vstval, value, __FILE__, line, "vstval");
    check_equal(csrs->vsepc, 0x80000100, __FILE__, line, "vsepc");
    check_equal(csrs->sepc, 0x80002000, __FILE__, line, "sepc");
    check_equal(csrs->sstatus & SSTATUS_SPP, SSTATUS_SPP, __FILE__, line, "sstatus.SPP");
    csrs->sepc = 0x80000100;
    csrs->vscause = 0;
}

#define INJECTED(cause, value) check_injected((cause), (value), __LINE__)

TEST(trap_emulates_transformed)
{
    boot();
    self->arch.x[5] = 0xffffffffffffff00 | 'q';
    CHECK_EQ(page_fault(true, 0x10000000, 5 << 20 | 0x23), RETURNED); /* sb x5, 4 bytes long */
    CHECK_EQ(csrs->sepc, 0x80000104);
    self->arch.x[5] = '\n';
    csrs->sepc = 0x80000100;
    page_fault(true, 0x10000000, 5 << 20 | 0x23);
    CHECK_TEXT(fake_brief(), "[alpha] q\r\n");
    csrs->sepc = 0x80000100;
    self->arch.x[7] = ~0ul;
    CHECK_EQ(page_fault(false, 0x10000005, 4 << 12 | 7 << 7 | 0x03), RETURNED); /* lbu x7 */
    CHECK_EQ(self->arch.x[7], 0x60);
    CHECK_EQ(csrs->sepc, 0x80000104);
    csrs->sepc = 0x80000100;
    self->arch.x[7] = ~0ul;
    page_fault(false, 0x10000006, 7 << 7 | 0x01); /* lb x7, compressed */
    CHECK_EQ(self->arch.x[7], 0xffffffffffffffb0);
    CHECK_EQ(csrs->sepc, 0x80000102);
    CHECK_EQ(self->exits[EXIT_MMIO], 4);
}

TEST(trap_emulates_fetched)
{
    boot();
    memcpy(fake_memory[0].bytes, "\x03\xa5\x45\x00", 4); /* lw a0, 4(a1) */
    vms[0].virq.priority[1] = 6;
    csrs->vsatp = 0x8000000000012345;
    CHECK_EQ(page_fault(false, 0x0c000004, 0), RETURNED);
    CHECK_EQ(self->arch.x[10], 6);
    CHECK_EQ(csrs->sepc, 0x80000104);
    CHECK_EQ(csrs->vsatp, 0x8000000000012345);
    csrs->sepc = 0x80000100;
    memcpy(fake_memory[0].bytes, "\xcc\xc1", 2); /* c.sw a1, 4(a1) */
    self->arch.x[11] = 0xffffffff00000003;
    CHECK_EQ(page_fault(true, 0x0c000004, 0), RETURNED);
    CHECK_EQ(vms[0].virq.priority[1], 3);
    CHECK_EQ(csrs->sepc, 0x80000102);
}

/* The last two bytes before memory that is not the guest's may hold a compressed instruction. */
TEST(trap_fetches_no_further_than_needed)
{
    boot();
    fake_memory[0].size = 2;
    memcpy(fake_memory[0].bytes, "\x88\x41", 2); /* c.lw a0, 0(a1) */
    vms[0].virq.priority[1] = 6;
    CHECK_EQ(page_fault(false, 0x0c000004, 0), RETURNED);
    CHECK_EQ(self->arch.x[10], 6);
    csrs->sepc = 0x80000100;
    memcpy(fake_memory[0].bytes, "\x03\xa5", 2); /* half of lw */
    CHECK_EQ(page_fault(false, 0x0c000004, 0), RETURNED);
    INJECTED(EXC_LOAD_ACCESS, 0xffffffc000000004);
}

TEST(trap_load_to_x0)
{
    boot();
    page_fault(false, 0x10000005, 0x03); /* lb x0 */
    CHECK_EQ(self->arch.x[0], 0);
    CHECK_EQ(csrs->sepc, 0x80000104);
}

TEST(trap_refuses_accesses)
{
    boot();
    page_fault(false, 0x10000000, 2 << 12 | 5 << 7 | 0x03); /* lw from the UART */
    INJECTED(EXC_LOAD_ACCESS, 0xffffffc000000000);
    page_fault(true, 0x10000008, 5 << 20 | 0x23); /* no such register */
    INJECTED(EXC_STORE_ACCESS, 0xffffffc000000008);
    page_fault(false, 0x0c000006, 2 << 12 | 5 << 7 | 0x03); /* misaligned */
    INJECTED(EXC_LOAD_ACCESS, 0xffffffc000000006);
    page_fault(false, 0x0c000004, 2 << 12 | 5 << 7 | 0x07); /* flw */
    INJECTED(EXC_LOAD_ACCESS, 0xffffffc000000004);
    page_fault(true, 0x0c000004, 2 << 12 | 5 << 7 | 0x2f); /* an AMO */
    INJECTED(EXC_STORE_ACCESS, 0xffffffc000000004);
    page_fault(true, 0x0c000004, 0x3020); /* the guest's tables lie in the virtual device */
    INJECTED(EXC_STORE_ACCESS, 0xffffffc000000004);
    page_fault(true, 0x0c000004, 2 << 12 | 5 << 7 | 0x03); /* says load, was a store */
    INJECTED(EXC_STORE_ACCESS, 0xffffffc000000004);
    CHECK_TEXT(fake_brief(), "");
}

TEST(trap_injection_stacks_status)
{
    boot();
    csrs->vsstatus = 1ul << 18 | SSTATUS_SIE;
    csrs->sstatus = SSTATUS_SPP | 1 << 13;
    page_fault(false, 0x10000000, 2 << 12 | 0x03);
    INJECTED(EXC_LOAD_ACCESS, 0xffffffc000000000);
    CHECK_EQ(csrs->vsstatus, 1ul << 18 | SSTATUS_SPIE | SSTATUS_SPP);
    csrs->vsstatus = SSTATUS_SPIE | SSTATUS_SPP;
    csrs->sstatus = 0;
    page_fault(false, 0x10000000, 2 << 12 | 0x03);
    INJECTED(EXC_LOAD_ACCESS, 0xffffffc000000000);
    CHECK_EQ(csrs->vsstatus, 0);
}

TEST(trap_virtual_instruction_is_illegal)
{
    boot();
    csrs->stval = 0x60000073;
    CHECK_EQ(OUTCOME(trap_exception(self, EXC_VIRTUAL)), RETURNED);
    INJECTED(EXC_ILLEGAL, 0x60000073);
    CHECK_EQ(self->exits[EXIT_FAULT], 1);
}

TEST(trap_reports_what_is_not_its_own)
{
    boot();
    CHECK_EQ(page_fault(true, 0x90000003, 5 << 20 | 0x23), PARKED);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' vcpu 0: store of 1 byte at 0x90000003: nothing is mapped there "
                             "(pc 0x80000100)\r\n"
                             "[bulkhead]   nearest: 'memory.ram' 0x80000000-0x80ffffff rwx, pair.yaml:7\r\n"
                             "[bulkhead] vm 'alpha' stopped\r\n");
    CHECK_EQ(self->exits[EXIT_FAULT], 1);
}

TEST(trap_reports_fetch)
{
    boot();
    csrs->htval = 0x50000000 >> 2;
    csrs->stval = 2;
    CHECK_EQ(OUTCOME(trap_exception(self, EXC_FETCH_GUEST)), PARKED);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' vcpu 0: instruction fetch at 0x50000002: 'channels: news' is rw "
                             "(pc 0x80000100)\r\n"
                             "[bulkhead]   place: 'channels: news' 0x50000000-0x50001fff rw, pair.yaml:30\r\n"
                             "[bulkhead] vm 'alpha' stopped\r\n");
}

TEST(trap_reports_the_impossible)
{
    boot();
    CHECK_EQ(OUTCOME(trap_exception(self, 15)), PARKED);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' vcpu 0: an exception that no guest should be able to cause "
                             "(pc 0x80000100)\r\n"
                             "[bulkhead] vm 'alpha' stopped\r\n");
}

/* No instruction and no address make it do more than answer, inject or report. */
TEST(trap_random_page_faults)
{
    static const uint64_t bases[] = {0x0c000000, 0x0c200000, 0x10000000, 0x50003000,
                                     0x50000000, 0x80000000, 0x90000000};

    random_seed(0x7a9);
    fake_config()->vms[0].on_fault = (struct policy){ACTION_RESTART, 0, 0, ACTION_STOP};
    boot();
    for (unsigned i = 0; i < 30000; i++) {
        uint64_t ipa = bases[random_below(7)] + random_below(0x3000);
        ureg_t instruction = (random_word() & 0xfffff9c) | (random_below(2) != 0 ? 0x03 : 0x23);
        enum outcome outcome;

        cpu_set_state(fake_cpu(0, 1), VCPU_ON);
        cpu_set_state(self, VCPU_ON);
        vms[0].state = VM_RUNNING;
        fake_run_as(self);
        csrs->sepc = 0x80000100;
        memcpy(fake_memory[0].bytes, &instruction, 4);
        outcome = page_fault(random_below(2) != 0, ipa, random_below(2) != 0 ? instruction : 0);
        fake_brief();
        CHECK(outcome == RETURNED || outcome == PARKED);
        CHECK_EQ(self->arch.x[0], 0);
        CHECK(outcome != RETURNED || csrs->sepc == 0x80000102 || csrs->sepc == 0x80000104 || csrs->sepc == 0x80002000);
        CHECK_EQ(vm_state(&vms[1]), VM_RUNNING);
    }
}

TEST(trap_interrupt_for_console)
{
    boot();
    fake_interrupt(self, 10);
    trap_interrupt(self, 1ul << 63 | IRQ_S_EXT);
    CHECK_EQ(fake_completed_count, 1);
    CHECK_EQ(fake_completed[0], self->index << 16 | 10);
}

/* An interrupt that is nobody's, or another VM's, is shut off and completed. */
TEST(trap_interrupt_for_nobody)
{
    static const uint32_t sources[] = {9, 12, PLAN_IRQS, 1023};

    boot();
    for (unsigned i = 0; i < 4; i++) {
        if (sources[i] >= PLAN_IRQS)
            continue; /* the fake has no such enable bit */
        fake_enabled[self->index][sources[i]] = true;
        fake_interrupt(self, sources[i]);
        trap_interrupt(self, 1ul << 63 | IRQ_S_EXT);
        CHECK(!fake_enabled[self->index][sources[i]]);
    }
    CHECK_EQ(fake_completed_count, 2);
    CHECK_EQ(vms[0].virq.pending[0] | vms[1].virq.pending[0], 0);
}

TEST(trap_ipi)
{
    boot();
    guest_call(fake_cpu(0, 1), SBI_IPI, 0, 1, 0, 0);
    fake_run_as(self);
    csrs->sip = csrs->sie = 1 << IRQ_S_SOFT;
    trap_interrupt(self, 1ul << 63 | IRQ_S_SOFT);
    CHECK_EQ(csrs->hvip, 1 << IRQ_VS_SOFT);
    CHECK_EQ(csrs->sip, 0);
    CHECK_EQ(self->exits[EXIT_EVENT], 1);
}
