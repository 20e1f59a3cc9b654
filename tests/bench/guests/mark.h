// SPDX-License-Identifier: Apache-2.0
/*
 * Points in a guest between which the hypervisor's instructions are counted. A mark is one nop with a name; what is
 * counted between two marks are instructions of the hypervisor, so that the guest's own code does not matter.
 */
#ifndef MARK_H
#define MARK_H

#define MARK(name) __asm__ volatile(".global mark_" #name "\nmark_" #name ": nop" ::: "memory")

/* A function with marks in it: there may be one copy of it alone. */
#define MARKED __attribute__((noinline, noclone))

/* Each guest links at an address of its own, where neither firmware nor hypervisor nor another guest has code. */
#define GUEST_AT(address) __asm__(".global GUEST_BASE\nGUEST_BASE = " #address "\n")

#endif
