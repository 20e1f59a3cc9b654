// SPDX-License-Identifier: Apache-2.0
/* What of the address space is memory: start.S has made all of it device memory but the block that the guest lies in. */
#include <stddef.h>
#include <stdint.h>

#include "fdt.h"
#include "layout.h"
#include "string.h"
#include "sysreg.h"
#include "trap.h"

#define GIB     (1ul << 30)
#define BLOCK   (2ul << 20)
#define ENTRIES 512u
#define TABLES  4u /* GiB that are parted into blocks */

extern uint64_t mmu_root[ENTRIES];
static uint64_t tables[TABLES][ENTRIES] __attribute__((aligned(4096)));
static uint32_t used;

/* The entry is replaced by way of an invalid one (DDI 0487, D8.14.1: break-before-make). */
static void replace(uint64_t *entry, uint64_t value)
{
    *entry = 0;
    dsb();
    __asm__ volatile("tlbi vmalle1" ::: "memory");
    dsb();
    *entry = value;
    dsb();
    isb();
}

/* A table for a GiB of device memory, of which parts will be normal; NULL: there is none left. */
static uint64_t *part(uint64_t gib)
{
    uint64_t *entry = &mmu_root[gib];

    if ((*entry & ENTRY_TABLE) == ENTRY_TABLE) {
        return (uint64_t *)(uintptr_t)(*entry & ~0xffful & ((1ul << 48) - 1));
    }
    if (used == TABLES) {
        return NULL;
    }
    uint64_t *table = tables[used++];
    for (uint64_t i = 0; i < ENTRIES; i++) {
        table[i] = (gib * GIB + i * BLOCK) | ENTRY_DEVICE;
    }
    replace(entry, (uintptr_t)table | ENTRY_TABLE);
    return table;
}

/* Whole blocks of 2 MiB; where there are too many parts, of 1 GiB. */
static void make_normal(uint64_t base, uint64_t size)
{
    for (uint64_t at = base & ~(BLOCK - 1); at < base + size && at < ENTRIES * GIB; at += BLOCK) {
        const uint64_t gib = at / GIB;
        if (mmu_root[gib] == (gib * GIB | ENTRY_NORMAL)) {
            continue;
        }
        uint64_t *table = at % GIB == 0 && size >= GIB ? NULL : part(gib);
        if (table == NULL) {
            replace(&mmu_root[gib], gib * GIB | ENTRY_NORMAL);
        } else {
            replace(&table[at % GIB / BLOCK], at | ENTRY_NORMAL);
        }
    }
}

void mmu_init(void)
{
    for (int node = fdt_next(FDT_NONE); node != FDT_NONE; node = fdt_next(node)) {
        const char *type = fdt_string(node, "device_type");
        uint64_t base, size;
        if (((type != NULL && strcmp(type, "memory") == 0) || fdt_lists(node, "compatible", "bulkhead,channel")) &&
            fdt_reg(node, 0, &base, &size)) {
            make_normal(base, size);
        }
    }
}
