// SPDX-License-Identifier: Apache-2.0
/*
 * What a load or store of general-purpose registers does, for those of which the CPU says nothing (ESR_EL2.ISV = 0): with
 * write-back, and of pairs. Source: DDI 0487, section C4.1.94 (loads and stores).
 */
#ifndef ARCH_DECODE_H
#define ARCH_DECODE_H

#include <stdbool.h>
#include <stdint.h>

enum access_form {
    FORM_NONE,      /* no load or store, or one that is not decoded: of vectors, a memory copy, a cache line of zeros */
    FORM_EXCLUSIVE, /* exclusive or atomic: what memory takes and no device does */
    FORM_PLAIN,     /* the rest of struct decoded holds */
};

struct decoded {
    enum access_form form;
    bool store;
    bool sign;       /* a load extends the sign */
    bool wide;       /* a load writes 64 bits, else 32 and zeros above */
    bool write_back; /* base + offset is written to the base */
    bool post;       /* the access is at the base, else at base + offset */
    uint8_t width;   /* bytes of each register's part */
    uint8_t count;   /* registers: 1 or 2, one behind the other in memory */
    uint8_t reg[2];  /* 31: the zero register */
    uint8_t base;    /* 31: the stack pointer */
    int16_t offset;  /* bytes */
};

struct decoded decode(uint32_t instruction);

#endif
