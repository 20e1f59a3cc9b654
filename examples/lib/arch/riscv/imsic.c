// SPDX-License-Identifier: Apache-2.0
/* The CPUs' interrupt files. Source: RISC-V Advanced Interrupt Architecture 1.0, chapter 3. */
#include "cpu.h"
#include "csr.h"
#include "fdt.h"
#include "irqchip.h"

#define EIDELIVERY  0x70
#define EITHRESHOLD 0x72
#define EIE         0xc0 /* a register of the CPU's width each; of a 64-bit CPU the even ones */

#define PAGE 0x1000u

static uintptr_t files;
static uint32_t count; /* highest identity */

bool imsic_find(void)
{
    const int node = fdt_find_compatible(FDT_NONE, "riscv,imsics");
    uint64_t address, size;

    if (!fdt_reg(node, 0, &address, &size)) {
        return false;
    }
    files = (uintptr_t)address;
    count = fdt_cell(node, "riscv,num-ids", 0, 0);
    return true;
}

static void write(unsigned long reg, unsigned long value)
{
    csr_write(siselect, reg);
    csr_write(sireg, value);
}

bool imsic_enable(uint32_t identity)
{
    const uint32_t width = sizeof(unsigned long) * 8;

    if (identity > count) {
        return false;
    }
    write(EIDELIVERY, 1);
    write(EITHRESHOLD, 0);
    csr_write(siselect, EIE + identity / width * (width / 32));
    csr_set(sireg, 1ul << identity % width);
    csr_set(sie, 1ul << IRQ_EXTERNAL);
    return true;
}

bool imsic_send(uint32_t cpu, uint32_t identity)
{
    if (count == 0) {
        return false;
    }
    /* What was written before is seen by whoever takes the interrupt. */
    __asm__ volatile("fence w, o" ::: "memory");
    *(volatile uint32_t *)(files + PAGE * cpu) = identity;
    return true;
}

uint32_t imsic_claim(void)
{
    unsigned long top;

    __asm__ volatile("csrrw %0, stopei, zero" : "=r"(top)::"memory");
    return (uint32_t)(top >> 16);
}
