// SPDX-License-Identifier: Apache-2.0
/* The guest's console: the UART that the device tree names (ns16550a, PL011), else that of the firmware. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>

/* Finds the console in the device tree. Called by the runtime before guest_main. */
void console_init(void);

void console_putc(char c);

/* The next character typed, or -1 when there is none. Never waits. */
int console_getc(void);

/* Calls `handler` from the interrupt for each character typed. False when the console has no interrupt. */
bool console_on_input(void (*handler)(char c));

/*
 * Formatted output, whole for each call: two CPUs never mix theirs. Takes %c %s %d %i %u %x %p %%, the lengths l, ll and
 * z, a field width and the flags 0 and -. A newline becomes a carriage return and a newline.
 */
void printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
