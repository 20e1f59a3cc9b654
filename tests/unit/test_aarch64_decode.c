// SPDX-License-Identifier: Apache-2.0
#include "arch/decode.h"

#include "check.h"

static const struct {
    uint32_t word;
    uint8_t width, count, store, sign, wide, write_back, post, reg[2], base;
    int16_t offset;
} known[] = {
#include "disassembly_aarch64.inc"
};

TEST(aarch64_decode_is_what_objdump_says)
{
    unsigned plain = 0;

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct decoded is = decode(known[i].word);

        check_context("instruction 0x%x", known[i].word);
        CHECK_EQ(is.form == FORM_PLAIN, known[i].width != 0);
        if (is.form != FORM_PLAIN)
            continue;
        plain++;
        CHECK_EQ(is.width, known[i].width);
        CHECK_EQ(is.count, known[i].count);
        CHECK_EQ(is.store, known[i].store);
        CHECK_EQ(is.sign, known[i].sign);
        CHECK_EQ(is.wide || is.store, known[i].wide || is.store);
        CHECK_EQ(is.write_back, known[i].write_back);
        CHECK_EQ(is.write_back && is.post, known[i].post);
        CHECK_EQ(is.reg[0], known[i].reg[0]);
        CHECK_EQ(is.reg[1], known[i].reg[1]);
        CHECK_EQ(is.base, known[i].base);
        CHECK_EQ(is.offset, known[i].offset);
    }
    CHECK(plain > 2000); /* the table is not empty of what matters */
}

TEST(aarch64_decode_exclusives)
{
    CHECK_EQ(decode(0x885f7c20).form, FORM_EXCLUSIVE); /* ldxr w0, [x1] */
    CHECK_EQ(decode(0xc8027c20).form, FORM_EXCLUSIVE); /* stxr w2, x0, [x1] */
    CHECK_EQ(decode(0x88e07c41).form, FORM_EXCLUSIVE); /* casa w0, w1, [x2] */
    CHECK_EQ(decode(0xb8200041).form, FORM_EXCLUSIVE); /* ldadd w0, w1, [x2] */
    CHECK_EQ(decode(0xf8208041).form, FORM_EXCLUSIVE); /* swp x0, x1, [x2] */
}

TEST(aarch64_decode_others)
{
    CHECK_EQ(decode(0xd50b7420).form, FORM_NONE); /* dc zva, x0 */
    CHECK_EQ(decode(0x3c810400).form, FORM_NONE); /* str q0, [x0], #16 */
    CHECK_EQ(decode(0xad000000).form, FORM_NONE); /* stp q0, q0, [x0] */
    CHECK_EQ(decode(0xf8200c20).form, FORM_NONE); /* ldraa x0, [x1]! without its fixed bits */
    CHECK_EQ(decode(0x69000000).form, FORM_NONE); /* stgp: memory tags */
    CHECK_EQ(decode(0x1d000400).form, FORM_NONE); /* cpyfp: memory copy */
    CHECK_EQ(decode(0).form, FORM_NONE);
    CHECK_EQ(decode(0xffffffff).form, FORM_NONE);
}
