// SPDX-License-Identifier: Apache-2.0
/*
 * The first instructions of the guest, and its exception vectors. EL1, virtual = physical.
 *
 * The MMU is on before anything is read or written but one entry of the table: without it no memory is cached, and what
 * other CPUs and VMs write to their caches would not be seen. Uninitialised data needs no clearing: it is zeros in the
 * image already.
 */
#include "layout.h"

#define MAIR   0xff04               // attribute 0: device-nGnRE, 1: normal write-back
#define TCR    0x200803519          // 39-bit addresses, 4 KiB pages, cached walks, lower half only, 40 bits out
#define SCTLR  0x30d01805           // RES1 bits; instruction cache, data cache, MMU

    .section .text.start, "ax"
    .global _start
_start:                             // x0 = device tree (Linux boot protocol)
    mov     x20, x0
    adrp    x21, start_first
    add     x21, x21, :lo12:start_first
    // The block that the guest itself lies in is normal memory.
    adrp    x1, _start
    lsr     x1, x1, #30
    adrp    x2, mmu_root
    add     x2, x2, :lo12:mmu_root
    add     x3, x2, x1, lsl #3
    lsl     x1, x1, #30
    ldr     x4, =ENTRY_NORMAL
    orr     x1, x1, x4
    str     x1, [x3]
    dmb     sy
    dc      ivac, x3
    b       enter

    .global _start_secondary
_start_secondary:                   // x0 = the context of PSCI CPU_ON: the function to call
    mov     x20, x0
    adrp    x21, start_secondary
    add     x21, x21, :lo12:start_secondary

enter:
    msr     daifset, #15
    mrs     x0, mpidr_el1           // number: 16 CPUs to a cluster
    ubfx    x1, x0, #8, #8
    and     x0, x0, #0xff
    add     x0, x0, x1, lsl #4
    cmp     x0, #STACKS             // no stack for this one
    b.hs    rest
    ldr     x1, =MAIR
    msr     mair_el1, x1
    ldr     x1, =TCR
    msr     tcr_el1, x1
    adrp    x1, mmu_root
    add     x1, x1, :lo12:mmu_root
    msr     ttbr0_el1, x1
    dsb     sy
    tlbi    vmalle1
    ic      iallu
    dsb     sy
    isb
    ldr     x1, =SCTLR
    msr     sctlr_el1, x1
    isb
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    msr     spsel, #1
    adrp    x1, stacks
    add     x1, x1, :lo12:stacks
    add     x0, x0, #1
    lsl     x0, x0, #STACK_SHIFT
    add     sp, x1, x0
    mov     x0, x20
    blr     x21
rest:
    wfi
    b       rest

    .macro  vector handler
    .balign 128
    b       \handler
    .endm

    .text
    .balign 2048
vectors:
    .rept   4                       // with the stack of EL0: not used
    vector  exception
    .endr
    vector  exception
    vector  interrupt
    vector  interrupt
    vector  exception
    .rept   8                       // from EL0: not used
    vector  exception
    .endr

    // Saves what a C function may change. Traps do not nest.
    .macro  save
    sub     sp, sp, #FRAME_SIZE
    stp     x0, x1, [sp, #32]
    stp     x2, x3, [sp, #48]
    stp     x4, x5, [sp, #64]
    stp     x6, x7, [sp, #80]
    stp     x8, x9, [sp, #96]
    stp     x10, x11, [sp, #112]
    stp     x12, x13, [sp, #128]
    stp     x14, x15, [sp, #144]
    stp     x16, x17, [sp, #160]
    stp     x18, x30, [sp, #176]
    mrs     x0, elr_el1             // struct trap, and SPSR behind it
    mrs     x1, esr_el1
    stp     x0, x1, [sp]
    mrs     x0, far_el1
    mrs     x1, spsr_el1
    stp     x0, x1, [sp, #16]
    .endm

interrupt:
    save
    bl      irq_take
    b       restore
exception:
    save
    mov     x0, sp
    bl      trap_handle             // (struct trap *)
restore:
    ldp     x0, x1, [sp]
    msr     elr_el1, x0
    ldr     x1, [sp, #24]
    msr     spsr_el1, x1
    ldp     x2, x3, [sp, #48]
    ldp     x4, x5, [sp, #64]
    ldp     x6, x7, [sp, #80]
    ldp     x8, x9, [sp, #96]
    ldp     x10, x11, [sp, #112]
    ldp     x12, x13, [sp, #128]
    ldp     x14, x15, [sp, #144]
    ldp     x16, x17, [sp, #160]
    ldp     x18, x30, [sp, #176]
    ldp     x0, x1, [sp, #32]
    add     sp, sp, #FRAME_SIZE
    eret

    .data
    .balign 4096
    .global mmu_root
mmu_root:                           // blocks of 1 GiB, all of them device memory
    .set    gib, 0
    .rept   512
    .quad   gib << 30 | ENTRY_DEVICE
    .set    gib, gib + 1
    .endr

    .section .bss.stacks, "aw", @nobits
    .balign 16
stacks:
    .space  STACKS << STACK_SHIFT
