// SPDX-License-Identifier: Apache-2.0
/* Accesses that the syndrome does not describe, and faults that are no question of who may what. */
#include <string.h>

#include "arch/reach.h"
#include "check.h"
#include "drivers.h"
#include "fake.h"

#define PRIORITIES 0x08000428u /* of alpha's distributor: shared interrupts 40 to 43 */
#define FAULT_3    7u          /* translation fault, level 3 */

static struct cpu *self;

static uint8_t *priority(void)
{
    return &vms[0].virq.shared[0].priority[8];
}

static void boot(void)
{
    fake_boot();
    self = fake_cpu(0, 0);
    sysregs->elr_el2 = 0xffff000040000100;
    sysregs->spsr_el2 = 0x3c5;
    sysregs->vbar_el1 = 0x40008000;
    fake_virtual = 0xffff000000000000;
}

/* The guest executes `instruction`, which stage 2 stops at an IPA, reached by virtual address. */
static enum outcome execute(uint32_t instruction, uint64_t ipa, uint64_t iss)
{
    fake_instruction = instruction;
    sysregs->hpfar_el2 = ipa >> 12 << 4;
    sysregs->far_el2 = fake_virtual + ipa;
    return OUTCOME(trap_exception(self, (uint64_t)EC_DATA_LOWER << 26 | ESR_IL | FAULT_3 | iss));
}

#define SKIPPED()                                       \
    do {                                                \
        CHECK_EQ(sysregs->elr_el2, 0xffff000040000104); \
        CHECK_EQ(fake_fetched, 0x40000100);             \
        sysregs->elr_el2 = 0xffff000040000100;          \
    } while (0)

#define INJECTED(fault)                                                                         \
    do {                                                                                        \
        CHECK_EQ(sysregs->elr_el2, 0x40008200);                                                 \
        CHECK_EQ(sysregs->elr_el1, 0xffff000040000100);                                         \
        CHECK_EQ(sysregs->esr_el1 & ~ISS_WNR, (uint64_t)EC_DATA_SAME << 26 | ESR_IL | (fault)); \
        CHECK_EQ(sysregs->far_el1, sysregs->far_el2);                                           \
        sysregs->elr_el2 = 0xffff000040000100;                                                  \
    } while (0)

TEST(aarch64_store_with_write_back)
{
    boot();
    self->arch.x[1] = 0x50607080;
    self->arch.x[2] = fake_virtual + PRIORITIES;
    execute(0xb8004441, PRIORITIES, ISS_WNR); /* str w1, [x2], #4 */
    SKIPPED();
    CHECK_EQ(*(uint32_t *)priority(), 0x50607080);
    CHECK_EQ(self->arch.x[2], fake_virtual + PRIORITIES + 4);
    self->arch.x[1] = 0x90;
    execute(0x381fcc41, PRIORITIES, ISS_WNR); /* strb w1, [x2, #-4]! */
    SKIPPED();
    CHECK_EQ(*(uint32_t *)priority(), 0x50607090);
    CHECK_EQ(self->arch.x[2], fake_virtual + PRIORITIES);
    execute(0xb800445f, PRIORITIES, ISS_WNR); /* str wzr, [x2], #4 */
    SKIPPED();
    CHECK_EQ(*(uint32_t *)priority(), 0);
    CHECK_EQ(self->exits[EXIT_MMIO], 3);
}

TEST(aarch64_load_with_write_back)
{
    boot();
    *(uint32_t *)priority() = 0x881080f8;
    self->arch.x[2] = fake_virtual + PRIORITIES;
    execute(0xb8404441, PRIORITIES, 0); /* ldr w1, [x2], #4 */
    SKIPPED();
    CHECK_EQ(self->arch.x[1], 0x881080f8);
    execute(0xb89fcc43, PRIORITIES, 0); /* ldrsw x3, [x2, #-4]! */
    SKIPPED();
    CHECK_EQ(self->arch.x[3], 0xffffffff881080f8);
    execute(0x38c01443, PRIORITIES, 0); /* ldrsb w3, [x2], #1 */
    SKIPPED();
    CHECK_EQ(self->arch.x[3], 0xfffffff8);
    self->arch.x[2] = fake_virtual + PRIORITIES;
    execute(0x3840145f, PRIORITIES, 0); /* ldrb wzr, [x2], #1 */
    SKIPPED();
    CHECK_EQ(self->arch.x[31], 0);
    CHECK_EQ(self->arch.x[2], fake_virtual + PRIORITIES + 1);
}

/* The stack pointer is that of the level and of PSTATE.SP. */
TEST(aarch64_write_back_of_the_stack_pointer)
{
    static const uint64_t modes[] = {0x3c5, 0x3c4, 0x3c0};

    boot();
    for (unsigned i = 0; i < 3; i++) {
        unsigned long *sp = i == 0 ? &sysregs->sp_el1 : &sysregs->sp_el0;

        sysregs->spsr_el2 = modes[i];
        sysregs->sp_el0 = sysregs->sp_el1 = 0;
        *sp = fake_virtual + PRIORITIES + 16;
        self->arch.x[1] = i + 1;
        execute(0xb81f0fe1, PRIORITIES, ISS_WNR); /* str w1, [sp, #-16]! */
        SKIPPED();
        CHECK_EQ(*sp, fake_virtual + PRIORITIES);
        CHECK_EQ(*(uint32_t *)priority(), (i + 1) & 0xf8);
    }
}

TEST(aarch64_pairs)
{
    boot();
    self->arch.x[1] = 0x10203040;
    self->arch.x[3] = 0x50607080;
    self->arch.x[2] = fake_virtual + PRIORITIES;
    execute(0x29000c41, PRIORITIES, ISS_WNR); /* stp w1, w3, [x2] */
    SKIPPED();
    CHECK_EQ(*(uint32_t *)priority(), 0x10203040);
    CHECK_EQ(*(uint32_t *)(priority() + 4), 0x50607080);
    self->arch.x[1] = self->arch.x[3] = 0;
    execute(0x28c10c41, PRIORITIES, 0); /* ldp w1, w3, [x2], #8 */
    SKIPPED();
    CHECK_EQ(self->arch.x[1], 0x10203040);
    CHECK_EQ(self->arch.x[3], 0x50607080);
    CHECK_EQ(self->arch.x[2], fake_virtual + PRIORITIES + 8);
}

/* The second half of the pair is refused: the abort is the guest's, no register changes. */
TEST(aarch64_pair_that_the_device_refuses)
{
    boot();
    self->arch.x[1] = self->arch.x[3] = 0x1111;
    self->arch.x[2] = fake_virtual + 0x0900001c;
    execute(0xa8c10c41, 0x0900001c, 0); /* ldp x1, x3, [x2], #16 */
    INJECTED(FAULT_EXTERNAL);
    CHECK_EQ(self->arch.x[1], 0x1111);
    CHECK_EQ(self->arch.x[3], 0x1111);
    CHECK_EQ(self->arch.x[2], fake_virtual + 0x0900001c);
    self->arch.x[2] = fake_virtual + 0x08000ffc;
    execute(0x28c10c41, 0x08000ffc, 0); /* the other half lies in the next page, which may be another's */
    INJECTED(FAULT_EXTERNAL);
}

/* Another vCPU has rewritten the instruction, or its page is gone: nothing is done that the guest did not ask for. */
TEST(aarch64_instruction_that_is_another_by_now)
{
    boot();
    *(uint32_t *)priority() = 0x10;
    self->arch.x[1] = 0x50;
    self->arch.x[2] = fake_virtual + PRIORITIES + 4;
    execute(0xb8004441, PRIORITIES, ISS_WNR); /* another address */
    INJECTED(FAULT_EXTERNAL);
    self->arch.x[2] = fake_virtual + PRIORITIES;
    execute(0xb8404441, PRIORITIES, ISS_WNR); /* a load */
    INJECTED(FAULT_EXTERNAL);
    execute(0xd503201f, PRIORITIES, ISS_WNR); /* nop */
    INJECTED(FAULT_EXTERNAL);
    fake_untranslated = true;
    execute(0xb8004441, PRIORITIES, ISS_WNR);
    INJECTED(FAULT_EXTERNAL);
    fake_untranslated = false;
    fake_boot();
    CHECK_EQ(*(uint32_t *)priority() & 0xff, 0x10);
}

TEST(aarch64_fetch_that_the_bus_refuses)
{
    boot();
    self->arch.x[2] = fake_virtual + PRIORITIES;
    fake_instruction = REACH_REFUSED;
    sysregs->hpfar_el2 = PRIORITIES >> 12 << 4;
    sysregs->far_el2 = fake_virtual + PRIORITIES;
    trap_exception(self, (uint64_t)EC_DATA_LOWER << 26 | ESR_IL | FAULT_3);
    INJECTED(FAULT_EXTERNAL);
}

TEST(aarch64_exclusives_vectors_and_cache_lines)
{
    boot();
    self->arch.x[1] = fake_virtual + PRIORITIES;
    execute(0x885f7c20, PRIORITIES, 0); /* ldxr w0, [x1] */
    INJECTED(FAULT_EXCLUSIVE);
    execute(0x3c810420, PRIORITIES, ISS_WNR); /* str q0, [x1], #16 */
    INJECTED(FAULT_EXTERNAL);
    execute(0xd50b7421, PRIORITIES, ISS_WNR); /* dc zva, x1 */
    INJECTED(FAULT_EXTERNAL);
    fake_fetched = 0x40000100;
    execute(0xd50b7e21, PRIORITIES, ISS_WNR | ISS_CM); /* dc civac, x1: a device has no cache */
    SKIPPED();
}

/* Of a program in AArch32 nothing is decoded; what the syndrome describes works, and its state moves on. */
TEST(aarch64_programs_in_aarch32)
{
    uint64_t load = ISS_ISV | 2ul << 22 | 3ul << 16;

    boot();
    *(uint32_t *)priority() = 0x88;
    fake_virtual = 0;
    sysregs->elr_el2 = 0x8000;
    sysregs->spsr_el2 = 0x10;
    execute(0, PRIORITIES, load);
    CHECK_EQ(sysregs->elr_el2, 0x8004);
    CHECK_EQ(self->arch.x[3], 0x88);
    /* Thumb, 2 bytes, in an IT block whose state is 0b01010110: three more follow, then 0b01001100. */
    sysregs->spsr_el2 = 0x30 | (0x56ul & 0xfc) << 8 | (0x56ul & 3) << 25;
    sysregs->far_el2 = PRIORITIES;
    trap_exception(self, (uint64_t)EC_DATA_LOWER << 26 | FAULT_3 | load);
    CHECK_EQ(sysregs->elr_el2, 0x8006);
    CHECK_EQ(sysregs->spsr_el2, 0x30 | (0x4cul & 0xfc) << 8 | (0x4cul & 3) << 25);
    /* The last one of a block. */
    sysregs->spsr_el2 = 0x30 | (0x58ul & 0xfc) << 8;
    trap_exception(self, (uint64_t)EC_DATA_LOWER << 26 | FAULT_3 | load);
    CHECK_EQ(sysregs->spsr_el2, 0x30);
    sysregs->elr_el2 = 0x8000;
    execute(0xb8004441, PRIORITIES, ISS_WNR);
    CHECK_EQ(sysregs->elr_el2, 0x40008600);
    CHECK_EQ(sysregs->esr_el1, (uint64_t)EC_DATA_LOWER << 26 | ESR_IL | ISS_WNR | FAULT_EXTERNAL);
}

/* A debugger in the guest steps over the access: the step is made. */
TEST(aarch64_single_step)
{
    boot();
    sysregs->spsr_el2 = 0x3c5 | SPSR_STEP;
    fake_fetched = 0x40000100;
    execute(0, PRIORITIES, ISS_ISV | 2ul << 22);
    SKIPPED();
    CHECK_EQ(sysregs->spsr_el2, 0x3c5);
}

/* PSTATE of the handler, as AArch64.TakeException makes it. */
TEST(aarch64_injected_state)
{
    boot();
    sysregs->spsr_el2 = 0x600003c5;
    trap_exception(self, (uint64_t)EC_UNKNOWN << 26 | ESR_IL);
    CHECK_EQ(sysregs->spsr_el2, 0x600003c5);
    CHECK_EQ(sysregs->spsr_el1, 0x600003c5);
    sysregs->id_aa64mmfr1_el1 = 1ul << 20; /* PAN is there, and set because SCTLR_EL1.SPAN is 0 */
    sysregs->sctlr_el1 = 0;
    sysregs->spsr_el2 = 0x5;
    trap_exception(self, (uint64_t)EC_UNKNOWN << 26 | ESR_IL);
    CHECK_EQ(sysregs->spsr_el2, 0x3c5 | SPSR_PAN);
    sysregs->sctlr_el1 = SCTLR_SPAN;
    sysregs->spsr_el2 = 0x5;
    trap_exception(self, (uint64_t)EC_UNKNOWN << 26 | ESR_IL);
    CHECK_EQ(sysregs->spsr_el2, 0x3c5);
}

/* HPFAR_EL2 says nothing of a lack of permission: the guest's own translation does. */
TEST(aarch64_permission_faults)
{
    boot();
    sysregs->hpfar_el2 = 0x123450;
    sysregs->far_el2 = fake_virtual + 0x50000008;
    CHECK_EQ(OUTCOME(trap_exception(self, (uint64_t)EC_FETCH_LOWER << 26 | ESR_IL | 0xf)), PARKED);
    CHECK(strstr(fake_brief(), "instruction fetch at 0x50000008: 'channels: news' is rw (pc 0xffff000040000100)") !=
          NULL);
}

/* Another vCPU has changed the translation meanwhile: the guest tries again. */
TEST(aarch64_permission_fault_of_what_is_gone)
{
    boot();
    fake_untranslated = true;
    CHECK_EQ(OUTCOME(trap_exception(self, (uint64_t)EC_FETCH_LOWER << 26 | ESR_IL | 0xf)), RETURNED);
    CHECK_EQ(sysregs->elr_el2, 0xffff000040000100);
    CHECK_EQ(OUTCOME(trap_exception(self, (uint64_t)EC_DATA_LOWER << 26 | ESR_IL | ISS_WNR | 0xf)), RETURNED);
    CHECK_EQ(sysregs->elr_el2, 0xffff000040000100);
    CHECK_EQ(vm_state(&vms[0]), VM_RUNNING);
}

TEST(aarch64_walk_of_the_guests_own_tables)
{
    boot();
    sysregs->hpfar_el2 = 0x90000000 >> 12 << 4;
    sysregs->far_el2 = 0x18;
    CHECK_EQ(OUTCOME(trap_exception(self, (uint64_t)EC_FETCH_LOWER << 26 | ESR_IL | ISS_S1PTW | 6)), PARKED);
    CHECK(strstr(fake_brief(), "walk of its page tables at 0x90000018: nothing is mapped there") != NULL);
}

TEST(aarch64_bus_errors)
{
    static const struct {
        uint64_t fault;
        const char *what;
    } cases[] = {
        {0x10, "an access that the bus has refused (pc"},
        {0x13, "an access whose translation the bus has refused (pc"},
        {0x17, "an access whose translation the bus has refused (pc"},
        {0x18, "an access that the bus has refused (pc"},
        {0x30, "an access to what its own tables map twice (pc"},
        {0x34, "an exclusive or atomic access to what takes none (pc"},
        {0x35, "an exclusive or atomic access to what takes none (pc"},
    };

    for (volatile unsigned i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t class = i % 2 != 0 ? EC_FETCH_LOWER : EC_DATA_LOWER;

        boot();
        CHECK_EQ(OUTCOME(trap_exception(self, class << 26 | ESR_IL | cases[i / 2].fault)), PARKED);
        CHECK(strstr(fake_brief(), cases[i / 2].what) != NULL);
        CHECK_EQ(vm_state(&vms[0]), VM_ENDED);
        CHECK_EQ(vm_state(&vms[1]), VM_RUNNING);
    }
}
