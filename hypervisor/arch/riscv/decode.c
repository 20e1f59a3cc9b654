// SPDX-License-Identifier: Apache-2.0
#include "arch/decode.h"

#define OPCODE_LOAD  0x03u
#define OPCODE_STORE 0x23u

static uint32_t field(uint32_t instruction, unsigned low, unsigned width)
{
    return instruction >> low & ((1u << width) - 1);
}

static struct decoded make(bool write, uint32_t width_log2, bool sign, uint32_t reg, uint8_t length)
{
    struct decoded access = {0};

    if (1u << width_log2 <= sizeof(ureg_t))
        access = (struct decoded){(uint8_t)(1u << width_log2), length, (uint8_t)reg, write, sign};
    return access;
}

static struct decoded decode_full(uint32_t instruction)
{
    uint32_t funct3 = field(instruction, 12, 3);

    if (field(instruction, 0, 7) == OPCODE_LOAD && funct3 != 7)
        return make(false, funct3 & 3, (funct3 & 4) == 0, field(instruction, 7, 5), 4);
    if (field(instruction, 0, 7) == OPCODE_STORE && funct3 < 4)
        return make(true, funct3, false, field(instruction, 20, 5), 4);
    return (struct decoded){0};
}

/* Quadrant 0: registers x8 to x15. */
static struct decoded decode_quadrant0(uint32_t instruction)
{
    uint32_t reg = 8 + field(instruction, 2, 3);

    switch (field(instruction, 13, 3)) {
    case 2:
        return make(false, 2, true, reg, 2);
    case 3:
        return make(false, 3, true, reg, 2);
    case 4: /* Zcb */
        switch (field(instruction, 10, 3)) {
        case 0:
            return make(false, 0, false, reg, 2);
        case 1:
            return make(false, 1, field(instruction, 6, 1) != 0, reg, 2);
        case 2:
            return make(true, 0, false, reg, 2);
        case 3:
            return make(true, 1, false, reg, 2);
        default:
            return (struct decoded){0};
        }
    case 6:
        return make(true, 2, false, reg, 2);
    case 7:
        return make(true, 3, false, reg, 2);
    default:
        return (struct decoded){0};
    }
}

/* Quadrant 2: relative to the stack pointer. */
static struct decoded decode_quadrant2(uint32_t instruction)
{
    switch (field(instruction, 13, 3)) {
    case 2:
        return make(false, 2, true, field(instruction, 7, 5), 2);
    case 3:
        return make(false, 3, true, field(instruction, 7, 5), 2);
    case 6:
        return make(true, 2, false, field(instruction, 2, 5), 2);
    case 7:
        return make(true, 3, false, field(instruction, 2, 5), 2);
    default:
        return (struct decoded){0};
    }
}

struct decoded decode(uint32_t instruction)
{
    switch (instruction & 3) {
    case 3:
        return decode_full(instruction);
    case 0:
        return decode_quadrant0(instruction);
    case 2:
        return decode_quadrant2(instruction);
    default:
        return (struct decoded){0};
    }
}

struct decoded decode_transformed(uint32_t instruction)
{
    struct decoded access = decode_full(instruction | 2);

    /* Bit 1 is clear where the instruction in memory is a compressed one. */
    if (access.width != 0 && (instruction & 2) == 0)
        access.length = 2;
    return access;
}

ureg_t decoded_value(const struct decoded *load, uint64_t value)
{
    unsigned bits = load->width * 8u;

    if (bits < 64) {
        uint64_t mask = ((uint64_t)1 << bits) - 1;

        value &= mask;
        if (load->sign && (value >> (bits - 1)) != 0)
            value |= ~mask;
    }
    return (ureg_t)value;
}
