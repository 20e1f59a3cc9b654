// SPDX-License-Identifier: Apache-2.0
/*
 * One UART for everyone: lines labelled with their VM, never mixed; input for one VM at a time.
 *
 * A VM's output is collected by line. The VM that has the input also gets its unfinished line shown (a prompt); when
 * another VM's line comes in between, the unfinished one is shown again below it.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_LINE 200u /* bytes; a longer line is continued on the next, labelled again */

struct cpu;
struct vm;

struct vm_console {
    uint32_t length; /* of line */
    bool carriage;   /* the last byte was a carriage return */
    bool idle;       /* the unfinished line is a prompt: nothing has come since the VM said so */
    char line[CONSOLE_LINE];
};

/* One byte of a VM's output. */
void console_put(struct vm *vm, char c);

/* The VM has no more to say for now: show its unfinished line if it has the input. */
void console_idle(struct vm *vm);

/* The VM will say nothing more: show its unfinished line. Where it does not restart, another one gets its input. */
void console_end(struct vm *vm);

/* Bytes have arrived at the UART: give them to the VM that has the input, or act on the escape key. */
void console_input(struct cpu *cpu);

/*
 * A line of the hypervisor's own, with the formats of print.h.
 * Before the console is there, or without one, it goes nowhere.
 */
__attribute__((format(printf, 1, 2))) void console_message(const char *format, ...);

/*
 * Lines that stay together: whoever holds the console prints its rows and releases it soon. Others that print wait.
 */
void console_hold(void);
__attribute__((format(printf, 1, 2))) void console_row(const char *format, ...);
void console_words(const char *title, const uint64_t *words, uint32_t count); /* a row of them in hexadecimal */
void console_release(void);

/*
 * The same as console_hold() for a hypervisor that is about to stop, and never releases it: waits a while for the one that
 * holds it, which may be this CPU itself, and then prints all the same.
 */
void console_seize(void);

#endif
