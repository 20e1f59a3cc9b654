// SPDX-License-Identifier: Apache-2.0
/* Loads and stores that trapped, taken apart. Source: RISC-V ISA Manual, Volume I, chapters on RV32I, RV64I, C and Zcb. */
#ifndef ARCH_DECODE_H
#define ARCH_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/cpu.h"

struct decoded {
    uint8_t width;  /* bytes: 1, 2, 4, 8; 0: no load or store of an integer register */
    uint8_t length; /* of the instruction, bytes: 2 or 4 */
    uint8_t reg;    /* loaded or stored */
    bool write;
    bool sign; /* a load extends the sign */
};

/* An instruction as it stands in memory; a compressed one in the low half. */
struct decoded decode(uint32_t instruction);

/* The form that htinst gives (Privileged specification, "Transformed Instruction"); bit 0 is set. */
struct decoded decode_transformed(uint32_t instruction);

/* What a load puts into its register. */
ureg_t decoded_value(const struct decoded *load, uint64_t value);

#endif
