// SPDX-License-Identifier: Apache-2.0
/* What brings a CPU out of its guest, but for firmware calls. Source of syndromes: DDI 0487, section D17.2.37 (ESR_EL2). */
#include <string.h>

#include "check.h"
#include "drivers.h"
#include "fake.h"
#include "timer.h"

#define GICR_VCPU0 0x08010000u /* in alpha's map */

static struct cpu *self;

static void boot(void)
{
    fake_boot();
    self = fake_cpu(0, 0);
    sysregs->elr_el2 = 0x40000100;
    sysregs->spsr_el2 = 0x3c5;
    sysregs->vbar_el1 = 0x40008000;
}

/* Size as log2, register and what is asked of it, as in an ISS. */
static uint64_t load(unsigned size, unsigned reg, bool sign, bool wide)
{
    return ISS_ISV | (uint64_t)size << 22 | (sign ? ISS_SSE : 0) | (uint64_t)reg << 16 | (wide ? ISS_SF : 0) | 7;
}

static uint64_t store(unsigned size, unsigned reg)
{
    return load(size, reg, false, true) | ISS_WNR;
}

static enum outcome data_abort(uint64_t ipa, uint64_t iss)
{
    sysregs->hpfar_el2 = ipa >> 12 << 4;
    sysregs->far_el2 = 0xffff000000000000 | (ipa & 0xfff);
    return OUTCOME(trap_exception(self, (uint64_t)EC_DATA_LOWER << 26 | ESR_IL | iss));
}

static void check_skipped(int line)
{
    check_equal(sysregs->elr_el2, 0x40000104, __FILE__, line, "elr_el2");
    sysregs->elr_el2 = 0x40000100;
}

#define SKIPPED() check_skipped(__LINE__)

static void check_injected(uint64_t vector, uint64_t syndrome, int line)
{
    check_equal(sysregs->elr_el2, 0x40008000 + vector, __FILE__, line, "elr_el2");
    check_equal(sysregs->elr_el1, 0x40000100, __FILE__, line, "elr_el1");
    check_equal(sysregs->esr_el1, syndrome, __FILE__, line, "esr_el1");
    check_equal(sysregs->far_el1, sysregs->far_el2, __FILE__, line, "far_el1");
    check_equal(sysregs->spsr_el2, 0x3c5, __FILE__, line, "spsr_el2");
    sysregs->elr_el2 = 0x40000100;
    sysregs->esr_el1 = 0;
}

#define INJECTED(vector, syndrome) check_injected((vector), (syndrome), __LINE__)

TEST(aarch64_stores)
{
    boot();
    self->arch.x[5] = 0xffffffffffffff00 | 'q';
    CHECK_EQ(data_abort(0x09000000, store(0, 5)), RETURNED);
    SKIPPED();
    self->arch.x[30] = '\n';
    CHECK_EQ(data_abort(0x09000000, store(2, 30)), RETURNED);
    SKIPPED();
    CHECK_TEXT(fake_brief(), "[alpha] q\r\n");
    self->arch.x[3] = 0x1122334455667788;
    data_abort(0x08000400 + 40, store(2, 3)); /* priorities */
    SKIPPED();
    CHECK_EQ(*(uint32_t *)&vms[0].virq.shared[0].priority[8], 0x50607088);
    data_abort(0x08000400 + 40, store(2, 31)); /* wzr */
    CHECK_EQ(*(uint32_t *)&vms[0].virq.shared[0].priority[8], 0);
    CHECK_EQ(self->exits[EXIT_MMIO], 4);
}

TEST(aarch64_loads)
{
    static const struct {
        unsigned size;
        bool sign, wide;
        uint64_t result;
    } cases[] = {
        {0, false, false, 0xf8},
        {0, false, true, 0xf8},
        {0, true, false, 0xfffffff8},
        {0, true, true, 0xfffffffffffffff8},
        {1, false, false, 0x80f8},
        {1, false, true, 0x80f8},
        {1, true, false, 0xffff80f8},
        {1, true, true, 0xffffffffffff80f8},
        {2, false, false, 0x881080f8},
        {2, false, true, 0x881080f8},
        {2, true, true, 0xffffffff881080f8},
    };

    boot();
    self->arch.x[1] = 0x881080f8;
    data_abort(0x08000400 + 40, store(2, 1));
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sysregs->elr_el2 = 0x40000100;
        self->arch.x[7] = 0x5555555555555555;
        CHECK_EQ(data_abort(0x08000400 + 40, load(cases[i].size, 7, cases[i].sign, cases[i].wide)), RETURNED);
        SKIPPED();
        CHECK_EQ(self->arch.x[7], cases[i].result);
    }
}

TEST(aarch64_load_of_64_bits)
{
    boot();
    data_abort(GICR_VCPU0 + 0x40008, load(3, 9, false, true)); /* GICR_TYPER of vCPU 2 */
    SKIPPED();
    CHECK_EQ(self->arch.x[9], 0x0000000200000210);
    data_abort(GICR_VCPU0 + 0x40008, load(2, 9, false, false));
    CHECK_EQ(self->arch.x[9], 0x210);
}

TEST(aarch64_zero_register)
{
    boot();
    data_abort(0x09000018, load(2, 31, false, false));
    SKIPPED();
    CHECK_EQ(self->arch.x[31], 0);
    self->arch.x[31] = 0;
    data_abort(0x08000000, store(2, 31));
    CHECK_EQ(self->arch.x[31], 0);
}

TEST(aarch64_refused_accesses)
{
    boot();
    data_abort(0x09000002, load(1, 0, false, false)); /* between registers */
    INJECTED(0x200, (uint64_t)EC_DATA_SAME << 26 | ESR_IL | 0x10);
    data_abort(0x08000401, load(2, 0, false, false)); /* misaligned */
    INJECTED(0x200, (uint64_t)EC_DATA_SAME << 26 | ESR_IL | 0x10);
    data_abort(0x09000000, load(3, 0, false, false)); /* too wide */
    INJECTED(0x200, (uint64_t)EC_DATA_SAME << 26 | ESR_IL | 0x10);
    data_abort(0x0a003004, store(2, 0)); /* beside the doorbell */
    INJECTED(0x200, (uint64_t)EC_DATA_SAME << 26 | ESR_IL | ISS_WNR | 0x10);
}

/* By where the guest was: EL1 on the stack of EL0, EL1, EL0, EL0 in AArch32. */
TEST(aarch64_injection_vectors)
{
    static const struct {
        uint64_t from, vector, class;
    } cases[] = {{0x3c4, 0, EC_DATA_SAME},
                 {0x3c5, 0x200, EC_DATA_SAME},
                 {0, 0x400, EC_DATA_LOWER},
                 {0x10, 0x600, EC_DATA_LOWER}};

    boot();
    for (unsigned i = 0; i < 4; i++) {
        sysregs->spsr_el2 = cases[i].from;
        data_abort(0x09000002, load(1, 0, false, false));
        CHECK_EQ(sysregs->spsr_el1, cases[i].from);
        INJECTED(cases[i].vector, cases[i].class << 26 | ESR_IL | 0x10);
    }
}

TEST(aarch64_reports_what_is_not_its_own)
{
    boot();
    CHECK_EQ(data_abort(0x50002004, store(2, 0)), PARKED);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' vcpu 0: store of 4 bytes at 0x50002004: nothing is mapped there "
                             "(pc 0x40000100)\r\n"
                             "[bulkhead]   nearest: 'channels: news' 0x50000000-0x50001fff rw, crew.yaml:30\r\n"
                             "[bulkhead] vm 'alpha' stopped\r\n");
    CHECK_EQ(self->exits[EXIT_FAULT], 1);
}

TEST(aarch64_reports_high_addresses)
{
    boot();
    CHECK_EQ(data_abort(0xfffffffff0f8, load(3, 0, false, true)), PARKED);
    CHECK(strstr(fake_brief(), "load of 8 bytes at 0xfffffffff0f8: nothing") != NULL);
}

TEST(aarch64_reports_fetch)
{
    boot();
    sysregs->hpfar_el2 = 0x50000000 >> 12 << 4;
    sysregs->far_el2 = 0x50000ffc;
    CHECK_EQ(OUTCOME(trap_exception(self, (uint64_t)EC_FETCH_LOWER << 26 | ESR_IL | 0xf)), PARKED);
    CHECK_TEXT(fake_brief(), "[bulkhead] vm 'alpha' vcpu 0: instruction fetch at 0x50000ffc: 'channels: news' is rw "
                             "(pc 0x40000100)\r\n"
                             "[bulkhead]   place: 'channels: news' 0x50000000-0x50001fff rw, crew.yaml:30\r\n"
                             "[bulkhead] vm 'alpha' stopped\r\n");
}

/* The guest's own tables lie in a virtual device. */
TEST(aarch64_reports_table_walk)
{
    boot();
    CHECK_EQ(data_abort(0x09000000, load(3, 0, false, true) | ISS_S1PTW), PARKED);
    CHECK(strstr(fake_brief(), "vcpu 0: walk of its page tables at 0x9000000: 'console' is trapped") != NULL);
    CHECK_EQ(vm_state(&vms[0]), VM_ENDED);
}

TEST(aarch64_sgi_register)
{
    uint64_t iss = SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 5ul);

    boot();
    self->arch.x[17] = 3ul << 24 | 2;
    trap_exception(self, (uint64_t)EC_SYSREG << 26 | ESR_IL | iss | 17 << 5);
    SKIPPED();
    CHECK_EQ(vms[0].virq.private[1].pending, 1u << 3);
    trap_exception(self, (uint64_t)EC_SYSREG << 26 | ESR_IL | iss | 17 << 5 | 1); /* a read */
    INJECTED(0x200, ESR_IL);
    trap_exception(self, (uint64_t)EC_SYSREG << 26 | ESR_IL | SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 7ul) | 17 << 5);
    INJECTED(0x200, ESR_IL);
}

TEST(aarch64_anything_else_is_undefined)
{
    boot();
    for (uint64_t class = 0; class < 64; class ++) {
        if (class == EC_DATA_LOWER || class == EC_FETCH_LOWER || class == EC_SYSREG)
            continue;
        CHECK_EQ(OUTCOME(trap_exception(self, class << 26 | ESR_IL | 0x1ffffff)), RETURNED);
        INJECTED(0x200, ESR_IL);
    }
}

TEST(aarch64_serror)
{
    boot();
    CHECK_EQ(OUTCOME(trap_serror(self)), PARKED);
    CHECK_TEXT(fake_brief(),
               "[bulkhead] vm 'alpha' vcpu 0: an access that the bus has refused (SError) (pc 0x40000100)\r\n"
               "[bulkhead] vm 'alpha' stopped\r\n");
}

/* No syndrome and no address make it do more than answer, inject or report. */
TEST(aarch64_random_exceptions)
{
    static const uint64_t bases[] = {0x08000000, 0x08010000, 0x09000000, 0x0a003000,
                                     0x40000000, 0x50000000, 0x90000000};

    random_seed(0xaa64);
    fake_config()->vms[0].on_fault = (struct policy){ACTION_RESTART, 0, 0, ACTION_STOP};
    boot();
    for (unsigned i = 0; i < 30000; i++) {
        uint64_t ipa = bases[random_below(7)] + random_below(0x3000);
        uint64_t iss = random_word() & 0x1ffffff;
        enum outcome outcome;

        cpu_set_state(fake_cpu(0, 1), VCPU_ON);
        cpu_set_state(self, VCPU_ON);
        vms[0].state = VM_RUNNING;
        sysregs->elr_el2 = 0x40000100;
        sysregs->spsr_el2 = random_below(2) != 0 ? 0x3c5 : 0;
        fake_untranslated = random_below(8) == 0;
        fake_instruction = (uint32_t)random_word();
        if (random_below(4) != 0) {
            outcome = data_abort(ipa, iss);
        } else {
            uint64_t syndrome = random_word() & 0xffffffff;

            outcome = OUTCOME(trap_exception(self, syndrome));
        }
        fake_brief();
        CHECK(outcome == RETURNED || outcome == PARKED);
        CHECK_EQ(self->arch.x[31], 0);
        CHECK(outcome != RETURNED || sysregs->elr_el2 == 0x40000104 || sysregs->elr_el2 == 0x40008200 ||
              sysregs->elr_el2 == 0x40008400 || sysregs->elr_el2 == 0x40000102 ||
              (sysregs->elr_el2 == 0x40000100 && fake_untranslated));
        CHECK_EQ(vm_state(&vms[1]), VM_RUNNING);
    }
}

/* --- Interrupts --- */

TEST(aarch64_kick_is_an_event)
{
    boot();
    cpu_notify(self, EVENT_WAKE);
    trap_interrupt(self);
    CHECK_EQ(self->exits[EXIT_EVENT], 1);
    CHECK(!fake_is_active(self, 7));
    CHECK_EQ(self->events, 0);
}

TEST(aarch64_stop_event)
{
    boot();
    vm_end(&vms[0], "stopped");
    CHECK_EQ(OUTCOME(trap_interrupt(self)), PARKED);
    CHECK_EQ(cpu_state(self), VCPU_OFF);
}

TEST(aarch64_interrupt_for_console)
{
    boot();
    fake_fire(NULL, 33);
    fake_interrupts();
    CHECK(!fake_is_active(NULL, 33));
    CHECK_EQ(cpus[1].exits[EXIT_DEVICE], 1);
}

/* One that is another VM's, though it comes here, is shut off and leaves nothing behind. */
TEST(aarch64_interrupt_for_nobody)
{
    boot();
    irqchip_enable(self, 90, true);
    fake_fire(NULL, 90);
    fake_interrupts();
    CHECK(!fake_is_active(NULL, 90));
    CHECK(!fake_is_enabled(NULL, 90));
    irqchip_enable(self, 44, true);
    fake_fire(NULL, 44);
    fake_interrupts();
    CHECK(!fake_is_active(NULL, 44) && !fake_is_enabled(NULL, 44));
    CHECK_EQ(vms[1].virq.shared[0].pending | vms[0].virq.shared[0].pending, 0);
}

TEST(aarch64_panic)
{
    boot();
    sysregs->esr_el2 = 0x96000045;
    sysregs->far_el2 = 0x1234;
    CHECK_EQ(OUTCOME(trap_panic(0x11)), OFF);
    CHECK_TEXT(fake_screen(),
               "\r\n[bulkhead] hypervisor panic on cpu@100, running for vm 'alpha' vcpu 0: exception\r\n"
               "[bulkhead]     esr 96000045 far 1234 elr 40000100 sp 11 spsr 3c5 hcr 10003008038003b vttbr 40210000\r\n"
               "[bulkhead] the board is powered off\r\n");
    CHECK_EQ(fake_calls[fake_call_count - 1].function, PSCI_SYSTEM_OFF);
}

TEST(aarch64_panic_resets)
{
    fake_config()->on_panic = PANIC_RESET;
    boot();
    CHECK_EQ(OUTCOME(trap_panic(0x11)), OFF);
    CHECK_EQ(fake_calls[fake_call_count - 1].function, PSCI_SYSTEM_RESET);
}

/* While the first CPU boots there is no struct cpu yet. */
TEST(aarch64_panic_while_booting)
{
    boot();
    sysregs->tpidr_el2 = 0;
    CHECK_EQ(OUTCOME(trap_panic(0x11)), OFF);
    CHECK(strstr(fake_screen(), "[bulkhead] hypervisor panic on the boot CPU: exception\r\n") != NULL);
}

TEST(trap_takes_the_timer_of_the_hypervisor)
{
    boot();
    CHECK(fake_is_enabled(self, 26));
    sysregs->cntfrq_el0 = 2ul * PLAN_TIMEBASE;
    timer_set(self, TIMER_WATCHDOG, 3ul * PLAN_TIMEBASE + 7);
    CHECK_EQ(sysregs->cnthp_cval_el2, 6ul * PLAN_TIMEBASE + 15);
    CHECK_EQ(sysregs->cnthp_ctl_el2, 1);
    sysregs->cntpct_el0 = 6ul * PLAN_TIMEBASE + 15;
    fake_fire(self, 26);
    fake_interrupts();
    CHECK_EQ(sysregs->cnthp_ctl_el2, 0);
    CHECK(!fake_is_active(self, 26));
    CHECK_EQ(self->exits[EXIT_TIMER], 1);
    CHECK_EQ(self->exits[EXIT_DEVICE], 0);
}
