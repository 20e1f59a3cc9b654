// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "string.h"

static struct spinlock lock;

struct field {
    uint32_t width;
    bool left;
    bool zero;
};

static void put(char c)
{
    if (c == '\n') {
        console_putc('\r');
    }
    console_putc(c);
}

static void put_field(const struct field *field, const char *text, size_t length)
{
    const size_t gap = field->width > length ? field->width - length : 0;

    if (!field->left) {
        for (size_t i = 0; i < gap; i++) {
            put(field->zero ? '0' : ' ');
        }
    }
    for (size_t i = 0; i < length; i++) {
        put(text[i]);
    }
    if (field->left) {
        for (size_t i = 0; i < gap; i++) {
            put(' ');
        }
    }
}

static void put_number(const struct field *field, uint64_t value, uint32_t base, bool negative)
{
    char digits[24];
    char *at = digits + sizeof digits;

    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        *--at = '-';
    }
    put_field(field, at, (size_t)(digits + sizeof digits - at));
}

static void put_format(const char *format, va_list arguments)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        struct field field = {0};
        bool wide = false;
        for (format++; *format == '0' || *format == '-'; format++) {
            field.zero |= *format == '0';
            field.left |= *format == '-';
        }
        for (; *format >= '0' && *format <= '9'; format++) {
            field.width = 10 * field.width + (uint32_t)(*format - '0');
        }
        for (; *format == 'l' || *format == 'z'; format++) {
            wide = true;
        }
        switch (*format) {
        case 'd':
        case 'i': {
            const int64_t value = wide ? va_arg(arguments, long) : va_arg(arguments, int);
            put_number(&field, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0);
            break;
        }
        case 'u':
            put_number(&field, wide ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned), 10, false);
            break;
        case 'x':
            put_number(&field, wide ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned), 16, false);
            break;
        case 'p':
            put('0');
            put('x');
            put_number(&field, (uintptr_t)va_arg(arguments, void *), 16, false);
            break;
        case 's': {
            const char *text = va_arg(arguments, const char *);
            put_field(&field, text, strlen(text));
            break;
        }
        case 'c':
            put((char)va_arg(arguments, int));
            break;
        case '\0':
            return;
        default:
            put(*format);
        }
    }
}

void printf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    const unsigned long state = spin_lock(&lock);
    put_format(format, arguments);
    spin_unlock(&lock, state);
    va_end(arguments);
}
