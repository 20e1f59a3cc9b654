// SPDX-License-Identifier: Apache-2.0
/*
 * Registers of an APLIC interrupt domain; the physical one and the virtual one are alike.
 * Source: RISC-V Advanced Interrupt Architecture 1.0, chapter 4.
 */
#ifndef APLIC_H
#define APLIC_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "mmio.h"

enum aplic_register {
    APLIC_DOMAINCFG = 0x0000,
    APLIC_SOURCECFG = 0x0004, /* of source 1, then one word each */
    APLIC_SETIP = 0x1c00,     /* 32 words */
    APLIC_SETIPNUM = 0x1cdc,
    APLIC_CLRIP = 0x1d00, /* 32 words; read: the rectified inputs */
    APLIC_CLRIPNUM = 0x1ddc,
    APLIC_SETIE = 0x1e00, /* 32 words */
    APLIC_SETIENUM = 0x1edc,
    APLIC_CLRIE = 0x1f00, /* 32 words */
    APLIC_CLRIENUM = 0x1fdc,
    APLIC_SETIPNUM_LE = 0x2000,
    APLIC_GENMSI = 0x3000,
    APLIC_TARGET = 0x3004, /* of source 1, then one word each */
    APLIC_IDC = 0x4000,    /* direct delivery: 32 bytes for each hart */
};

enum aplic_idc_register { IDC_DELIVERY = 0, IDC_FORCE = 4, IDC_THRESHOLD = 8, IDC_TOPI = 0x18, IDC_CLAIMI = 0x1c };

#define APLIC_IDC_STRIDE     32u
#define DOMAINCFG_READ_ONE   0x80000000u
#define DOMAINCFG_IE         0x100u
#define DOMAINCFG_MSI        0x4u
#define TARGET_HART_SHIFT    18
#define TARGET_GUEST_SHIFT   12
#define TARGET_EIID_MASK     0x7ffu
#define TARGET_PRIORITY_MASK 0xffu
#define TOPI_SOURCE_SHIFT    16

/* Source modes. */
enum aplic_mode { MODE_INACTIVE, MODE_DETACHED, MODE_RISING = 4, MODE_FALLING, MODE_HIGH, MODE_LOW };

static inline void aplic_write(uint32_t reg, uint32_t value)
{
    mmio_write32(config.irqchip_base + reg, value);
}

static inline uint32_t aplic_read(uint32_t reg)
{
    return mmio_read32(config.irqchip_base + reg);
}

static inline void aplic_set_mode(uint32_t source, enum aplic_mode mode)
{
    aplic_write(APLIC_SOURCECFG + (source - 1) * 4, (uint32_t)mode);
}

static inline void aplic_set_target(uint32_t source, uint32_t target)
{
    aplic_write(APLIC_TARGET + (source - 1) * 4, target);
}

static inline void aplic_set_enabled(uint32_t source, bool enabled)
{
    aplic_write(enabled ? APLIC_SETIENUM : APLIC_CLRIENUM, source);
}

/* The bit of a source in the words that begin at a register; of APLIC_CLRIP: its line, inverted where the mode says so. */
static inline bool aplic_bit(enum aplic_register words, uint32_t source)
{
    return (aplic_read((uint32_t)words + source / 32 * 4) >> (source % 32) & 1) != 0;
}

#endif
