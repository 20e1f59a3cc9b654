// SPDX-License-Identifier: Apache-2.0
#include "arch/decode.h"

static uint32_t field(uint32_t instruction, unsigned low, unsigned width)
{
    return instruction >> low & ((1u << width) - 1);
}

static int16_t signed_field(uint32_t instruction, unsigned low, unsigned width)
{
    uint32_t value = field(instruction, low, width);

    return (int16_t)(value >> (width - 1) != 0 ? (int32_t)value - (1 << width) : (int32_t)value);
}

/* Bits 31 to 30 size, 23 to 22 opc: 0 store, 1 load, 2 and 3 load with the sign to 64 and 32 bits. */
static struct decoded single(uint32_t instruction)
{
    uint32_t size = field(instruction, 30, 2);
    uint32_t opc = field(instruction, 22, 2);
    struct decoded decoded = {
        .form = FORM_PLAIN,
        .store = opc == 0,
        .sign = opc >= 2,
        .wide = opc == 2 || size == 3,
        .write_back = true,
        .post = field(instruction, 11, 1) == 0,
        .width = (uint8_t)(1u << size),
        .count = 1,
        .reg = {(uint8_t)field(instruction, 0, 5), 0},
        .base = (uint8_t)field(instruction, 5, 5),
        .offset = signed_field(instruction, 12, 9),
    };

    /* There is no sign to extend from 64 bits, and none from 32 to 32. */
    if (opc >= 2 && size + (opc - 2) >= 3)
        decoded.form = FORM_NONE;
    return decoded;
}

/* Bits 31 to 30 opc: 0 words, 1 words with their sign, 2 doublewords. 24 to 23: no allocation, post, offset, pre. */
static struct decoded pair(uint32_t instruction)
{
    uint32_t opc = field(instruction, 30, 2);
    uint32_t mode = field(instruction, 23, 2);
    bool store = field(instruction, 22, 1) == 0;
    uint32_t width = opc == 2 ? 8 : 4;
    struct decoded decoded = {
        .form = FORM_PLAIN,
        .store = store,
        .sign = opc == 1,
        .wide = opc != 0,
        .write_back = mode == 1 || mode == 3,
        .post = mode == 1,
        .width = (uint8_t)width,
        .count = 2,
        .reg = {(uint8_t)field(instruction, 0, 5), (uint8_t)field(instruction, 10, 5)},
        .base = (uint8_t)field(instruction, 5, 5),
        .offset = (int16_t)(signed_field(instruction, 15, 7) * (int32_t)width),
    };

    /* 1 stores tags, and has no form without allocation; 3 is none. */
    if (opc == 3 || (opc == 1 && (store || mode == 0)))
        decoded.form = FORM_NONE;
    return decoded;
}

struct decoded decode(uint32_t instruction)
{
    struct decoded none = {.form = FORM_NONE};

    if (field(instruction, 25, 5) == 0x14) /* xx10100: pairs of general-purpose registers */
        return pair(instruction);
    if (field(instruction, 24, 6) == 0x38) { /* xx111000 */
        if (field(instruction, 21, 1) == 0 && field(instruction, 10, 1) == 1)
            return single(instruction);
        if (field(instruction, 21, 1) == 1 && field(instruction, 10, 2) == 0)
            none.form = FORM_EXCLUSIVE;             /* atomic */
    } else if (field(instruction, 24, 6) == 0x08) { /* xx001000: exclusive, compare and swap */
        none.form = FORM_EXCLUSIVE;
    }
    return none;
}
