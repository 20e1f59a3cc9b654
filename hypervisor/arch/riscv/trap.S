// SPDX-License-Identifier: Apache-2.0
/*
 * The way into the hypervisor and back.
 *
 * sscratch always holds this hart's struct cpu. From a guest, what C may clobber is saved there and C is called on the
 * hart's own stack; only an access to be emulated, which may need any register, saves the rest as well. gp and tp are the
 * guest's throughout: the hypervisor uses neither.
 */
#include "arch/cpu.h"
#include "arch/csr.h"
#include "plan.h"

#define PANIC_STACK 1024 /* bytes that a panic needs */
#define X(n) (n * REG_BYTES)(a0)

        .text
        .balign 4
        .globl trap_entry
trap_entry:
        csrrw a0, sscratch, a0
        REG_S t0, CPU_SCRATCH(a0)
        csrr t0, hstatus
        andi t0, t0, HSTATUS_SPV
        beqz t0, trap_own
        REG_L t0, CPU_SCRATCH(a0)
        REG_S ra, X(1)
        REG_S sp, X(2)
        REG_S t0, X(5)
        REG_S t1, X(6)
        REG_S t2, X(7)
        REG_S a1, X(11)
        csrrw t0, sscratch, a0
        REG_S a2, X(12)
        REG_S a3, X(13)
        REG_S a4, X(14)
        REG_S a5, X(15)
        REG_S a6, X(16)
        REG_S a7, X(17)
        REG_S t0, X(10)
        REG_S t3, X(28)
        REG_S t4, X(29)
        REG_S t5, X(30)
        REG_S t6, X(31)
        csrr a1, scause
        REG_L sp, CPU_STACK(a0)
        li t1, EXC_ECALL_VS
        lla ra, trap_return_c
        beq a1, t1, 1f
        bgez a1, trap_other
        tail trap_interrupt                     /* (struct cpu, cause) */
1:      tail trap_call                          /* (struct cpu) */

trap_other:
        REG_S gp, X(3)
        REG_S tp, X(4)
        REG_S s0, X(8)
        REG_S s1, X(9)
        REG_S s2, X(18)
        REG_S s3, X(19)
        REG_S s4, X(20)
        REG_S s5, X(21)
        REG_S s6, X(22)
        REG_S s7, X(23)
        REG_S s8, X(24)
        REG_S s9, X(25)
        REG_S s10, X(26)
        REG_S s11, X(27)
        lla ra, trap_return
        li t1, EXC_STORE_GUEST
        beq a1, t1, 1f
        li t1, EXC_LOAD_GUEST
        bne a1, t1, 2f
        li a1, 0
1:      snez a1, a1
        tail trap_access                        /* (struct cpu, store) */
2:      tail trap_exception                     /* (struct cpu, cause) */
        .globl trap_return
trap_return:
        csrr a0, sscratch
        REG_L gp, X(3)
        REG_L tp, X(4)
        REG_L s0, X(8)
        REG_L s1, X(9)
        REG_L s2, X(18)
        REG_L s3, X(19)
        REG_L s4, X(20)
        REG_L s5, X(21)
        REG_L s6, X(22)
        REG_L s7, X(23)
        REG_L s8, X(24)
        REG_L s9, X(25)
        REG_L s10, X(26)
        REG_L s11, X(27)
trap_return_c:
        csrr a0, sscratch
        REG_L ra, X(1)
        REG_L sp, X(2)
        REG_L t0, X(5)
        REG_L t1, X(6)
        REG_L t2, X(7)
        REG_L a1, X(11)
        REG_L a2, X(12)
        REG_L a3, X(13)
        REG_L a4, X(14)
        REG_L a5, X(15)
        REG_L a6, X(16)
        REG_L a7, X(17)
        REG_L t3, X(28)
        REG_L t4, X(29)
        REG_L t5, X(30)
        REG_L t6, X(31)
        REG_L a0, X(10)
        sret

/*
 * A trap in the hypervisor itself. An access to a guest's memory that faults goes on at its fix-up; anything else is a bug.
 */
trap_own:
        REG_L t0, CPU_FIXUP(a0)
        beqz t0, 1f
        csrw sepc, t0
        REG_S zero, CPU_FIXUP(a0)
        REG_L t0, CPU_SCRATCH(a0)
        csrrw a0, sscratch, a0
        sret
1:      csrw sscratch, a0
        REG_L t1, CPU_STACK(a0)
        mv a0, sp
        sub t2, t1, sp
        li t0, PLAN_STACK_SIZE - PANIC_STACK
        bltu t2, t0, 2f                         /* it is on its stack, with room: what lies there is shown */
        mv sp, t1                               /* it may have met its guard page */
2:      andi sp, sp, -16
        tail trap_panic                         /* (sp as it was) */

/*
 * Access to the guest's memory: (slot of the fix-up, address, where the value is) -> 1 done, 0 it faulted.
 */
        .option push
        .option arch, +h
        .globl guest_read_byte, guest_read_word, guest_write_byte, guest_fetch_half, guest_fill
guest_read_byte:                                /* (fixup slot, address, uint8_t *) */
        lla t0, 9f
        REG_S t0, 0(a0)
        hlv.bu t1, (a1)
        sb t1, 0(a2)
        j 8f
guest_read_word:                                /* (fixup slot, address, ureg_t *) */
        lla t0, 9f
        REG_S t0, 0(a0)
#if __riscv_xlen == 64
        hlv.d t1, (a1)
#else
        hlv.w t1, (a1)
#endif
        REG_S t1, 0(a2)
        j 8f
guest_write_byte:                               /* (fixup slot, address, uint8_t *) */
        lla t0, 9f
        lbu t1, 0(a2)
        REG_S t0, 0(a0)
        hsv.b t1, (a1)
        j 8f
guest_fetch_half:                               /* (fixup slot, address, uint16_t *) */
        lla t0, 9f
        REG_S t0, 0(a0)
        hlvx.hu t1, (a1)
        sh t1, 0(a2)
8:      REG_S zero, 0(a0)
        li a0, 1
        ret
9:      li a0, 0
        ret
/* (address, source or 0, bytes): whole registers; a fault is a bug, so there is no fix-up. */
guest_fill:
        add a2, a2, a0
        li t0, 0
1:      beqz a1, 2f
        REG_L t0, 0(a1)
        addi a1, a1, REG_BYTES
2:
#if __riscv_xlen == 64
        hsv.d t0, (a0)
#else
        hsv.w t0, (a0)
#endif
        addi a0, a0, REG_BYTES
        bltu a0, a2, 1b
        ret
        .option pop
