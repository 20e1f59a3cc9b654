// SPDX-License-Identifier: Apache-2.0
#include "psci.h"

#include <stdint.h>

#include "firmware.h"

long psci_call(unsigned long function, unsigned long a1, unsigned long a2, unsigned long a3)
{
    register unsigned long x0 __asm__("x0") = function;
    register unsigned long x1 __asm__("x1") = a1;
    register unsigned long x2 __asm__("x2") = a2;
    register unsigned long x3 __asm__("x3") = a3;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    return (long)x0;
}

/* There is no console in firmware. */
void firmware_putc(char c)
{
    (void)c;
}

int firmware_getc(void)
{
    return -1;
}

long firmware_ring(uint32_t id, uint32_t event)
{
    return psci_call(HYPERCALL_IPC, id, event, 0);
}

long firmware_call(uint32_t number, unsigned long a0, unsigned long a1, unsigned long *value)
{
    register unsigned long x0 __asm__("x0") = ((unsigned long)HYPERCALL_IPC & ~0xfful) + number;
    register unsigned long x1 __asm__("x1") = a0;
    register unsigned long x2 __asm__("x2") = a1;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2)::"x3", "memory");
    if (value != 0) {
        *value = x1;
    }
    return (long)x0;
}
