// SPDX-License-Identifier: Apache-2.0
/* Bit scans without a count instruction, which the base instruction set of RISC-V does not have. */
#ifndef BITS_H
#define BITS_H

#include <stdint.h>

/* Number of the lowest bit set; `word` is not 0. A de Bruijn sequence: each 5-bit window of it occurs once. */
static inline uint32_t bit_lowest(uint32_t word)
{
    static const uint8_t number[32] = {0,  1,  28, 2,  29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4,  8,
                                       31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6,  11, 5,  10, 9};

    return number[(uint32_t)((word & (0u - word)) * 0x077cb531u) >> 27];
}

static inline uint32_t bit_lowest64(uint64_t word)
{
    uint32_t low = (uint32_t)word;

    return low != 0 ? bit_lowest(low) : 32 + bit_lowest((uint32_t)(word >> 32));
}

#endif
