// SPDX-License-Identifier: Apache-2.0
/* System registers and their bits. Source: Arm Architecture Reference Manual for A-profile (DDI 0487), part D. */
#ifndef ARCH_SYSREG_H
#define ARCH_SYSREG_H

#define SYSREG_TEXT_(name) #name
#define SYSREG_TEXT(name)  SYSREG_TEXT_(name)

#define sysreg_read(name)                                                        \
    __extension__({                                                              \
        unsigned long value_;                                                    \
        __asm__ volatile("mrs %0, " SYSREG_TEXT(name) : "=r"(value_)::"memory"); \
        value_;                                                                  \
    })
#define sysreg_write(name, value) \
    __asm__ volatile("msr " SYSREG_TEXT(name) ", %0" ::"r"((unsigned long)(value)) : "memory")
#define isb() __asm__ volatile("isb" ::: "memory")

/*
 * HCR_EL2 while a guest runs: stage 2 on, AArch64, physical interrupts and SErrors to EL2, SMC and
 * implementation-defined registers trapped, pointer authentication and memory tags the guest's own. An access that the bus
 * refuses is the guest's own exception, as it is without a hypervisor (HCR_EL2.TEA = 0).
 */
#define HCR_VM    (1ul << 0)
#define HCR_SWIO  (1ul << 1)
#define HCR_FMO   (1ul << 3)
#define HCR_IMO   (1ul << 4)
#define HCR_AMO   (1ul << 5)
#define HCR_TSC   (1ul << 19)
#define HCR_TIDCP (1ul << 20)
#define HCR_TACR  (1ul << 21)
#define HCR_RW    (1ul << 31)
#define HCR_APK   (1ul << 40)
#define HCR_API   (1ul << 41)
#define HCR_ATA   (1ul << 56)
#define HCR_GUEST                                                                                                    \
    (HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_RW | HCR_APK | HCR_API | \
     HCR_ATA)

#define HCR_GUEST_DIRECT (HCR_GUEST & ~HCR_IMO) /* interrupts of Group 1 are the guest's; FIQs stay ours */

#define CPTR_NO_TRAPS    0x32fful /* RES1 bits; floating point, SIMD and SVE are the guest's */
#define CNTHCTL_GUEST    3ul /* the physical counter and timer are readable and harmless: its interrupt stays shut */
#define SCTLR_EL1_RESET  0x30c50830ul /* RES1 bits: MMU and caches off */
#define SPSR_EL1H        5ul          /* its mode */
#define SPSR_EL1H_MASKED 0x3c5ul      /* EL1 with its own stack, interrupts masked */

/* SPSR_EL2 */
#define SPSR_MODE    0xful /* 0: EL0, 4 and 5: EL1 with the stack of EL0 and with its own */
#define SPSR_AARCH32 (1ul << 4)
#define SPSR_THUMB   (1ul << 5) /* AArch32 */
#define SPSR_STEP    (1ul << 21)
#define SPSR_PAN     (1ul << 22)
#define SPSR_FLAGS   (0xful << 28)
#define SCTLR_SPAN   (1ul << 23) /* SCTLR_EL1: an exception leaves PSTATE.PAN as it is */

/* ESR_ELx.EC */
#define EC(esr)        ((uint32_t)((esr) >> 26 & 0x3f))
#define EC_UNKNOWN     0x00u
#define EC_HVC         0x16u
#define EC_SMC         0x17u
#define EC_SYSREG      0x18u
#define EC_FETCH_LOWER 0x20u
#define EC_DATA_LOWER  0x24u
#define EC_DATA_SAME   0x25u

#define ESR_IL (1ul << 25)

/* ISS of a data abort */
#define ISS_ISV   (1ul << 24)
#define ISS_SSE   (1ul << 21)
#define ISS_SF    (1ul << 15)
#define ISS_CM    (1ul << 8) /* cache maintenance */
#define ISS_S1PTW (1ul << 7)
#define ISS_WNR   (1ul << 6)
#define ISS_FAULT 0x3ful

/* Fault status codes: bits 1 to 0 of the first are the level of the walk. */
#define FAULT_PERMISSION       0x0cul
#define FAULT_MAPPING_END      0x10ul /* those below: address size, translation, access flag, permission */
#define FAULT_EXTERNAL         0x10ul
#define FAULT_EXTERNAL_ON_WALK 0x13ul /* to 0x17 */
#define FAULT_CONFLICT         0x30ul
#define FAULT_LOCKDOWN         0x34ul
#define FAULT_EXCLUSIVE        0x35ul /* of a kind that the memory does not take */

/* How it is given away which sysreg was accessed: ISS without the register number and the direction. */
#define SYSREG_ISS(op0, op1, crn, crm, op2) ((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)

#endif
