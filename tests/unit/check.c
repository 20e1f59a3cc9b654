// SPDX-License-Identifier: Apache-2.0
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOWN_FAILURES 10u /* of one test */
#define SECONDS        20u /* that a test may take */

static struct {
    const char *name;
    test_function *run;
} tests[256];
static unsigned test_count;
static unsigned failures;
static const char *current;
static char context[200];
static uint64_t random_state;

void check_register(const char *name, test_function *test)
{
    if (test_count == sizeof(tests) / sizeof(tests[0]))
        abort();
    tests[test_count].name = name;
    tests[test_count++].run = test;
}

void check_context(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
}

unsigned check_failures(void)
{
    return failures;
}

static bool announce(const char *file, int line)
{
    failures++;
    if (failures > SHOWN_FAILURES)
        return false;
    if (failures == 1)
        printf("FAIL %s%s%s\n", current, context[0] != '\0' ? ": " : "", context);
    printf("  %s:%d: ", file, line);
    return true;
}

void check_true(bool good, const char *file, int line, const char *what)
{
    if (!good && announce(file, line))
        printf("%s is false\n", what);
}

void check_equal(uint64_t actual, uint64_t expected, const char *file, int line, const char *what)
{
    if (actual != expected && announce(file, line))
        printf("%s is %lld (0x%llx), expected %lld (0x%llx)\n", what, (long long)actual, (unsigned long long)actual,
               (long long)expected, (unsigned long long)expected);
}

static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '\r' || c == '\n')
            printf("\\%c", c == '\r' ? 'r' : 'n');
        else if (c < ' ' || c > '~')
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    puts("\"");
}

void check_text(const char *actual, const char *expected, const char *file, int line, const char *what)
{
    if (strcmp(actual, expected) == 0 || !announce(file, line))
        return;
    printf("%s is\n    ", what);
    print_quoted(actual);
    printf("  expected\n    ");
    print_quoted(expected);
}

void random_seed(uint64_t seed)
{
    const char *chosen = getenv("UNIT_SEED");

    random_state = chosen != NULL ? strtoull(chosen, NULL, 0) : seed;
    check_context("UNIT_SEED=%llu", (unsigned long long)random_state);
}

/* SplitMix64. */
uint64_t random_word(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t random_below(uint32_t below)
{
    return (uint32_t)(random_word() % below);
}

static bool passes(unsigned i)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    if (child == 0) {
        current = tests[i].name;
        alarm(SECONDS);
        tests[i].run();
        if (failures > SHOWN_FAILURES)
            printf("  ... %u failed checks in all\n", failures);
        fflush(stdout);
        _exit(failures != 0 ? 1 : 0);
    }
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("FAIL %s: %s\n", tests[i].name,
               WTERMSIG(status) == SIGALRM ? "does not end" : strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) > 1)
        printf("FAIL %s: stopped by a sanitizer\n", tests[i].name);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Arguments: names of the tests to run; none: all. */
int main(int argc, char **argv)
{
    unsigned passed = 0;
    unsigned failed = 0;

    for (unsigned i = 0; i < test_count; i++) {
        bool wanted = argc == 1;

        for (int n = 1; n < argc; n++)
            wanted |= strstr(tests[i].name, argv[n]) != NULL;
        if (!wanted)
            continue;
        if (passes(i))
            passed++;
        else
            failed++;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0 ? 1 : 0;
}
