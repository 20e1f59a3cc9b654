// SPDX-License-Identifier: Apache-2.0
/*
 * Checks of the unit tests. Each test is a function that runs in a process of its own: what it leaves behind in the
 * hypervisor's data, a crash, a sanitizer's report or an endless loop is its own affair.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>

typedef void test_function(void);

void check_register(const char *name, test_function *test);
void check_true(bool good, const char *file, int line, const char *what);
void check_equal(uint64_t actual, uint64_t expected, const char *file, int line, const char *what);
void check_text(const char *actual, const char *expected, const char *file, int line, const char *what);

/* A line printed before the first failure of this test: the seed of a random test, say. */
__attribute__((format(printf, 1, 2))) void check_context(const char *format, ...);

/* So many checks of this test have failed. */
unsigned check_failures(void);

/* A number in [0, below), from the seed that random_seed() sets and shows with a failure; UNIT_SEED chooses another. */
void random_seed(uint64_t seed);
uint64_t random_word(void);
uint32_t random_below(uint32_t below);

#define CHECK(condition)             check_true((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(actual, expected)   check_equal((uint64_t)(actual), (uint64_t)(expected), __FILE__, __LINE__, #actual)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), __FILE__, __LINE__, #actual)

#define TEST(name)                                                 \
    static void test_##name(void);                                 \
    __attribute__((constructor)) static void register_##name(void) \
    {                                                              \
        check_register(#name, test_##name);                        \
    }                                                              \
    static void test_##name(void)

#endif
