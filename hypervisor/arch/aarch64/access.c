// SPDX-License-Identifier: Apache-2.0
/*
 * Reaching a guest's memory: the hypervisor's tables do not map it. Where it must be written, at a restart, a second constant
 * table is active that also maps the VM's memory and its pristine copies, virtual = physical, on this VM's CPU alone.
 */
#include "arch.h"
#include "arch/sysreg.h"
#include "cpu.h"
#include "vm.h"

#define LINE 64u /* no longer than any cache line that is cleaned by it: cleaning one twice does no harm */

static void use_tables(uint64_t root)
{
    sysreg_write(ttbr0_el2, root);
    __asm__ volatile("isb\n\ttlbi alle2\n\tdsb nsh\n\tisb" ::: "memory");
}

void arch_guest_fill(const struct vm *vm, const struct restore *restore)
{
    const uint64_t *from = (const uint64_t *)(uintptr_t)restore->source;
    uint64_t *to = (uint64_t *)(uintptr_t)restore->phys;
    uint64_t *end = to + restore->size / sizeof(*to);

    use_tables(vm->config->restore_table);
    while (to != end)
        *to++ = from != NULL ? *from++ : 0;
    /* The guest starts with its caches off, and fetches what we have written as data. */
    for (uint64_t line = restore->phys; line < restore->phys + restore->size; line += LINE)
        __asm__ volatile("dc civac, %0" ::"r"(line) : "memory");
    __asm__ volatile("dsb sy\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    use_tables(PLAN_STAGE1);
}
