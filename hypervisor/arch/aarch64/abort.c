// SPDX-License-Identifier: Apache-2.0
/*
 * Accesses that stage 2 stopped. Most are for a virtual device and described by the syndrome; the rest are decoded, given back
 * to the guest as an abort of its own, or end in a report. Source of codes: DDI 0487, D24.2.40 (ESR_EL2), D1.3 (exceptions).
 */
#include "arch/abort.h"

#include "arch.h"
#include "arch/access.h"
#include "arch/decode.h"
#include "arch/sysreg.h"
#include "cpu.h"
#include "vm.h"

/*
 * Let the guest take a synchronous exception at EL1, as the hardware does it (DDI 0487, AArch64.TakeException), by hand.
 */
static void inject(uint64_t syndrome, uint64_t address)
{
    uint64_t before = sysreg_read(spsr_el2);
    uint64_t mode = before & SPSR_MODE;
    uint64_t vector = before & SPSR_AARCH32 ? 0x600 : mode == 5 ? 0x200 : mode == 4 ? 0 : 0x400;
    bool has_pan = (sysreg_read(id_aa64mmfr1_el1) >> 20 & 0xf) != 0;
    uint64_t pan = has_pan && (sysreg_read(sctlr_el1) & SCTLR_SPAN) == 0 ? SPSR_PAN : before & SPSR_PAN;

    sysreg_write(esr_el1, syndrome);
    sysreg_write(far_el1, address);
    sysreg_write(elr_el1, sysreg_read(elr_el2));
    sysreg_write(spsr_el1, before);
    sysreg_write(elr_el2, sysreg_read(vbar_el1) + vector);
    sysreg_write(spsr_el2, SPSR_EL1H_MASKED | (before & SPSR_FLAGS) | pan);
}

void guest_undefined(void)
{
    inject((uint64_t)EC_UNKNOWN << 26 | ESR_IL, sysreg_read(far_el2));
}

/* A synchronous abort: what a bus answers that has no such register. */
static void inject_abort(uint64_t syndrome, uint64_t fault)
{
    uint64_t from_el0 = (sysreg_read(spsr_el2) & SPSR_MODE) == 0;
    uint64_t class = from_el0 ? EC_DATA_LOWER : EC_DATA_SAME;

    inject(class << 26 | (syndrome & (ESR_IL | ISS_WNR)) | fault, sysreg_read(far_el2));
}

/* An AArch32 instruction in an IT block has gone by: ITSTATE is in bits 15 to 10 and 26 to 25 (DDI 0487, ITAdvance). */
static uint64_t advance_it(uint64_t spsr)
{
    uint64_t it = (spsr >> 8 & 0xfc) | (spsr >> 25 & 3);

    it = (it & 7) == 0 ? 0 : (it & 0xe0) | (it << 1 & 0x1f);
    return (spsr & ~(0xfc00ul | 3ul << 25)) | (it & 0xfc) << 8 | (it & 3) << 25;
}

void guest_skip(uint64_t syndrome)
{
    uint64_t spsr = sysreg_read(spsr_el2);

    sysreg_write(elr_el2, sysreg_read(elr_el2) + (syndrome & ESR_IL ? 4 : 2));
    if ((spsr & (SPSR_AARCH32 | SPSR_STEP)) == 0)
        return;
    /* A guest that steps itself has made this step. */
    spsr &= ~SPSR_STEP;
    sysreg_write(spsr_el2, (spsr & SPSR_AARCH32) && (spsr & SPSR_THUMB) ? advance_it(spsr) : spsr);
}

static uint64_t extend(uint64_t value, uint32_t width, bool sign, bool wide)
{
    uint32_t unused = 64 - width * 8;

    value = sign ? (uint64_t)((int64_t)(value << unused) >> unused) : value << unused >> unused;
    return wide ? value : (uint32_t)value;
}

/* One access to a virtual device, naturally aligned; false: it is refused. */
static bool access(struct cpu *cpu, const struct window *window, struct vdev_access *request)
{
    if ((request->offset & (request->width - 1)) != 0)
        return false;
    if (request->write && request->width < 8)
        request->value &= ((uint64_t)1 << request->width * 8) - 1;
    return vm_access(cpu, window, request);
}

static uint64_t read_base(const struct cpu *cpu, uint32_t reg)
{
    if (reg != 31)
        return cpu->arch.x[reg];
    return (sysreg_read(spsr_el2) & SPSR_MODE) == 5 ? sysreg_read(sp_el1) : sysreg_read(sp_el0);
}

static void write_base(struct cpu *cpu, uint32_t reg, uint64_t value)
{
    if (reg != 31)
        cpu->arch.x[reg] = value;
    else if ((sysreg_read(spsr_el2) & SPSR_MODE) == 5)
        sysreg_write(sp_el1, value);
    else
        sysreg_write(sp_el0, value);
}

static void write_register(struct cpu *cpu, const struct decoded *decoded, uint32_t index, uint64_t value)
{
    uint32_t reg = decoded->reg[index];

    if (reg != 31)
        cpu->arch.x[reg] = extend(value, decoded->width, decoded->sign, decoded->wide);
}

/*
 * The instruction is the guest's and may have changed since it trapped: it counts only where it makes this very access.
 * What it touches lies in one page, so that one translation holds for all of it.
 */
static bool makes_access(const struct cpu *cpu, const struct decoded *decoded, bool store, uint64_t ipa)
{
    uint64_t base = read_base(cpu, decoded->base);
    uint64_t address = decoded->post ? base : base + (uint64_t)(int64_t)decoded->offset;
    uint32_t size = (uint32_t)decoded->width * decoded->count;

    /* The uppermost byte may be a tag, of which the fault address tells nothing. */
    return decoded->form == FORM_PLAIN && decoded->store == store && (address ^ sysreg_read(far_el2)) << 8 == 0 &&
           (ipa & 0xfff) + size <= 0x1000;
}

/* An access that the syndrome does not describe. False: refused; what it did until then, it did. */
static bool carry_out(struct cpu *cpu, const struct window *window, uint64_t ipa, const struct decoded *decoded)
{
    uint64_t values[2] = {cpu->arch.x[decoded->reg[0]], cpu->arch.x[decoded->reg[1]]};

    for (uint64_t i = 0; i < decoded->count; i++) {
        struct vdev_access request = {ipa + i * decoded->width - window->ipa, decoded->width, decoded->store,
                                      values[i]};

        if (!access(cpu, window, &request))
            return false;
        values[i] = request.value;
    }
    for (uint32_t i = 0; i < decoded->count && !decoded->store; i++)
        write_register(cpu, decoded, i, values[i]);
    if (decoded->write_back)
        write_base(cpu, decoded->base, read_base(cpu, decoded->base) + (uint64_t)(int64_t)decoded->offset);
    return true;
}

static void undescribed(struct cpu *cpu, const struct window *window, uint64_t ipa, uint64_t syndrome)
{
    struct decoded decoded;
    uint32_t instruction;

    if ((syndrome & ISS_CM) != 0) { /* a device has nothing in any cache */
        guest_skip(syndrome);
        return;
    }
    if ((sysreg_read(spsr_el2) & SPSR_AARCH32) != 0 || !guest_fetch(&instruction)) {
        inject_abort(syndrome, FAULT_EXTERNAL);
        return;
    }
    decoded = decode(instruction);
    if (decoded.form == FORM_EXCLUSIVE)
        inject_abort(syndrome, FAULT_EXCLUSIVE);
    else if (makes_access(cpu, &decoded, (syndrome & ISS_WNR) != 0, ipa) && carry_out(cpu, window, ipa, &decoded))
        guest_skip(syndrome);
    else
        inject_abort(syndrome, FAULT_EXTERNAL);
}

/* What is wrong is no question of who may what: the bus, or an access that its memory does not take. */
static _Noreturn void fault_of_bus(struct cpu *cpu, uint64_t fault)
{
    const char *what = "an access that the bus has refused";

    if (fault >= FAULT_EXTERNAL_ON_WALK && fault < FAULT_EXTERNAL_ON_WALK + 5)
        what = "an access whose translation the bus has refused";
    else if (fault == FAULT_CONFLICT)
        what = "an access to what its own tables map twice";
    else if (fault == FAULT_LOCKDOWN || fault == FAULT_EXCLUSIVE)
        what = "an exclusive or atomic access to what takes none";
    vm_fault(cpu, what);
}

/*
 * Where the access went. HPFAR_EL2 says so of all that stage 2 stops but a lack of permission (DDI 0487, D24.2.65), for which
 * the guest's own translation is asked. False: another vCPU has just changed that, and the guest shall try again.
 */
static bool aborted_ipa(uint64_t syndrome, uint64_t *ipa)
{
    uint64_t far = sysreg_read(far_el2);

    if ((syndrome & ISS_FAULT & ~3ul) == FAULT_PERMISSION && (syndrome & ISS_S1PTW) == 0)
        return guest_ipa(far, ipa);
    *ipa = (sysreg_read(hpfar_el2) >> 4 & 0xfffffffffful) << 12 | (far & 0xfff);
    return true;
}

void abort_fetch(struct cpu *cpu, uint64_t syndrome)
{
    uint64_t ipa;

    cpu->exits[EXIT_FAULT]++;
    if ((syndrome & ISS_FAULT) >= FAULT_MAPPING_END)
        fault_of_bus(cpu, syndrome & ISS_FAULT);
    if (aborted_ipa(syndrome, &ipa))
        vm_fault_access(cpu, syndrome & ISS_S1PTW ? ACCESS_WALK : ACCESS_FETCH, ipa, 0);
}

void abort_data(struct cpu *cpu, uint64_t syndrome)
{
    bool store = (syndrome & ISS_WNR) != 0;
    uint32_t width = syndrome & ISS_ISV ? 1u << (syndrome >> 22 & 3) : 0;
    uint64_t *reg = &cpu->arch.x[syndrome >> 16 & 31];
    const struct window *window;
    struct vdev_access request;
    uint64_t ipa;

    if ((syndrome & ISS_FAULT) >= FAULT_MAPPING_END) {
        cpu->exits[EXIT_FAULT]++;
        fault_of_bus(cpu, syndrome & ISS_FAULT);
    }
    if (!aborted_ipa(syndrome, &ipa))
        return;
    window = vm_window(cpu->vm, ipa);
    if (window == NULL || (syndrome & ISS_S1PTW) != 0) {
        cpu->exits[EXIT_FAULT]++;
        if ((syndrome & ISS_S1PTW) != 0)
            vm_fault_access(cpu, ACCESS_WALK, ipa, 0);
        vm_fault_access(cpu, store ? ACCESS_STORE : ACCESS_LOAD, ipa, width);
    }
    cpu->exits[EXIT_MMIO]++;
    if (width == 0) {
        undescribed(cpu, window, ipa, syndrome);
        return;
    }
    request = (struct vdev_access){ipa - window->ipa, width, store, *reg};
    if (!access(cpu, window, &request)) {
        inject_abort(syndrome, FAULT_EXTERNAL);
        return;
    }
    if (!store && reg != &cpu->arch.x[31])
        *reg = extend(request.value, width, (syndrome & ISS_SSE) != 0, (syndrome & ISS_SF) != 0);
    guest_skip(syndrome);
}
