// SPDX-License-Identifier: Apache-2.0
/*
 * The hypervisor has found itself wrong: a trap of its own, or a state that cannot be. It trusts itself no further: it
 * stops all CPUs, says where, and ends as `hypervisor: {on_panic: ...}` has it.
 */
#ifndef PANIC_H
#define PANIC_H

#include <stdbool.h>
#include <stdint.h>

/* `what`: the place of an ensure(), or "exception". `sp`: below it on this CPU's stack lies nothing of interest. */
_Noreturn void panic(const char *what, uintptr_t sp);

/* A panic is under way on some CPU: this one stops, if it is another. */
void panic_check(void);

/* What always holds; stays in every build, as it stands only where a wrong state would let VMs reach each other. */
#define PANIC_TEXT_(line) #line
#define PANIC_TEXT(line)  PANIC_TEXT_(line)
#define ensure(condition) ((condition) ? (void)0 : ensure_failed(__FILE__ ":" PANIC_TEXT(__LINE__)))
_Noreturn void ensure_failed(const char *place);

#endif
