// SPDX-License-Identifier: Apache-2.0
/* Access to control and status registers by name or number, and the bits that the runtime uses. */
#ifndef CSR_H
#define CSR_H

#define csr_read(csr)                                                \
    ({                                                               \
        unsigned long value_;                                        \
        __asm__ volatile("csrr %0, " #csr : "=r"(value_)::"memory"); \
        value_;                                                      \
    })
#define csr_write(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"rK"((unsigned long)(value)) : "memory")
#define csr_set(csr, bits)    __asm__ volatile("csrs " #csr ", %0" ::"rK"((unsigned long)(bits)) : "memory")
#define csr_clear(csr, bits)  __asm__ volatile("csrc " #csr ", %0" ::"rK"((unsigned long)(bits)) : "memory")

#define SSTATUS_SIE 2ul

/* Interrupts of the supervisor: cause number, and bit in sie and sip. */
enum { IRQ_SOFTWARE = 1, IRQ_TIMER = 5, IRQ_EXTERNAL = 9 };

#endif
