// SPDX-License-Identifier: Apache-2.0
#include "sbi.h"

#include <stdint.h>

#include "firmware.h"

struct sbi_result sbi_call(unsigned long extension, unsigned long function, unsigned long a0, unsigned long a1,
                           unsigned long a2, unsigned long a3, unsigned long a4)
{
    register unsigned long r0 __asm__("a0") = a0;
    register unsigned long r1 __asm__("a1") = a1;
    register unsigned long r2 __asm__("a2") = a2;
    register unsigned long r3 __asm__("a3") = a3;
    register unsigned long r4 __asm__("a4") = a4;
    register unsigned long r6 __asm__("a6") = function;
    register unsigned long r7 __asm__("a7") = extension;

    __asm__ volatile("ecall" : "+r"(r0), "+r"(r1) : "r"(r2), "r"(r3), "r"(r4), "r"(r6), "r"(r7) : "memory");
    return (struct sbi_result){.error = (long)r0, .value = (long)r1};
}

void firmware_putc(char c)
{
    sbi_call(SBI_DBCN, SBI_DBCN_WRITE_BYTE, (unsigned char)c, 0, 0, 0, 0);
}

int firmware_getc(void)
{
    char c;
    const struct sbi_result result = sbi_call(SBI_DBCN, SBI_DBCN_READ, 1, (uintptr_t)&c, 0, 0, 0);

    return result.error == 0 && result.value == 1 ? (unsigned char)c : -1;
}

long firmware_ring(uint32_t id, uint32_t event)
{
    /* The result comes back in a1, as in Bao. */
    return sbi_call(SBI_BAO, SBI_BAO_IPC, id, event, 0, 0, 0).value;
}

long firmware_call(uint32_t number, unsigned long a0, unsigned long a1, unsigned long *value)
{
    const struct sbi_result result = sbi_call(SBI_BAO, number, a0, a1, 0, 0, 0);

    if (value != 0) {
        *value = (unsigned long)result.value;
    }
    /* SBI's names for the same: failed, not supported, invalid parameter. */
    return -result.error;
}
