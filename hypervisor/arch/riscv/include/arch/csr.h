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

/* Interrupt numbers. */
#define IRQ_S_SOFT   1
#define IRQ_VS_SOFT  2
#define IRQ_S_TIMER  5
#define IRQ_VS_TIMER 6
#define IRQ_S_EXT    9
#define IRQ_VS_EXT   10

/* Exception numbers. */
#define EXC_ILLEGAL         2
#define EXC_LOAD_ACCESS     5
#define EXC_STORE_ACCESS    7
#define EXC_ECALL_VS        10
#define EXC_FETCH_GUEST     20
#define EXC_LOAD_GUEST      21
#define EXC_VIRTUAL         22
#define EXC_STORE_GUEST     23

/* What the guest handles itself: all of its own exceptions and all VS interrupts. */
#define HEDELEG_GUEST 0xb1ff
#define HIDELEG_GUEST ((1 << IRQ_VS_SOFT) | (1 << IRQ_VS_TIMER) | (1 << IRQ_VS_EXT))

/* cycle, time, instret */
#define HCOUNTEREN_GUEST 7

#ifndef __ASSEMBLER__
#define csr_read(csr)                                             \
    ({                                                            \
        unsigned long value_;                                     \
        __asm__ volatile("csrr %0, " #csr : "=r"(value_)::"memory"); \
        value_;                                                   \
    })
#define csr_write(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"rK"((unsigned long)(value)) : "memory")
#define csr_set(csr, value)   __asm__ volatile("csrs " #csr ", %0" ::"rK"((unsigned long)(value)) : "memory")
#define csr_clear(csr, value) __asm__ volatile("csrc " #csr ", %0" ::"rK"((unsigned long)(value)) : "memory")
#endif

#endif
