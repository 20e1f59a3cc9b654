// SPDX-License-Identifier: Apache-2.0
/* The real numbers; the call goes to fake.c instead of the firmware. */
#ifndef FAKE_SBI_H
#define FAKE_SBI_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma push_macro("__asm__")
#pragma push_macro("volatile")
#undef __asm__
#undef volatile
#define __asm__(...)
#define volatile(...) ("")
#define sbi_call sbi_call_of_hardware
#include_next "arch/sbi.h"
#undef sbi_call
#pragma pop_macro("volatile")
#pragma pop_macro("__asm__")
#pragma GCC diagnostic pop

struct sbi_result sbi_call(ureg_t extension, ureg_t function, ureg_t arg0, ureg_t arg1, ureg_t arg2, ureg_t arg3,
                           ureg_t arg4);

#endif
