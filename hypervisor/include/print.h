// SPDX-License-Identifier: Apache-2.0
#ifndef PRINT_H
#define PRINT_H

#include <stdarg.h>

/* Format as printf does: %s %c %u %x %%, with l or ll, and a width (%08x, %8u). Nothing else. */
void print_format(void (*put)(char), const char *format, va_list arguments);

#endif
