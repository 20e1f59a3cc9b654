// SPDX-License-Identifier: Apache-2.0
#include "print.h"

#include <stdint.h>

static void print_number(void (*put)(char), unsigned long long value, unsigned base, unsigned width, char fill)
{
    char digits[20];
    unsigned count = 0;

    /* Hexadecimal of any size; decimals only as wide as a register, so that 32-bit targets need no long division. */
    do {
        unsigned digit = base == 16 ? (unsigned)(value & 15) : (unsigned)((unsigned long)value % 10);

        digits[count++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
        value = base == 16 ? value >> 4 : (unsigned long)value / 10;
    } while (value != 0);
    for (; width > count; width--)
        put(fill);
    while (count > 0)
        put(digits[--count]);
}

void print_format(void (*put)(char), const char *format, va_list arguments)
{
    for (; *format != '\0'; format++) {
        unsigned width = 0;
        unsigned longs = 0;
        char fill;
        unsigned long long value;

        if (*format != '%') {
            put(*format);
            continue;
        }
        fill = *++format == '0' ? '0' : ' ';
        for (; *format >= '0' && *format <= '9'; format++)
            width = width * 10 + (unsigned)(*format - '0');
        for (; *format == 'l'; format++)
            longs++;
        switch (*format) {
        case 's':
            for (const char *text = va_arg(arguments, const char *); *text != '\0'; text++)
                put(*text);
            break;
        case 'c':
            put((char)va_arg(arguments, int));
            break;
        case 'u':
        case 'x':
            value = longs == 0   ? va_arg(arguments, unsigned)
                    : longs == 1 ? va_arg(arguments, unsigned long)
                                 : va_arg(arguments, unsigned long long);
            print_number(put, value, *format == 'x' ? 16 : 10, width, fill);
            break;
        default:
            put(*format);
            break;
        }
    }
}
