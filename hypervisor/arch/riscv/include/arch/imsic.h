// SPDX-License-Identifier: Apache-2.0
/* A hart's IMSIC and what goes with it, by number: the assembler need not know it. Source: AIA specification 1.0, ch. 2, 3. */
#ifndef ARCH_IMSIC_H
#define ARCH_IMSIC_H

#define CSR_SISELECT  0x150
#define CSR_SIREG     0x151
#define CSR_STOPEI    0x15c
#define CSR_VSISELECT 0x250
#define CSR_VSIREG    0x251
#define CSR_HGEIE     0x607
#define CSR_HVIEN     0x608
#define CSR_HVICTL    0x609
#define CSR_HVIPRIO1  0x646
#define CSR_HVIPRIO2  0x647

/* Which of a hart's guest interrupt files is its vCPU's: hstatus.VGEIN. */
#define IMSIC_GUEST_FILE 1u

/* Indirectly accessed registers. */
#define IMSIC_EIDELIVERY  0x70
#define IMSIC_EITHRESHOLD 0x72
#define IMSIC_EIP         0x80 /* 64 words of 32 bits; on RV64 the even ones hold 64 */
#define IMSIC_EIE         0xc0

#endif
