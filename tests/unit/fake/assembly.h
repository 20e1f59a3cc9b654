// SPDX-License-Identifier: Apache-2.0
/*
 * Included before every file of the hypervisor: `__asm__ volatile(text ...)` becomes a call of fake_assembly(text), and
 * `register T name __asm__("register")` a plain variable. So the files compile unchanged on the host.
 */
#ifndef FAKE_ASSEMBLY_H
#define FAKE_ASSEMBLY_H

int fake_assembly(const char *text);

#define __asm__(...)
#define volatile(...) ("" : : "r"(fake_assembly(#__VA_ARGS__)))

#endif
