// SPDX-License-Identifier: Apache-2.0
#include "arch/decode.h"

#include "check.h"

static const struct {
    uint32_t word;
    uint8_t width, sign, write, reg;
} known[] = {
#include "disassembly.inc"
};

static void check_word(uint32_t word, unsigned width, bool sign, bool write, unsigned reg)
{
    uint32_t access = decode(word);

    check_context("instruction 0x%x", word);
    CHECK_EQ(transformed_is(access, write), width != 0);
    CHECK_EQ(transformed_is(access, !write), false);
    if (width != 0) {
        CHECK_EQ(transformed_width(access), width);
        CHECK_EQ(transformed_length(access), (word & 3) == 3 ? 4 : 2);
        CHECK_EQ(transformed_register(access, write), reg);
        if (!write)
            CHECK_EQ(transformed_value(access, ~0ul), sign || width == 8 ? ~0ul : ~0ul >> (64 - width * 8));
    }
}

TEST(decode_is_what_objdump_says)
{
    unsigned accesses = 0;

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        check_word(known[i].word, known[i].width, known[i].sign, known[i].write, known[i].reg);
        accesses += known[i].width != 0;
    }
    CHECK(accesses > 15000); /* the table is not empty of what matters */
}

/* Zcb, which this objdump need not know: c.lbu, c.lhu, c.lh, c.sb, c.sh. */
TEST(decode_zcb)
{
    check_word(0x8000, 1, false, false, 8);
    check_word(0x805c, 1, false, false, 15);
    check_word(0x8404, 2, false, false, 9);
    check_word(0x8424, 2, false, false, 9);
    check_word(0x8444, 2, true, false, 9);
    check_word(0x8464, 2, true, false, 9);
    check_word(0x8808, 1, false, true, 10);
    check_word(0x8c0c, 2, false, true, 11);
    check_word(0x8c4c, 0, false, false, 0);
    for (uint32_t funct = 4; funct < 8; funct++)
        check_word(0x8000 | funct << 10, 0, false, false, 0);
}

TEST(decode_other_opcodes)
{
    check_word(0x00052507, 0, false, false, 0); /* flw fa0, 0(a0) */
    check_word(0x00a52027, 0, false, false, 0); /* fsw fa0, 0(a0) */
    check_word(0x100522af, 0, false, false, 0); /* lr.w t0, (a0) */
    check_word(0x00b522af, 0, false, false, 0); /* amoadd.w t0, a1, (a0) */
    check_word(0x0000000f, 0, false, false, 0); /* fence */
    check_word(0x68054573, 0, false, false, 0); /* hlv.w a0, (a0) */
    check_word(0x00000000, 0, false, false, 0);
    check_word(0xffffffff, 0, false, false, 0);
}

TEST(decode_random_words)
{
    random_seed(0xdec0de);
    for (unsigned i = 0; i < 2000000; i++) {
        uint32_t word = (uint32_t)random_word();
        uint32_t access = decode(word);
        bool store = transformed_is(access, true);

        if (access == 0)
            continue;
        CHECK(store != transformed_is(access, false));
        CHECK_EQ(transformed_length(access), (word & 3) == 3 ? 4 : 2);
        if ((word & 3) == 3)
            CHECK_EQ(access, word);
        else
            CHECK_EQ(decode(word & 0xffff), access); /* the upper half is the next instruction */
    }
}

/* The form in htinst: rs1's field holds an offset, the immediate is 0, bit 1 is clear for a compressed one. */
TEST(decode_transformed)
{
    for (uint32_t funct3 = 0; funct3 < 8; funct3++) {
        for (uint32_t reg = 0; reg < 32; reg++) {
            for (uint32_t offset = 0; offset < 8; offset++) {
                uint32_t load = offset << 15 | funct3 << 12 | reg << 7 | 0x03;
                uint32_t store = reg << 20 | offset << 15 | funct3 << 12 | 0x23;

                CHECK_EQ(transformed_is(load, false), funct3 != 7);
                CHECK_EQ(transformed_is(load & ~2u, false), funct3 != 7);
                CHECK_EQ(transformed_is(load, true), false);
                CHECK_EQ(transformed_width(load), 1 << (funct3 & 3));
                CHECK_EQ(transformed_register(load, false), reg);
                CHECK_EQ(transformed_length(load), 4);
                CHECK_EQ(transformed_length(load & ~2u), 2);
                CHECK_EQ(transformed_is(store, true), funct3 <= 3);
                CHECK_EQ(transformed_is(store & ~2u, true), funct3 <= 3);
                CHECK_EQ(transformed_is(store, false), false);
                CHECK_EQ(transformed_register(store, true), reg);
            }
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        CHECK(!transformed_is(0x00002007 & ~(i * 2), i != 0)); /* flw */
        CHECK(!transformed_is(0x0000202f & ~(i * 2), i != 0)); /* AMO */
        CHECK(!transformed_is(0x00002073 & ~(i * 2), i != 0)); /* SYSTEM: HLV, HSV */
        CHECK(!transformed_is(0x0000200f & ~(i * 2), i != 0)); /* CBO */
        CHECK(!transformed_is(0x00003000 + i * 0x20, i != 0)); /* a walk of the guest's tables */
    }
}

TEST(decode_value_is_extended)
{
    enum { LB = 0x0003, LH = 0x1003, LW = 0x2003, LD = 0x3003, LBU = 0x4003, LHU = 0x5003, LWU = 0x6003 };

    CHECK_EQ(transformed_value(LB, 0x7f), 0x7f);
    CHECK_EQ(transformed_value(LB, 0x80), 0xffffffffffffff80);
    CHECK_EQ(transformed_value(LBU, 0x80), 0x80);
    CHECK_EQ(transformed_value(LBU, 0x1ff), 0xff);
    CHECK_EQ(transformed_value(LH, 0x7fff), 0x7fff);
    CHECK_EQ(transformed_value(LH, 0x8000), 0xffffffffffff8000);
    CHECK_EQ(transformed_value(LHU, 0x8000), 0x8000);
    CHECK_EQ(transformed_value(LW, 0x80000000), 0xffffffff80000000);
    CHECK_EQ(transformed_value(LW, 0x7fffffff), 0x7fffffff);
    CHECK_EQ(transformed_value(LWU, 0x80000000), 0x80000000);
    CHECK_EQ(transformed_value(LWU, 0xfedcba9880000000), 0x80000000);
    CHECK_EQ(transformed_value(LD, 0xfedcba9876543210), 0xfedcba9876543210);
}
