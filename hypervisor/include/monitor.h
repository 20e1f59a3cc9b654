// SPDX-License-Identifier: Apache-2.0
/* What a person at the console can see and do behind the escape key; linked where PLAN_MONITOR is 1. */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>

struct vm;

/* The monitor has a command on this key. */
bool monitor_knows(char key);

/* Carry it out on the VM that has the input. Takes the console for one line at a time; no lock is held. */
void monitor_act(char key, struct vm *vm);

/* Rows for the help; the console is held. */
void monitor_help(void);

#endif
