// SPDX-License-Identifier: Apache-2.0
/* The real bits; the registers themselves are variables, a set for each CPU. */
#ifndef FAKE_SYSREG_H
#define FAKE_SYSREG_H

#include_next "arch/sysreg.h"

#undef sysreg_read
#undef sysreg_write

struct fake_sysregs {
    unsigned long pmccntr_el0, pmccfiltr_el0, pmcntenset_el0, pmcntenclr_el0, pmintenset_el1, pmintenclr_el1,
        pmovsclr_el0;
    unsigned long pmselr_el0, pmxevcntr_el0, pmxevtyper_el0;
    unsigned long cnthp_ctl_el2, cnthp_cval_el2;
    unsigned long cnthctl_el2, cntkctl_el1, cntp_ctl_el0, cntfrq_el0, cntpct_el0, cntv_ctl_el0, cntvoff_el2,
        contextidr_el1, cpacr_el1;
    unsigned long cptr_el2, elr_el1, elr_el2, esr_el1, esr_el2, far_el1, far_el2, hcr_el2, hpfar_el2, hstr_el2,
        mair_el1;
    unsigned long mdcr_el2, mdscr_el1, midr_el1, mpidr_el1, pmcr_el0, id_aa64dfr0_el1, id_aa64mmfr1_el1, sctlr_el1,
        sp_el0, sp_el1;
    unsigned long spsr_el1, spsr_el2, tcr_el1, tpidr_el0, tpidr_el1, tpidr_el2, tpidrro_el0, ttbr0_el1, ttbr0_el2,
        ttbr1_el1, vbar_el1, par_el1, amair_el1, afsr0_el1, afsr1_el1;
    unsigned long vmpidr_el2, vpidr_el2, vtcr_el2, vttbr_el2;
    /* Of the GICv3, as drivers/gicv3.c names them. */
    unsigned long S3_4_C12_C9_5, S3_0_C4_C6_0, S3_0_C12_C12_3, S3_0_C12_C12_4, S3_0_C12_C12_7, S3_0_C12_C12_0;
    unsigned long S3_0_C12_C12_1, S3_0_C12_C11_1, S3_0_C12_C11_5, S3_4_C12_C9_0, S3_4_C12_C11_0, S3_4_C12_C11_1;
    unsigned long S3_4_C12_C11_7, S3_4_C12_C11_5, S3_0_C12_C8_0, S3_0_C12_C8_1, S3_0_C12_C8_3, S3_0_C12_C9_0;
    unsigned long S3_0_C12_C9_1, S3_0_C12_C9_2, S3_0_C12_C9_3, S3_0_C12_C11_3, S3_0_C12_C12_2, S3_0_C12_C12_6;
    unsigned long S3_4_C12_C12_0, S3_4_C12_C12_1, S3_4_C12_C12_2, S3_4_C12_C12_3, S3_4_C12_C12_4, S3_4_C12_C12_5;
    unsigned long S3_4_C12_C12_6, S3_4_C12_C12_7, S3_4_C12_C13_0, S3_4_C12_C13_1, S3_4_C12_C13_2, S3_4_C12_C13_3;
    unsigned long S3_4_C12_C13_4, S3_4_C12_C13_5, S3_4_C12_C13_6, S3_4_C12_C13_7;
};

/* Of the CPU that runs (fake_run_as). */
extern struct fake_sysregs *sysregs;

/* Called before a register is read and after one was written. */
void fake_sysreg_read(const unsigned long *reg);
void fake_sysreg_written(const unsigned long *reg);

/* The same, of a test that has counters of its own; another need not have them. */
void fake_pmu_read(const unsigned long *reg);
void fake_pmu_written(const unsigned long *reg);

#define sysreg_read(name)         (fake_sysreg_read(&sysregs->name), sysregs->name)
#define sysreg_write(name, value) (sysregs->name = (unsigned long)(value), fake_sysreg_written(&sysregs->name))

#endif
