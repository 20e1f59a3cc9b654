// SPDX-License-Identifier: Apache-2.0
/* Source: RISC-V Advanced Interrupt Architecture 1.0, chapter 4. */
#include "aplic_model.h"

#include <stdlib.h>

#include "fake.h"
#include "mmio.h" /* before aplic.h, which has another one beside it */

#include "aplic.h"

struct fake_source fake_aplic[64];
uint32_t fake_domaincfg;
struct fake_log fake_retriggered, fake_cleared;
bool fake_msis[3][2048];
unsigned fake_msi_count;

static uint32_t idc[8][8];

static bool is_msi(void)
{
    return (fake_domaincfg & DOMAINCFG_MSI) != 0;
}

/* The line as the mode has it. */
static bool rectified(const struct fake_source *source)
{
    if (source->mode == MODE_INACTIVE || source->mode == MODE_DETACHED)
        return false;
    return source->mode == MODE_FALLING || source->mode == MODE_LOW ? !source->line : source->line;
}

static bool is_pending(const struct fake_source *source)
{
    return source->mode >= MODE_HIGH && !is_msi() ? rectified(source) : source->pending;
}

void fake_line(uint32_t number, bool level)
{
    struct fake_source *source = &fake_aplic[number];
    bool before = rectified(source);

    source->line = level;
    if (!before && rectified(source))
        source->pending = true;
}

/* What topi of a hart shows. */
static uint32_t top(uint32_t hart)
{
    uint32_t best = 0;

    for (uint32_t number = 1; number < 64; number++) {
        const struct fake_source *source = &fake_aplic[number];

        if (source->enabled && is_pending(source) && source->target >> TARGET_HART_SHIFT == hart &&
            (best == 0 || (source->target & 0xff) < (best & 0xff)))
            best = number << 16 | (source->target & 0xff);
    }
    return (fake_domaincfg & DOMAINCFG_IE) && idc[hart][IDC_DELIVERY] ? best : 0;
}

void fake_interrupts(void)
{
    struct cpu *before = fake_running();

    for (unsigned round = 0, quiet = 0; quiet < PLAN_CPUS; round++) {
        struct cpu *cpu = &cpus[round % PLAN_CPUS];

        if (round > 1000)
            abort(); /* a storm */
        quiet++;
        if (!is_msi() && top(cpu->config->hart_index) != 0) {
            quiet = 0;
            fake_run_as(cpu);
            csrs->sip |= 1 << IRQ_S_EXT;
            csrs->sie |= 1 << IRQ_S_EXT;
            trap_interrupt(cpu, 1ul << 63 | IRQ_S_EXT);
            csrs->sip &= ~(1ul << IRQ_S_EXT);
        }
    }
    fake_deliver();
    fake_run_as(before);
}

static uint32_t claim(uint32_t hart)
{
    uint32_t found = top(hart);

    fake_aplic[found >> 16].pending = false;
    return found;
}

static uint32_t bits_of(uint32_t reg)
{
    uint32_t word = 0;

    for (uint32_t i = 0; i < 32; i++) {
        const struct fake_source *source = &fake_aplic[(reg & 0x7f) * 8 + i];

        if ((reg & 0xff80) == APLIC_CLRIP ? rectified(source) : is_pending(source))
            word |= 1u << i;
    }
    return word;
}

uint32_t mmio_read32(uint64_t address)
{
    uint32_t reg = (uint32_t)(address - config.irqchip_base);

    if (reg >= APLIC_IDC && reg < APLIC_IDC + 8 * APLIC_IDC_STRIDE)
        return reg % APLIC_IDC_STRIDE == IDC_CLAIMI ? claim((reg - APLIC_IDC) / APLIC_IDC_STRIDE) : 0;
    if ((reg & 0xff80) == APLIC_SETIP || (reg & 0xff80) == APLIC_CLRIP)
        return bits_of(reg);
    abort();
}

static void note(struct fake_log *log, uint32_t value)
{
    log->value[log->count++ % 64] = value;
}

static void send_msi(uint64_t address, uint32_t identity)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        if (address == config.cpus[i].guest_file) {
            fake_msis[i][identity] = true;
            fake_msi_count++;
            return;
        }
    }
    abort(); /* nobody's */
}

void mmio_write32(uint64_t address, uint32_t value)
{
    uint32_t reg = (uint32_t)(address - config.irqchip_base);
    struct fake_source *source = &fake_aplic[value % 64];

    if (address - config.irqchip_base >= 0x8000) {
        send_msi(address, value);
    } else if (reg == APLIC_DOMAINCFG) {
        fake_domaincfg = value;
    } else if (reg < APLIC_SETIP) {
        bool before;

        source = &fake_aplic[reg / 4];
        before = rectified(source);
        source->mode = value;
        if (value == MODE_INACTIVE)
            *source = (struct fake_source){.line = source->line};
        else if (!before && rectified(source))
            source->pending = true;
    } else if (reg == APLIC_SETIENUM || reg == APLIC_CLRIENUM) {
        source->enabled = reg == APLIC_SETIENUM && source->mode != MODE_INACTIVE;
    } else if (reg == APLIC_SETIPNUM_LE || reg == APLIC_SETIPNUM) {
        note(&fake_retriggered, value);
    } else if (reg == APLIC_CLRIPNUM) {
        source->pending = false;
        note(&fake_cleared, value);
    } else if (reg >= APLIC_TARGET && reg < APLIC_IDC) {
        source = &fake_aplic[(reg - APLIC_TARGET) / 4 + 1];
        source->target = source->mode != MODE_INACTIVE ? value : 0;
    } else if (reg >= APLIC_IDC) {
        idc[(reg - APLIC_IDC) / APLIC_IDC_STRIDE][reg % APLIC_IDC_STRIDE / 4] = value;
        if (reg % APLIC_IDC_STRIDE == 0)
            idc[(reg - APLIC_IDC) / APLIC_IDC_STRIDE][IDC_DELIVERY] = value;
    } else {
        abort();
    }
}
