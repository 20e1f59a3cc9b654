// SPDX-License-Identifier: Apache-2.0
/*
 * Reaching a guest's memory without mapping it: HLV and HSV go through its own translation, so that stage 2 checks what it
 * may. A fault goes on at the fix-up, and the CSRs of the trap under way, which it overwrites, are put back.
 */
#include "arch.h"
#include "arch/access.h"
#include "arch/csr.h"
#include "cpu.h"

#define FRAME_ALIGNMENT 16u      /* of the stack (RISC-V ELF psABI, "Procedure Calling Convention") */
#define FRAME_MAX       0x10000u /* bytes; what is larger is no frame */

/* trap.S: the first argument is where the trap code looks for the fix-up. False: it faulted. */
typedef bool byte_access(ureg_t *fixup, ureg_t address, uint8_t *byte);
extern byte_access guest_read_byte;
extern byte_access guest_write_byte;
extern bool guest_read_word(ureg_t *fixup, ureg_t address, ureg_t *word);
extern bool guest_fetch_half(ureg_t *fixup, ureg_t address, uint16_t *half);

extern void guest_fill(ureg_t address, const void *source, ureg_t size); /* trap.S */

struct trap_state {
    ureg_t sepc, sstatus, hstatus, scause, stval;
};

static struct trap_state save_trap(void)
{
    return (struct trap_state){csr_read(sepc), csr_read(sstatus), csr_read(hstatus), csr_read(scause), csr_read(stval)};
}

static void restore_trap(const struct trap_state *state)
{
    csr_write(sepc, state->sepc);
    csr_write(sstatus, state->sstatus);
    csr_write(hstatus, state->hstatus);
    csr_write(scause, state->scause);
    csr_write(stval, state->stval);
}

struct cpu *arch_this_cpu(void)
{
    return (struct cpu *)csr_read(sscratch);
}

/* With vsatp = 0 guest-virtual is guest-physical. */
static bool access_byte(byte_access *access, uint64_t ipa, uint8_t *byte)
{
    struct trap_state state = save_trap();
    ureg_t vsatp = csr_read(vsatp);
    bool done;

    if (ipa != (ureg_t)ipa)
        return false;
    csr_write(vsatp, 0);
    csr_set(hstatus, HSTATUS_SPVP);
    done = access(&arch_this_cpu()->arch.fixup, (ureg_t)ipa, byte);
    csr_write(vsatp, vsatp);
    restore_trap(&state);
    return done;
}

bool arch_guest_read(uint64_t ipa, uint8_t *byte)
{
    return access_byte(guest_read_byte, ipa, byte);
}

bool arch_guest_write(uint64_t ipa, uint8_t byte)
{
    return access_byte(guest_write_byte, ipa, &byte);
}

void arch_guest_fill(const struct vm *vm, const struct restore *restore)
{
    (void)vm;
    csr_write(vsatp, 0);
    csr_set(hstatus, HSTATUS_SPVP);
    guest_fill((ureg_t)restore->ipa, (const void *)(uintptr_t)restore->source, (ureg_t)restore->size);
}

/* Caches of RISC-V cores keep what they hold over a warm reset, or are written back by it. */
void arch_clean(uint64_t address, size_t size)
{
    (void)address;
    (void)size;
    __asm__ volatile("fence rw, rw" ::: "memory");
}

bool guest_fetch(uint32_t *instruction)
{
    struct trap_state state = save_trap();
    ureg_t *fixup = &arch_this_cpu()->arch.fixup;
    uint16_t low = 0;
    uint16_t high = 0;
    bool done = guest_fetch_half(fixup, state.sepc, &low);

    if (done && (low & 3) == 3)
        done = guest_fetch_half(fixup, state.sepc + 2, &high);
    restore_trap(&state);
    *instruction = (uint32_t)high << 16 | low;
    return done;
}

/* A frame may begin (its highest address) at `frame`, above another or the stack pointer. */
static bool is_frame(ureg_t frame, ureg_t below)
{
    return frame % FRAME_ALIGNMENT == 0 && frame - below - 1 < FRAME_MAX;
}

/*
 * A function that keeps a frame pointer stores the return address and its caller's frame pointer in the two words below
 * its own; one that calls nothing stores the frame pointer alone, in the upper one (RISC-V ELF psABI, "Frame Pointer
 * Convention"). The words are read as the guest would read them, through its own translation and with its rights.
 */
uint32_t arch_guest_callers(const struct cpu *cpu, uint64_t *callers, uint32_t max)
{
    struct trap_state state = save_trap();
    ureg_t *fixup = &arch_this_cpu()->arch.fixup;
    ureg_t below = cpu->arch.x[2];
    ureg_t frame = cpu->arch.x[8];
    uint32_t count = 1;

    callers[0] = cpu->arch.x[1];
    /* Counted by steps: a guest can make each frame name the caller that is known already. */
    for (uint32_t step = 1; step < max && is_frame(frame, below); step++) {
        ureg_t upper;
        ureg_t lower;

        if (!guest_read_word(fixup, frame - sizeof(ureg_t), &upper) ||
            !guest_read_word(fixup, frame - 2 * sizeof(ureg_t), &lower))
            break;
        below = frame;
        if (count == 1 && is_frame(upper, frame)) {
            frame = upper;
        } else {
            if (upper == 0)
                break;
            if (count > 1 || upper != callers[0]) {
                callers[count] = upper;
                count++;
            }
            frame = lower;
        }
    }
    restore_trap(&state);
    return count;
}
