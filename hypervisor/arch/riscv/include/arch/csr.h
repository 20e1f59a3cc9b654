// SPDX-License-Identifier: Apache-2.0
/* CSRs and their bits. Source: The RISC-V Instruction Set Manual, Volume II (Privileged), chapters 10 and 18 (hypervisor). */
#ifndef ARCH_CSR_H
#define ARCH_CSR_H

#define SSTATUS_SIE  (1 << 1)
#define SSTATUS_SPIE (1 << 5)
#define SSTATUS_SPP  (1 << 8)
#define SSTATUS_VS   (3 << 9)
#define SSTATUS_FS   (3 << 13)
#define HSTATUS_SPV  (1 << 7)
#define HSTATUS_SPVP (1 << 8)

/* VSBE, GVA, SPV, SPVP, HU, VTVM, VTW, VTSR: what a fresh vCPU has clear, before SPV and SPVP are set. */
#define HSTATUS_RESET 0x7003e0

/* The guest has sstateen0. */
#define HSTATEEN0_SE0 0x8000000000000000ull

/* Which guest interrupt file is the vCPU's. */
#define HSTATUS_VGEIN_SHIFT 12
#define HSTATUS_VGEIN       (0x3ful << HSTATUS_VGEIN_SHIFT)

/* Interrupt numbers. */
#define IRQ_S_SOFT   1
#define IRQ_VS_SOFT  2
#define IRQ_S_TIMER  5
#define IRQ_VS_TIMER 6
#define IRQ_S_EXT    9
#define IRQ_VS_EXT   10
#define IRQ_OVERFLOW 13 /* local counter overflow (Sscofpmf) */

/* Exception numbers. */
#define EXC_ILLEGAL      2
#define EXC_LOAD_ACCESS  5
#define EXC_STORE_ACCESS 7
#define EXC_ECALL_VS     10
#define EXC_FETCH_GUEST  20
#define EXC_LOAD_GUEST   21
#define EXC_VIRTUAL      22
#define EXC_STORE_GUEST  23

/* What the guest handles itself: all of its own exceptions and all VS interrupts. */
#define HEDELEG_GUEST 0xb1ff
#define HIDELEG_GUEST ((1 << IRQ_VS_SOFT) | (1 << IRQ_VS_TIMER) | (1 << IRQ_VS_EXT))

/* All counters: they are this hart's, and count what its guest has asked for. Of its user space cycle, time, instret. */
#define HCOUNTEREN_GUEST 0xffffffff
#define SCOUNTEREN_GUEST 7

#ifndef __ASSEMBLER__
#include <stdint.h>

/* By name or number. */
#define csr_read(csr)       csr_read_(csr)
#define csr_write(csr, v)   csr_do_("csrw", csr, v)
#define csr_set(csr, v)     csr_do_("csrs", csr, v)
#define csr_clear(csr, v)   csr_do_("csrc", csr, v)
#define csr_swap(csr, v)    csr_swap_(csr, v)
#define csr_do_(op, csr, v) csr_op_(op, csr, v)

/* A register of 64 bits, which RV32 has in two halves. */
#if __riscv_xlen == 64
#define csr_read64(csr)     ((uint64_t)csr_read(csr))
#define csr_write64(csr, v) csr_write(csr, v)
#else
#define csr_read64(csr) ((uint64_t)csr_read(csr##h) << 32 | csr_read(csr))
#define csr_write64(csr, v)                     \
    do {                                        \
        csr_write(csr, v);                      \
        csr_write(csr##h, (uint64_t)(v) >> 32); \
    } while (0)
#endif

#define csr_op_(op, csr, v) __asm__ volatile(op " " #csr ", %0" ::"rK"((unsigned long)(v)) : "memory")
#define csr_read_(csr)                                               \
    __extension__({                                                  \
        unsigned long value_;                                        \
        __asm__ volatile("csrr %0, " #csr : "=r"(value_)::"memory"); \
        value_;                                                      \
    })
#define csr_swap_(csr, v)                                                                                \
    __extension__({                                                                                      \
        unsigned long value_;                                                                            \
        __asm__ volatile("csrrw %0, " #csr ", %1" : "=r"(value_) : "rK"((unsigned long)(v)) : "memory"); \
        value_;                                                                                          \
    })
#endif

#endif
