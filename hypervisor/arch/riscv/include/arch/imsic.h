// SPDX-License-Identifier: Apache-2.0
/* A hart's IMSIC, by number: the assembler need not know it. Source: RISC-V Advanced Interrupt Architecture 1.0, ch. 2, 3. */
#ifndef ARCH_IMSIC_H
#define ARCH_IMSIC_H

#define CSR_SISELECT  0x150
#define CSR_SIREG     0x151
#define CSR_STOPEI    0x15c
#define CSR_VSISELECT 0x250
#define CSR_VSIREG    0x251

/* Indirectly accessed registers. */
#define IMSIC_EIDELIVERY  0x70
#define IMSIC_EITHRESHOLD 0x72
#define IMSIC_EIP         0x80 /* 64 words of 32 bits; on RV64 the even ones hold 64 */
#define IMSIC_EIE         0xc0

#endif
