// SPDX-License-Identifier: Apache-2.0
/*
 * Reaching a guest's memory: the hypervisor's tables do not map it. Where it must be written, at a restart, a second constant
 * table is active that also maps the VM's memory and its pristine copies, virtual = physical, on this VM's CPU alone. One
 * word of it, an instruction, is read without any table (reach.S), so that a VM that is never restarted needs none.
 */
#include "arch/access.h"

#include "arch.h"
#include "arch/reach.h"
#include "arch/sysreg.h"
#include "cpu.h"
#include "vm.h"

#define FRAME_ALIGNMENT 16u      /* of the stack (AAPCS64), and the size of a frame record */
#define FRAME_MAX       0x10000u /* bytes; what is larger is no frame */
#define LINE            64u /* no longer than any cache line that is cleaned by it: cleaning one twice does no harm */

static void use_tables(uint64_t root)
{
    sysreg_write(ttbr0_el2, root);
    __asm__ volatile("isb\n\ttlbi alle2\n\tdsb nsh\n\tisb" ::: "memory");
}

void arch_clean(uint64_t address, size_t size)
{
    for (uint64_t line = address & ~(uint64_t)(LINE - 1); line < address + size; line += LINE)
        __asm__ volatile("dc cvac, %0" ::"r"(line) : "memory");
    __asm__ volatile("dsb sy" ::: "memory");
}

void arch_guest_fill(const struct vm *vm, const struct restore *restore)
{
    const uint64_t *from = (const uint64_t *)(uintptr_t)restore->source;
    uint64_t *to = (uint64_t *)(uintptr_t)restore->to;
    uint64_t *end = to + restore->size / sizeof(*to);

    use_tables(vm->config->restore_table);
    while (to != end)
        *to++ = from != NULL ? *from++ : 0;
    /* The guest starts with its caches off, and fetches what we have written as data. */
    for (uint64_t line = restore->to; line < restore->to + restore->size; line += LINE)
        __asm__ volatile("dc civac, %0" ::"r"(line) : "memory");
    __asm__ volatile("dsb sy\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    use_tables(PLAN_STAGE1);
}

/* The registers of the exception under way, which one in reach.S would overwrite. */
struct trap_state {
    uint64_t elr, spsr, esr, far, hpfar;
};

static struct trap_state save_trap(void)
{
    return (struct trap_state){sysreg_read(elr_el2), sysreg_read(spsr_el2), sysreg_read(esr_el2), sysreg_read(far_el2),
                               sysreg_read(hpfar_el2)};
}

static void restore_trap(const struct trap_state *state)
{
    sysreg_write(elr_el2, state->elr);
    sysreg_write(spsr_el2, state->spsr);
    sysreg_write(esr_el2, state->esr);
    sysreg_write(far_el2, state->far);
    sysreg_write(hpfar_el2, state->hpfar);
}

static uint64_t translated(uint64_t par, uint64_t address)
{
    return (par & PAR_ADDRESS) | (address & 0xfff);
}

bool guest_ipa(uint64_t address, uint64_t *ipa)
{
    struct trap_state state = save_trap();
    uint64_t par = reach_ipa(address);

    restore_trap(&state);
    *ipa = translated(par, address);
    return (par & PAR_FAILED) == 0;
}

bool guest_fetch(uint32_t *instruction)
{
    struct trap_state state = save_trap();
    uint64_t par = reach_phys(state.elr);
    uint64_t word = REACH_REFUSED;

    /* Stage 2 has said that the VM may read there, and no page of it holds what is not the VM's. */
    if ((par & PAR_FAILED) == 0 && (state.elr & 3) == 0)
        word = reach_word(translated(par, state.elr));
    restore_trap(&state);
    *instruction = (uint32_t)word;
    return word != REACH_REFUSED;
}

/* A 64-bit word of the guest's memory, aligned, with the guest's rights to read it. */
static bool read_word(const struct vm *vm, uint64_t address, uint64_t *word)
{
    uint64_t par = reach_ipa(address);
    uint64_t low = REACH_REFUSED;
    uint64_t high = REACH_REFUSED;

    /* Memory that holds code: a read of it does nothing else, as one of a device might. */
    if ((par & PAR_FAILED) == 0 && vm_may(vm, translated(par, address), 'x')) {
        par = reach_phys(address);
        if ((par & PAR_FAILED) == 0) {
            low = reach_word(translated(par, address));
            high = reach_word(translated(par, address) + 4);
        }
    }
    *word = high << 32 | (uint32_t)low;
    return low != REACH_REFUSED && high != REACH_REFUSED;
}

/*
 * A frame record holds the caller's frame pointer and the return address; x29 points at the one made last (AAPCS64, "The
 * Frame Pointer").
 */
uint32_t arch_guest_callers(const struct cpu *cpu, uint64_t *callers, uint32_t max)
{
    struct trap_state state = save_trap();
    uint64_t below = arch_guest_register(cpu, 31);
    uint64_t frame = cpu->arch.x[29];
    uint32_t count = 1;

    callers[0] = cpu->arch.x[30];
    /* Counted by steps: a guest can make each frame name the caller that is known already. */
    for (uint32_t step = 1; step < max && frame % FRAME_ALIGNMENT == 0 && frame - below < FRAME_MAX; step++) {
        uint64_t next;
        uint64_t caller;

        if (!read_word(cpu->vm, frame, &next) || !read_word(cpu->vm, frame + 8, &caller) || caller == 0)
            break;
        if (count > 1 || caller != callers[0]) {
            callers[count] = caller;
            count++;
        }
        below = frame + FRAME_ALIGNMENT;
        frame = next;
    }
    restore_trap(&state);
    return count;
}
