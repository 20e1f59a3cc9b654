// SPDX-License-Identifier: Apache-2.0
/* Access to system registers by name, or by encoding: S3_0_C12_C12_0. */
#ifndef SYSREG_H
#define SYSREG_H

#define sysreg_read(name)                                            \
    __extension__({                                                  \
        unsigned long value_;                                        \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)::"memory"); \
        value_;                                                      \
    })
#define sysreg_write(name, value) __asm__ volatile("msr " #name ", %x0" ::"rZ"((unsigned long)(value)) : "memory")

static inline void isb(void)
{
    __asm__ volatile("isb" ::: "memory");
}

static inline void dsb(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

#endif
