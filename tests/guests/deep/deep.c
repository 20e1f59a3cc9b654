// SPDX-License-Identifier: Apache-2.0
/* Calls a few functions, the last of which stores where nothing is. Its frame pointers lead back the way it came. */
#pragma GCC optimize("no-omit-frame-pointer", "no-optimize-sibling-calls")

#include <stdint.h>

#include "console.h"
#include "cpu.h"

#define NOWHERE 0xf0000000ul

void store_nowhere(void);
void open_valve(int depth);
void control_loop(void);

__attribute__((noipa)) void store_nowhere(void)
{
    *(volatile uint32_t *)NOWHERE = 1;
}

__attribute__((noipa)) void open_valve(int depth)
{
    if (depth > 0)
        open_valve(depth - 1);
    else
        store_nowhere();
    __asm__ volatile("" ::: "memory");
}

__attribute__((noipa)) void control_loop(void)
{
    open_valve(1);
    __asm__ volatile("" ::: "memory");
}

#if defined(__riscv) && defined(TRANSLATED)
/* All memory once more, 0x40000000 higher: what a report shows are this guest's own addresses. */
#define SV39 (8ul << (sizeof(long) * 8 - 4))

static uint64_t root[512] __attribute__((aligned(4096)));

void call_higher(void (*function)(void));
__asm__("call_higher:\n"
        "    li t0, 0x40000000\n"
        "    addi sp, sp, -16\n"
        "    add sp, sp, t0\n"
        "    add a0, a0, t0\n"
        "    li s0, 0\n"
        "    jalr a0\n"
        "1:  j 1b\n");

static void start(void)
{
    for (uint64_t i = 0; i < 4; i++)
        root[i] = (uint64_t)(i == 3 ? 2 : i) << 28 | 0xcf; /* Sv39: a leaf of 1 GiB, V R W X A D */
    __asm__ volatile("sfence.vma\n\tcsrw satp, %0\n\tsfence.vma" ::"r"(SV39 | (uintptr_t)root >> 12) : "memory");
    call_higher(control_loop);
}
#else
static void start(void)
{
    control_loop();
}
#endif

void guest_main(void)
{
    printf("down\n");
    start();
    printf("nobody has stopped it\n");
    power_off();
}
