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
    struct decoded access = decode(word);

    check_context("instruction 0x%x", word);
    CHECK_EQ(access.width, width);
    if (width != 0) {
        CHECK_EQ(access.length, (word & 3) == 3 ? 4 : 2);
        CHECK_EQ(access.sign, sign);
        CHECK_EQ(access.write, write);
        CHECK_EQ(access.reg, reg);
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
        struct decoded access = decode(word);

        if (access.width == 0)
            continue;
        CHECK(access.width == 1 || access.width == 2 || access.width == 4 || access.width == 8);
        CHECK(access.reg < 32);
        CHECK_EQ(access.length, (word & 3) == 3 ? 4 : 2);
        CHECK(!(access.write && access.sign));
        if ((word & 3) != 3)
            CHECK_EQ(decode(word & 0xffff).width, access.width); /* the upper half is the next instruction */
    }
}

/* The form in htinst: rs1's field holds an offset, the immediate is 0, bit 1 is clear for a compressed one. */
TEST(decode_transformed)
{
    for (uint32_t funct3 = 0; funct3 < 8; funct3++) {
        for (uint32_t reg = 0; reg < 32; reg++) {
            uint32_t load = funct3 << 12 | reg << 7 | 0x03;
            uint32_t store = funct3 << 12 | reg << 20 | 0x23;
            struct decoded access = decode_transformed(load);

            CHECK_EQ(access.width, funct3 == 7 ? 0 : 1 << (funct3 & 3));
            if (access.width != 0) {
                CHECK_EQ(access.reg, reg);
                CHECK_EQ(access.sign, funct3 < 4);
                CHECK_EQ(access.write, false);
                CHECK_EQ(access.length, 4);
                CHECK_EQ(decode_transformed(load & ~2u).length, 2);
                CHECK_EQ(decode_transformed(load & ~2u).width, access.width);
                CHECK_EQ(decode_transformed(load | 7 << 15).width, access.width);
            }
            access = decode_transformed(store);
            CHECK_EQ(access.width, funct3 > 3 ? 0 : 1 << funct3);
            if (access.width != 0) {
                CHECK_EQ(access.reg, reg);
                CHECK_EQ(access.write, true);
                CHECK_EQ(access.length, 4);
                CHECK_EQ(decode_transformed(store & ~2u).length, 2);
            }
        }
    }
    CHECK_EQ(decode_transformed(0x00002007 | 2).width, 0); /* flw */
    CHECK_EQ(decode_transformed(0x0000202f).width, 0);     /* AMO */
    CHECK_EQ(decode_transformed(0x00002073).width, 0);     /* SYSTEM: HLV, HSV */
    CHECK_EQ(decode_transformed(0x0000200f).width, 0);     /* CBO */
}

TEST(decode_value_is_extended)
{
    const struct decoded lb = {1, 4, 5, false, true}, lbu = {1, 4, 5, false, false};
    const struct decoded lh = {2, 4, 5, false, true}, lhu = {2, 4, 5, false, false};
    const struct decoded lw = {4, 4, 5, false, true}, lwu = {4, 4, 5, false, false};
    const struct decoded ld = {8, 4, 5, false, true};

    CHECK_EQ(decoded_value(&lb, 0x7f), 0x7f);
    CHECK_EQ(decoded_value(&lb, 0x80), 0xffffffffffffff80);
    CHECK_EQ(decoded_value(&lbu, 0x80), 0x80);
    CHECK_EQ(decoded_value(&lbu, 0x1ff), 0xff);
    CHECK_EQ(decoded_value(&lh, 0x7fff), 0x7fff);
    CHECK_EQ(decoded_value(&lh, 0x8000), 0xffffffffffff8000);
    CHECK_EQ(decoded_value(&lhu, 0x8000), 0x8000);
    CHECK_EQ(decoded_value(&lw, 0x80000000), 0xffffffff80000000);
    CHECK_EQ(decoded_value(&lw, 0x7fffffff), 0x7fffffff);
    CHECK_EQ(decoded_value(&lwu, 0x80000000), 0x80000000);
    CHECK_EQ(decoded_value(&lwu, 0xfedcba9880000000), 0x80000000);
    CHECK_EQ(decoded_value(&ld, 0xfedcba9876543210), 0xfedcba9876543210);
}
