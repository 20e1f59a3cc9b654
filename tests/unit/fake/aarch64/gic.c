// SPDX-License-Identifier: Apache-2.0
/*
 * A physical GIC below drivers/gicv2.c or drivers/gicv3.c (FAKE_GIC: its version): what is enabled, pending and active, where
 * it goes, and the list registers with the virtual CPU interface behind them.
 * Source: Arm GIC Architecture Specifications IHI 0048B (v2) and IHI 0069H (v3).
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "gic.h"
#include "mmio.h"

#define HCR_EN  1u
#define HCR_UIE 2u

struct source {
    bool enabled, pending, active;
    uint32_t target; /* CPU index */
};

static struct source shared[1024];
static struct source private[PLAN_CPUS][32];
static uint32_t kicked_by[PLAN_CPUS];       /* GICv2: CPU interface */
static uint32_t acknowledged_at[PLAN_CPUS]; /* not ended yet, 0: none */
static uint32_t gich_lr[PLAN_CPUS][FAKE_LRS];
static uint32_t gich_hcr[PLAN_CPUS];

static struct source *source_of(const struct cpu *cpu, uint32_t id)
{
    return id < GIC_SPI ? &private[cpu->index][id] : &shared[id];
}

void fake_fire(const struct cpu *cpu, uint32_t id)
{
    source_of(cpu, id)->pending = true;
}

bool fake_is_enabled(const struct cpu *cpu, uint32_t id)
{
    return source_of(cpu, id)->enabled;
}

bool fake_is_active(const struct cpu *cpu, uint32_t id)
{
    return source_of(cpu, id)->active;
}

uint32_t fake_target(uint32_t id)
{
    return shared[id].target;
}

/* --- List registers --- */

struct lr {
    uint32_t state, id, priority, physical, source;
    bool hw, end;
};

static unsigned long *lr_sysreg(const struct cpu *cpu, uint32_t index)
{
    return &fake_cpus[cpu->index].S3_4_C12_C12_0 + index;
}

static struct lr get_lr(const struct cpu *cpu, uint32_t index)
{
    struct lr lr;

    if (FAKE_GIC == 2) {
        uint32_t value = gich_lr[cpu->index][index];

        lr = (struct lr){value >> 28 & 3, value & 0x3ff,    (value >> 23 & 31) << 3, value >> 10 & 0x3ff,
                         value >> 10 & 7, value >> 31 != 0, (value >> 19 & 1) != 0};
    } else {
        uint64_t value = *lr_sysreg(cpu, index);

        if (value != 0 && (value >> 60 & 1) == 0)
            abort(); /* group 0 */
        lr = (struct lr){value >> 62, (uint32_t)value,        value >> 48 & 0xff,    value >> 32 & 0x1fff,
                         0,           (value >> 61 & 1) != 0, (value >> 41 & 1) != 0};
    }
    lr.end = lr.end && !lr.hw;
    return lr;
}

static uint32_t empty_lrs(const struct cpu *cpu)
{
    uint32_t empty = 0;

    for (uint32_t i = 0; i < FAKE_LRS; i++) {
        struct lr lr = get_lr(cpu, i);

        empty |= (uint32_t)(lr.state == 0 && !lr.end) << i;
    }
    return empty;
}

static void set_lr_state(const struct cpu *cpu, uint32_t index, uint32_t state)
{
    if (FAKE_GIC == 2)
        gich_lr[cpu->index][index] = (gich_lr[cpu->index][index] & ~(3u << 28)) | state << 28;
    else
        *lr_sysreg(cpu, index) = (*lr_sysreg(cpu, index) & ~(3ul << 62)) | (unsigned long)state << 62;
}

static bool needs_maintenance(const struct cpu *cpu)
{
    uint32_t hcr = FAKE_GIC == 2 ? gich_hcr[cpu->index] : (uint32_t)fake_cpus[cpu->index].S3_4_C12_C11_0;
    uint32_t valid = 0;
    bool ended = false;

    for (uint32_t i = 0; i < FAKE_LRS; i++) {
        struct lr lr = get_lr(cpu, i);

        valid += lr.state != LR_EMPTY;
        ended |= lr.state == LR_EMPTY && lr.end;
    }
    return (hcr & HCR_EN) && (ended || ((hcr & HCR_UIE) && valid <= 1));
}

uint32_t guest_acknowledge(struct cpu *cpu)
{
    uint32_t running = 0x100;
    uint32_t found = FAKE_LRS;

    for (uint32_t i = 0; i < FAKE_LRS; i++) {
        struct lr lr = get_lr(cpu, i);

        if ((lr.state & LR_ACTIVE) && lr.priority < running)
            running = lr.priority;
        /* No interrupt stands in two list registers, but for an SGI of two senders. */
        for (uint32_t j = 0; j < i; j++) {
            struct lr other = get_lr(cpu, j);

            if (lr.state != LR_EMPTY && other.state != LR_EMPTY && lr.id == other.id && lr.source == other.source)
                abort();
        }
    }
    for (uint32_t i = 0; i < FAKE_LRS; i++) {
        struct lr lr = get_lr(cpu, i);

        if (lr.state == LR_PENDING && lr.priority < running) {
            running = lr.priority;
            found = i;
        }
    }
    if (found == FAKE_LRS)
        return FAKE_NOTHING;
    set_lr_state(cpu, found, LR_ACTIVE);
    return get_lr(cpu, found).id | (get_lr(cpu, found).id < GIC_PPI ? get_lr(cpu, found).source << 10 : 0);
}

void guest_end(struct cpu *cpu, uint32_t acknowledged)
{
    for (uint32_t i = 0; i < FAKE_LRS; i++) {
        struct lr lr = get_lr(cpu, i);

        if (!(lr.state & LR_ACTIVE) || lr.id != (acknowledged & 0x3ff) ||
            (lr.id < GIC_PPI && lr.source != acknowledged >> 10))
            continue;
        set_lr_state(cpu, i, lr.state & LR_PENDING);
        if (lr.hw)
            source_of(cpu, lr.physical)->active = false;
        return;
    }
    abort();
}

/* --- The CPU interface of the hypervisor --- */

static bool can_deliver(const struct cpu *cpu, uint32_t id)
{
    const struct source *source = source_of(cpu, id);

    if (source->active || !source->enabled)
        return false;
    if (id == GIC_KICK)
        return fake_kicked[cpu->index];
    if (id == config.maintenance_irq)
        return needs_maintenance(cpu);
    return source->pending && (id < GIC_SPI || source->target == cpu->index);
}

static uint32_t next_interrupt(const struct cpu *cpu)
{
    for (uint32_t id = 0; id < PLAN_IRQS; id++) {
        if (can_deliver(cpu, id))
            return id;
    }
    return FAKE_NOTHING;
}

static uint32_t acknowledge(const struct cpu *cpu)
{
    uint32_t id = next_interrupt(cpu);

    if (id == FAKE_NOTHING)
        return id;
    source_of(cpu, id)->pending = false;
    source_of(cpu, id)->active = true;
    if (id == GIC_KICK) {
        fake_kicked[cpu->index] = false;
        if (FAKE_GIC == 2)
            id |= kicked_by[cpu->index] << 10;
    }
    if (acknowledged_at[cpu->index] != 0)
        abort();
    acknowledged_at[cpu->index] = id;
    return id;
}

static void end(const struct cpu *cpu, uint32_t acknowledged)
{
    if (acknowledged_at[cpu->index] != acknowledged)
        abort();
    acknowledged_at[cpu->index] = 0;
}

static void deactivate(const struct cpu *cpu, uint32_t value)
{
    if (!source_of(cpu, value & 0x3ff)->active || (value >> 10 != 0 && value >> 10 != kicked_by[cpu->index]))
        abort();
    source_of(cpu, value & 0x3ff)->active = false;
}

static void kick(uint64_t id)
{
    int target = fake_cpu_of_id(id);

    if (target >= 0)
        fake_kicked[target] = true;
}

void fake_interrupts(void)
{
    struct cpu *before = fake_running();

    for (unsigned round = 0, quiet = 0; quiet < PLAN_CPUS; round++) {
        struct cpu *cpu = &cpus[round % PLAN_CPUS];

        if (round > 1000)
            abort(); /* a storm */
        quiet++;
        if (next_interrupt(cpu) != FAKE_NOTHING) {
            quiet = 0;
            fake_run_as(cpu);
            trap_interrupt(cpu);
        }
    }
    fake_run_as(before);
}

__attribute__((weak)) void fake_pmu_read(const unsigned long *reg)
{
    (void)reg;
}

__attribute__((weak)) void fake_pmu_written(const unsigned long *reg)
{
    (void)reg;
}

void fake_sysreg_read(const unsigned long *reg)
{
    fake_pmu_read(reg);
    if (reg == &sysregs->S3_0_C12_C12_0)
        sysregs->S3_0_C12_C12_0 = acknowledge(fake_running());
    else if (reg == &sysregs->S3_4_C12_C11_1)
        sysregs->S3_4_C12_C11_1 = FAKE_LRS - 1;
    else if (reg == &sysregs->S3_4_C12_C11_5)
        sysregs->S3_4_C12_C11_5 = empty_lrs(fake_running());
}

void fake_sysreg_written(const unsigned long *reg)
{
    unsigned long value = *reg;

    fake_pmu_written(reg);
    if (reg == &sysregs->S3_0_C12_C12_1)
        end(fake_running(), (uint32_t)value);
    else if (reg == &sysregs->S3_0_C12_C11_1)
        deactivate(fake_running(), (uint32_t)value);
    else if (reg == &sysregs->S3_0_C12_C11_5 && (value >> 24 & 0xf) == GIC_KICK)
        kick((value >> 16 & 0xff00000000) | (value >> 16 & 0xff0000) | (value >> 8 & 0xff00) |
             ((value >> 44 & 0xf) * 16 + (uint32_t)__builtin_ctz((uint32_t)value & 0xffff)));
}

/* --- Registers in memory --- */

#define GICD_SPAN 0x10000u

static uint32_t gicd_words[GICD_SPAN / 4];

/* The set and clear registers of enables and active bits; `cpu`: whose private interrupts. False: another register. */
static bool write_bits(const struct cpu *cpu, uint32_t reg, uint32_t value)
{
    uint32_t base = (reg & 0x7f) * 8;

    if (reg < 0x100 || reg >= 0x200) {
        if (reg < 0x380 || reg >= 0x400)
            return false;
    }
    for (uint32_t i = 0; i < 32; i++) {
        if ((value >> i & 1) == 0)
            continue;
        if (reg >= 0x380)
            source_of(cpu, base + i)->active = false;
        else
            source_of(cpu, base + i)->enabled = reg < 0x180;
    }
    return true;
}

uint32_t mmio_read32(uint64_t address)
{
    const struct cpu *cpu = fake_running();

    if (address - config.irqchip_base < GICD_SPAN)
        return gicd_words[(address - config.irqchip_base) / 4] & 0x7fffffff;
    if (FAKE_GIC == 2 && address == config.gicc_base + 0xc)
        return acknowledge(cpu);
    if (FAKE_GIC == 2 && address == config.gich_base + 0x30)
        return empty_lrs(cpu);
    if (FAKE_GIC == 2 && address == config.gich_base + 4)
        return FAKE_LRS - 1;
    if (FAKE_GIC == 2 && address - (config.gich_base + 0x100) < FAKE_LRS * 4)
        return gich_lr[cpu->index][(address - config.gich_base - 0x100) / 4];
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        if (FAKE_GIC == 3 && address == config.cpus[i].gicr + 0xc)
            return (uint32_t)config.cpus[i].id;
    }
    return 0;
}

void mmio_write32(uint64_t address, uint32_t value)
{
    const struct cpu *cpu = fake_running();
    uint64_t reg = address - config.irqchip_base;

    if (reg < GICD_SPAN) {
        if (FAKE_GIC == 2 && reg == 0xf00) {
            for (uint32_t i = 0; i < PLAN_CPUS; i++) {
                if (value >> 16 & 1u << config.cpus[i].hart_index) {
                    kicked_by[i] = cpu->config->hart_index;
                    kick(config.cpus[i].id);
                }
            }
        } else if (!write_bits(cpu, (uint32_t)reg, value)) {
            gicd_words[reg / 4] = value;
        }
        return;
    }
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        if (FAKE_GIC == 3 && address - (config.cpus[i].gicr + 0x10000) < 0x400)
            write_bits(&cpus[i], (uint32_t)(address - config.cpus[i].gicr - 0x10000), value);
    }
    if (FAKE_GIC == 3)
        return;
    if (address == config.gicc_base + 0x10)
        end(cpu, value);
    else if (address == config.gicc_base + 0x1000)
        deactivate(cpu, value);
    else if (address == config.gich_base)
        gich_hcr[cpu->index] = value;
    else if (address - (config.gich_base + 0x100) < FAKE_LRS * 4)
        gich_lr[cpu->index][(address - config.gich_base - 0x100) / 4] = value;
}

uint8_t mmio_read8(uint64_t address)
{
    (void)address;
    return 0;
}

/* GICD_ITARGETSR: the CPU interface that an interrupt goes to. */
void mmio_write8(uint64_t address, uint8_t value)
{
    uint64_t id = address - config.irqchip_base - 0x800;

    for (uint32_t i = 0; FAKE_GIC == 2 && id < 0x400 && i < PLAN_CPUS; i++) {
        if (value == 1u << config.cpus[i].hart_index)
            shared[id].target = i;
    }
}

uint64_t mmio_read64(uint64_t address)
{
    (void)address;
    return 0;
}

uint64_t fake_releases[0x200]; /* by address / 8: words of a spin table */

/* GICD_IROUTER: the affinity that one goes to; below 4 KiB a spin table. */
void mmio_write64(uint64_t address, uint64_t value)
{
    uint64_t id = (address - config.irqchip_base - 0x6000) / 8;

    if (address < sizeof(fake_releases)) {
        fake_releases[address / 8] = value;
        return;
    }
    if (FAKE_GIC != 3 || id >= 1024 || fake_cpu_of_id(value) < 0)
        abort();
    shared[id].target = (uint32_t)fake_cpu_of_id(value);
}
