// SPDX-License-Identifier: Apache-2.0
/* From the firmware to the first instruction of a vCPU, and back to it at a restart. */
#include <string.h>

#include "arch.h"
#include "check.h"
#include "fake.h"

TEST(aarch64_starts_the_others)
{
    fake_boot();
    fake_run_as(&cpus[2]);
    boot_start_others(&cpus[2]);
    CHECK_EQ(fake_call_count, 3);
    CHECK_EQ(fake_calls[0].function, PSCI_CPU_ON);
    CHECK_EQ(fake_calls[2].args[0], 0x101);
    CHECK_EQ(fake_calls[2].args[2], (uintptr_t)&cpus[3]);
}

TEST(aarch64_missing_cpu)
{
    fake_absent[0] = true;
    fake_cpus[0].mpidr_el1 = 0x80000100;
    fake_cpus[0].cntfrq_el0 = PLAN_TIMEBASE;
    CHECK_EQ(boot_prepare(0), &cpus[2]);
    CHECK_TEXT(fake_screen(), "[bulkhead] cpu@0 (MPIDR 0) is missing: vm 'alpha' vcpu 1 will not run\r\n");
    CHECK_EQ(cpu_state(&cpus[0]), VCPU_MISSING);
}

TEST(aarch64_unplanned_boot_cpu)
{
    fake_cpus[0].mpidr_el1 = 0x80000200;
    fake_cpus[0].cntfrq_el0 = PLAN_TIMEBASE;
    CHECK_EQ(boot_prepare(0), NULL);
}

static void spin_table(void)
{
    for (unsigned i = 0; i < PLAN_CPUS; i++)
        fake_config()->cpus[i].release = 0xd8 + 8 * i;
}

/* Nobody answers PSCI there: an SMC would be undefined. */
TEST(aarch64_spin_table)
{
    spin_table();
    fake_absent[1] = true; /* nobody knows before it has come */
    fake_cpus[0].mpidr_el1 = 0x80000000;
    fake_cpus[0].cntfrq_el0 = PLAN_TIMEBASE;
    CHECK_EQ(boot_prepare(0), &cpus[0]);
    CHECK(cpu_state(&cpus[1]) != VCPU_MISSING);
    boot_start_others(&cpus[0]);
    CHECK_EQ(fake_releases[0xd8 / 8], 0);
    for (unsigned i = 1; i < PLAN_CPUS; i++)
        CHECK_EQ(fake_releases[0xd8 / 8 + i], (uintptr_t)&cpu_start_spin);
    CHECK(strstr(fake_assembly_done(), "sev") != NULL);
    CHECK_EQ(OUTCOME(arch_system_off(true)), PARKED);
    CHECK_EQ(OUTCOME(boot_leave()), PARKED);
    CHECK_EQ(fake_call_count, 0);
    CHECK_TEXT(fake_screen(), "");
}

TEST(aarch64_boot_cpu_that_is_not_planned_leaves)
{
    CHECK_EQ(OUTCOME(boot_leave()), PARKED);
    CHECK_EQ(fake_call_count, 1);
    CHECK_EQ(fake_calls[0].function, PSCI_CPU_OFF);
}

TEST(aarch64_missing_memory)
{
    CHECK_EQ(OUTCOME(boot_prepare(0x7ffffff8)), OFF);
    CHECK_TEXT(fake_screen(),
               "[bulkhead] no memory at 0x7ffffff8, which the plan uses: this board has less than board 'bench' "
               "says\r\n");
}

TEST(aarch64_first_vcpu)
{
    fake_boot();
    CHECK_EQ(sysregs->vttbr_el2, 0x40210000);
    CHECK_EQ(sysregs->vtcr_el2, PLAN_VTCR);
    CHECK_EQ(sysregs->vmpidr_el2, 0x80000000);
    CHECK_EQ(fake_cpus[3].vmpidr_el2, 0x80000002);
    CHECK_EQ(fake_cpus[1].vttbr_el2, 0x40220000);
    CHECK_EQ(sysregs->elr_el2, 0x40000000);
    CHECK_EQ(sysregs->spsr_el2, 0x3c5);
    CHECK_EQ(sysregs->sctlr_el1 & 0x1005, 0); /* MMU and caches off */
    CHECK_EQ(fake_cpu(0, 0)->arch.x[0], 0x40ff0000);
    CHECK_EQ(cpu_state(fake_cpu(0, 0)), VCPU_ON);
    CHECK_EQ(cpu_state(fake_cpu(0, 1)), VCPU_OFF);
    CHECK_EQ(cpu_state(fake_cpu(1, 0)), VCPU_ON);
    CHECK_EQ(fake_cpu(1, 0)->arch.x[0], 0); /* no device tree */
}

/* QEMU shows none of it, real caches do: what was written is cleaned to memory, and no stale instruction stays. */
TEST(aarch64_restored_memory_is_clean)
{
    static _Alignas(64) uint64_t memory[32];
    static const uint64_t pristine[32] = {1, 2, 3, [31] = 9};
    struct restore restore = {.ipa = 0x40000000,
                              .size = sizeof(memory),
                              .source = (uint64_t)(uintptr_t)pristine,
                              .to = (uint64_t)(uintptr_t)memory};
    static const char tables[] = "\"isb\\n\\ttlbi alle2\\n\\tdsb nsh\\n\\tisb\" ::: \"memory\"\n";
    static const char line[] = "\"dc civac, %0\" ::\"r\"(line) : \"memory\"\n";
    char expected[1024];

    fake_boot();
    arch_guest_fill(&vms[0], &restore);
    CHECK_EQ(memcmp(memory, pristine, sizeof(memory)), 0);
    strcpy(expected, tables);
    for (unsigned i = 0; i < sizeof(memory) / 64; i++)
        strcat(expected, line);
    strcat(expected, "\"dsb sy\\n\\tic ialluis\\n\\tdsb ish\\n\\tisb\" ::: \"memory\"\n");
    strcat(expected, tables);
    CHECK_TEXT(fake_assembly_done(), expected);
    CHECK_EQ(sysregs->ttbr0_el2, PLAN_STAGE1);
    restore.source = 0;
    arch_guest_fill(&vms[0], &restore);
    for (unsigned i = 0; i < 32; i++)
        CHECK_EQ(memory[i], 0);
}
