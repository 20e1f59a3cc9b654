// SPDX-License-Identifier: Apache-2.0
#include "arch/decode.h"

static uint32_t field(uint32_t instruction, unsigned low, unsigned width)
{
    return instruction >> low & ((1u << width) - 1);
}

/* funct3: width as a power of two, and 4 where a load does not extend the sign. */
static uint32_t compressed(bool store, uint32_t funct3, uint32_t reg)
{
    uint32_t made = funct3 << 12 | (store ? reg << 20 | OPCODE_STORE : reg << 7 | OPCODE_LOAD);

    return transformed_is(made, store) ? made & ~2u : 0;
}

/* Quadrant 0: registers x8 to x15. */
static uint32_t decode_quadrant0(uint32_t instruction)
{
    uint32_t reg = 8 + field(instruction, 2, 3);

    switch (field(instruction, 13, 3)) {
    case 2:
        return compressed(false, 2, reg);
    case 3:
        return compressed(false, 3, reg);
    case 4: /* Zcb */
        switch (field(instruction, 10, 3)) {
        case 0:
            return compressed(false, 4, reg);
        case 1:
            return compressed(false, field(instruction, 6, 1) != 0 ? 1 : 5, reg);
        case 2:
            return compressed(true, 0, reg);
        case 3:
            return field(instruction, 6, 1) == 0 ? compressed(true, 1, reg) : 0;
        default:
            return 0;
        }
    case 6:
        return compressed(true, 2, reg);
    case 7:
        return compressed(true, 3, reg);
    default:
        return 0;
    }
}

/* Quadrant 2: relative to the stack pointer. */
static uint32_t decode_quadrant2(uint32_t instruction)
{
    switch (field(instruction, 13, 3)) {
    case 2:
        return compressed(false, 2, field(instruction, 7, 5));
    case 3:
        return compressed(false, 3, field(instruction, 7, 5));
    case 6:
        return compressed(true, 2, field(instruction, 2, 5));
    case 7:
        return compressed(true, 3, field(instruction, 2, 5));
    default:
        return 0;
    }
}

uint32_t decode(uint32_t instruction)
{
    switch (instruction & 3) {
    case 3:
        return transformed_is(instruction, false) || transformed_is(instruction, true) ? instruction : 0;
    case 0:
        return decode_quadrant0(instruction);
    case 2:
        return decode_quadrant2(instruction);
    default:
        return 0;
    }
}
