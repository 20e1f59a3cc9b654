// SPDX-License-Identifier: Apache-2.0
/* The real numbers and bits; the registers themselves are variables, a set for each hart. */
#ifndef FAKE_CSR_H
#define FAKE_CSR_H

#include_next "arch/csr.h"

#undef csr_read
#undef csr_write
#undef csr_set
#undef csr_clear
#undef csr_swap

struct fake_csrs {
    unsigned long sepc, sstatus, scause, stval, sscratch, sie, sip, senvcfg, scounteren, sstateen0;
    unsigned long hstatus, hgatp, hedeleg, hideleg, hcounteren, henvcfg, hvip, hip, hie, htval, htinst, hstateen0;
    unsigned long vsstatus, vsie, vstvec, vsscratch, vsepc, vscause, vstval, vsatp, vstimecmp, stimecmp, time;
    /* Of the IMSIC (arch/imsic.h): what is reached by way of siselect and vsiselect, and the interrupt to be claimed. */
    unsigned long siselect, vsiselect, s_file[256], vs_file[256], stopei, hgeie, hvien, hvictl, hviprio1, hviprio2;
};

/* Of the hart that runs (fake_run_as). */
extern struct fake_csrs *csrs;

#define csr_read(csr)         (csrs->csr)
#define csr_write(csr, value) ((void)(csrs->csr = (unsigned long)(value)))
#define csr_set(csr, value)   ((void)(csrs->csr |= (unsigned long)(value)))
#define csr_clear(csr, value) ((void)(csrs->csr &= ~(unsigned long)(value)))
#define csr_swap(csr, value)               \
    __extension__({                        \
        unsigned long before_ = csrs->csr; \
        csrs->csr = (value);               \
        before_;                           \
    })

#endif
