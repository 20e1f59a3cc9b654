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
    unsigned long sepc, sstatus, scause, stval, sscratch, sie, sip, senvcfg, scounteren;
    unsigned long hstatus, hgatp, hedeleg, hideleg, hcounteren, henvcfg, hvip, hip, hie, htval, htinst;
    unsigned long vsstatus, vsie, vstvec, vsscratch, vsepc, vscause, vstval, vsatp, vstimecmp, time;
};

/* Of the hart that runs (fake_run_as). */
extern struct fake_csrs *csrs;

#define csr_read(csr)         (csrs->csr)
#define csr_write(csr, value) ((void)(csrs->csr = (unsigned long)(value)))
#define csr_set(csr, value)   ((void)(csrs->csr |= (unsigned long)(value)))
#define csr_clear(csr, value) ((void)(csrs->csr &= ~(unsigned long)(value)))

#endif
