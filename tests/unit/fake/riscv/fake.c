// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

#include <stdlib.h>
#include <string.h>

#include "drivers.h"

struct fake_csrs fake_harts[PLAN_CPUS];
struct fake_csrs *csrs = &fake_harts[0];

static struct cpu *running = &cpus[0];

_Noreturn void trap_return(void)
{
    longjmp(fake_exit, ENTERED);
}

void fake_run_as(struct cpu *cpu)
{
    running = cpu;
    csrs = &fake_harts[cpu - cpus];
    csrs->sscratch = (ureg_t)cpu;
}

struct cpu *fake_running(void)
{
    return running;
}

void fake_boot(void)
{
    boot_prepare(config.cpus[0].id, 0);
    for (uint32_t i = 0; i < PLAN_CPUS; i++)
        fake_harts[i].hgatp = (ureg_t)cpus[i].vm->config->stage2;
    for (uint32_t i = 0; i < PLAN_VMS; i++)
        cpu_set_state(fake_cpu(i, 0), VCPU_ON);
    fake_run_as(fake_cpu(0, 0));
    fake_call_count = 0;
    fake_screen();
}

/* --- Firmware --- */

struct fake_call fake_calls[64];
unsigned fake_call_count;
struct sbi_result fake_answer;
struct sbi_result sbi_call(ureg_t extension, ureg_t function, ureg_t arg0, ureg_t arg1, ureg_t arg2, ureg_t arg3,
                           ureg_t arg4)
{
    const struct sbi_result success = {SBI_SUCCESS, 0};
    const struct sbi_result invalid = {SBI_INVALID_PARAM, 0};

    if (fake_call_count < sizeof(fake_calls) / sizeof(fake_calls[0]))
        fake_calls[fake_call_count] = (struct fake_call){extension, function, {arg0, arg1, arg2, arg3, arg4}};
    fake_call_count++;
    switch (extension) {
    case SBI_IPI:
        if (arg0 != 1 || fake_cpu_of_id(arg1) < 0)
            return invalid;
        fake_kicked[fake_cpu_of_id(arg1)] = true;
        return success;
    case SBI_SRST:
        longjmp(fake_exit, OFF);
    case SBI_HSM:
        return fake_cpu_of_id(arg0) < 0 ? invalid : success;
    case SBI_RFENCE:
    case SBI_BASE:
    case SBI_PMU:
        return fake_answer;
    default:
        return success;
    }
}

/* --- Guest memory --- */

struct fake_memory fake_memory[2];

static uint8_t *guest_byte(uint64_t ipa, bool write)
{
    for (unsigned i = 0; i < sizeof(fake_memory) / sizeof(fake_memory[0]); i++) {
        struct fake_memory *memory = &fake_memory[i];

        if (ipa - memory->ipa < memory->size && (memory->writable || !write))
            return &memory->bytes[ipa - memory->ipa];
    }
    return NULL;
}

/* As the hart does: the fix-up stands where the trap code looks, and a fault overwrites the trap's registers. */
static uint8_t *reach(ureg_t *fixup, ureg_t address, bool write)
{
    uint8_t *byte = guest_byte(address, write);

    if (fixup != &((struct cpu *)csrs->sscratch)->arch.fixup)
        abort();
    if (byte == NULL) {
        csrs->sepc = csrs->scause = csrs->stval = 0xdead;
        csrs->sstatus ^= SSTATUS_SPP;
        csrs->hstatus ^= HSTATUS_SPV;
    }
    return byte;
}

bool guest_read_byte(ureg_t *fixup, ureg_t address, uint8_t *byte);
bool guest_read_word(ureg_t *fixup, ureg_t address, ureg_t *word);
bool guest_write_byte(ureg_t *fixup, ureg_t address, uint8_t *byte);
bool guest_fetch_half(ureg_t *fixup, ureg_t address, uint16_t *half);

bool guest_read_byte(ureg_t *fixup, ureg_t address, uint8_t *byte)
{
    const uint8_t *there = reach(fixup, address, false);

    /* Guest-virtual is guest-physical, and the right is the guest kernel's. */
    if (csrs->vsatp != 0 || (csrs->hstatus & HSTATUS_SPVP) == 0)
        abort();
    if (there != NULL)
        *byte = *there;
    return there != NULL;
}

/* Through the guest's own translation, which here changes nothing. */
bool guest_read_word(ureg_t *fixup, ureg_t address, ureg_t *word)
{
    const uint8_t *first = reach(fixup, address, false);
    const uint8_t *last = first != NULL ? reach(fixup, address + sizeof(*word) - 1, false) : NULL;

    if (last != NULL)
        memcpy(word, first, sizeof(*word));
    return last != NULL;
}

bool guest_write_byte(ureg_t *fixup, ureg_t address, uint8_t *byte)
{
    uint8_t *there = reach(fixup, address, true);

    if (csrs->vsatp != 0 || (csrs->hstatus & HSTATUS_SPVP) == 0)
        abort();
    if (there != NULL)
        *there = *byte;
    return there != NULL;
}

bool guest_fetch_half(ureg_t *fixup, ureg_t address, uint16_t *half)
{
    const uint8_t *low = reach(fixup, address, false);
    const uint8_t *high = low != NULL ? reach(fixup, address + 1, false) : NULL;

    if (high != NULL)
        *half = (uint16_t)(*high << 8 | *low);
    return high != NULL;
}

void guest_fill(ureg_t address, const void *source, ureg_t size);

void guest_fill(ureg_t address, const void *source, ureg_t size)
{
    if (csrs->vsatp != 0 || (csrs->hstatus & HSTATUS_SPVP) == 0 || size % 8 != 0)
        abort();
    for (ureg_t i = 0; i < size; i++)
        *guest_byte(address + i, true) = source != NULL ? ((const uint8_t *)source)[i] : 0;
}

/* --- entry.S --- */

const uint8_t __build_id_start[20] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff};
bool fake_no_hypervisor;

void hart_start(void);
bool probe_hypervisor(void);

void hart_start(void)
{
}

bool probe_hypervisor(void)
{
    return !fake_no_hypervisor;
}

/* --- Calls of a guest --- */

static void prepare_call(struct cpu *cpu, ureg_t extension, ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2)
{
    fake_run_as(cpu);
    cpu->arch.x[10] = a0;
    cpu->arch.x[11] = a1;
    cpu->arch.x[12] = a2;
    cpu->arch.x[16] = function;
    cpu->arch.x[17] = extension;
}

struct sbi_result guest_call(struct cpu *cpu, ureg_t extension, ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2)
{
    prepare_call(cpu, extension, function, a0, a1, a2);
    trap_call(cpu);
    return (struct sbi_result){(long)cpu->arch.x[10], cpu->arch.x[11]};
}

enum outcome guest_call_outcome(struct cpu *cpu, ureg_t extension, ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2)
{
    prepare_call(cpu, extension, function, a0, a1, a2);
    return OUTCOME(trap_call(cpu));
}
