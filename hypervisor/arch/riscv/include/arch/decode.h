// SPDX-License-Identifier: Apache-2.0
/*
 * Loads and stores that trapped. One form for all of them, the one that htinst has (Privileged specification, "Transformed
 * Instruction for a Load or Store"): the 32-bit instruction, of which bit 1 is clear where a compressed one stands in memory.
 * Fields: RISC-V ISA Manual, Volume I, "Base Instruction Formats".
 */
#ifndef ARCH_DECODE_H
#define ARCH_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/cpu.h"

#define OPCODE_LOAD  0x03u
#define OPCODE_STORE 0x23u

/* The transformed form of an instruction as it stands in memory, a compressed one in the low half; 0: no load or store. */
uint32_t decode(uint32_t instruction);

/* It is a load (or store) of an integer register. */
static inline bool transformed_is(uint32_t instruction, bool store)
{
    uint32_t funct3 = instruction >> 12 & 7;

    if (((instruction | 2) & 0x7f) != (store ? OPCODE_STORE : OPCODE_LOAD))
        return false;
    if (sizeof(ureg_t) == 8)
        return store ? funct3 <= 3 : funct3 != 7;
    return store ? funct3 <= 2 : funct3 <= 2 || funct3 == 4 || funct3 == 5;
}

/* Bytes that it accesses: 1, 2, 4, 8. */
static inline uint32_t transformed_width(uint32_t instruction)
{
    return 1u << (instruction >> 12 & 3);
}

/* Bytes that it has in memory: 2 or 4. */
static inline uint32_t transformed_length(uint32_t instruction)
{
    return 2 + (instruction & 2);
}

/* The register that it loads or stores. */
static inline uint32_t transformed_register(uint32_t instruction, bool store)
{
    return instruction >> (store ? 20 : 7) & 31;
}

/* What a load puts into its register. */
static inline ureg_t transformed_value(uint32_t instruction, uint64_t value)
{
    uint32_t unused = 64 - transformed_width(instruction) * 8;
    bool is_unsigned = (instruction & 1u << 14) != 0;

    return (ureg_t)(is_unsigned ? value << unused >> unused : (uint64_t)((int64_t)(value << unused) >> unused));
}

#endif
