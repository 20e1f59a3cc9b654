// SPDX-License-Identifier: Apache-2.0
#include "print.h"

#include <stddef.h>

#include "check.h"

static char text[256];
static size_t length;

static void put(char c)
{
    if (length < sizeof(text) - 1)
        text[length++] = c;
    text[length] = '\0';
}

__attribute__((format(printf, 1, 2))) static const char *printed(const char *format, ...)
{
    va_list arguments;

    length = 0;
    text[0] = '\0';
    va_start(arguments, format);
    print_format(put, format, arguments);
    va_end(arguments);
    return text;
}

TEST(print_text)
{
    const char *empty = "";

    CHECK_TEXT(printed("plain"), "plain");
    CHECK_TEXT(printed("%s", empty), "");
    CHECK_TEXT(printed("<%s|%s>", "one", "two"), "<one|two>");
    CHECK_TEXT(printed("%c%c", 'a', 'b'), "ab");
    CHECK_TEXT(printed("100%%"), "100%");
}

TEST(print_numbers)
{
    CHECK_TEXT(printed("%u", 0u), "0");
    CHECK_TEXT(printed("%u", 7u), "7");
    CHECK_TEXT(printed("%u", 4294967295u), "4294967295");
    CHECK_TEXT(printed("%lu", 18446744073709551615ul), "18446744073709551615");
    CHECK_TEXT(printed("%llu", 10000000000000000000ull), "10000000000000000000");
    CHECK_TEXT(printed("%x", 0u), "0");
    CHECK_TEXT(printed("%x", 0xdeadbeefu), "deadbeef");
    CHECK_TEXT(printed("%lx", 0x123456789abcdef0ul), "123456789abcdef0");
    CHECK_TEXT(printed("%llx", 0xffffffffffffffffull), "ffffffffffffffff");
    CHECK_TEXT(printed("%x %lx %llx %u", 1u, 2ul, 3ull, 4u), "1 2 3 4");
}

TEST(print_widths)
{
    CHECK_TEXT(printed("%08x", 0xbeefu), "0000beef");
    CHECK_TEXT(printed("%016lx", 1ul), "0000000000000001");
    CHECK_TEXT(printed("%016llx", 0xfedcba9876543210ull), "fedcba9876543210");
    CHECK_TEXT(printed("%02x", 0x123u), "123");
    CHECK_TEXT(printed("%03u", 7u), "007");
    CHECK_TEXT(printed("<%6u|%2x|%1u>", 42u, 0xabcu, 0u), "<    42|abc|0>");
    CHECK_TEXT(printed("%032x", 1u), "00000000000000000000000000000001");
}
