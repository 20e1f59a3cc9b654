// SPDX-License-Identifier: Apache-2.0
/* The real numbers; the call goes to fake.c instead of the firmware. */
#ifndef FAKE_PSCI_H
#define FAKE_PSCI_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma push_macro("__asm__")
#pragma push_macro("volatile")
#undef __asm__
#undef volatile
#define __asm__(...)
#define volatile(...) ("")
#define psci_call psci_call_of_hardware
#define psci_pass psci_pass_of_hardware
#include_next "arch/psci.h"
#undef psci_call
#undef psci_pass
#pragma pop_macro("volatile")
#pragma pop_macro("__asm__")
#pragma GCC diagnostic pop

long psci_call(uint32_t function, uint64_t arg0, uint64_t arg1, uint64_t arg2);
void psci_pass(uint64_t *x);

#endif
