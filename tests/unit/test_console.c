// SPDX-License-Identifier: Apache-2.0
#include "console.h"

#include <string.h>

#include "check.h"
#include "drivers.h"
#include "fake.h"

#define ALPHA (&vms[0]) /* has the input at first */
#define BETA  (&vms[1])

static void say(struct vm *vm, const char *text)
{
    for (; *text != '\0'; text++)
        console_put(vm, *text);
}

/* What the guest would find in its UART. */
static const char *received(struct vm *vm)
{
    static char text[VUART_RX_SIZE + 1];
    int count = 0;

    for (int byte = vuart_take(vm); byte >= 0; byte = vuart_take(vm))
        text[count++] = (char)byte;
    text[count] = '\0';
    return text;
}

TEST(console_labels_lines)
{
    fake_boot();
    say(ALPHA, "one\n");
    say(BETA, "two\r\n");
    say(ALPHA, "\n");
    say(BETA, "\n");
    say(BETA, "x\ty\n");
    CHECK_TEXT(fake_screen(), "[alpha] one\r\n[beta] two\r\n[alpha] \r\n[beta] \r\n[beta] x\ty\r\n");
}

TEST(console_mixed_lines_stay_whole)
{
    fake_boot();
    say(ALPHA, "ab");
    say(BETA, "12");
    say(ALPHA, "cd");
    say(BETA, "34\n");
    say(ALPHA, "ef\n");
    CHECK_TEXT(fake_screen(), "[beta] 1234\r\n[alpha] abcdef\r\n");
}

TEST(console_prompt_shown_and_redrawn)
{
    fake_boot();
    say(ALPHA, "=> ");
    CHECK_TEXT(fake_screen(), "");
    console_idle(ALPHA);
    CHECK_TEXT(fake_screen(), "[alpha] => ");
    say(BETA, "news\n");
    CHECK_TEXT(fake_screen(), "\r\n[beta] news\r\n[alpha] => ");
    console_idle(ALPHA);
    CHECK_TEXT(fake_screen(), "");
    say(ALPHA, "ls");
    console_idle(ALPHA);
    CHECK_TEXT(fake_screen(), "ls");
    say(ALPHA, "\r\n");
    CHECK_TEXT(fake_screen(), "\r\n");
    say(BETA, "more\n");
    CHECK_TEXT(fake_screen(), "[beta] more\r\n");
}

TEST(console_unfocused_prompt_stays_hidden)
{
    fake_boot();
    say(BETA, "$ ");
    console_idle(BETA);
    CHECK_TEXT(fake_screen(), "");
    fake_type("\x05"
              "1");
    CHECK_TEXT(fake_screen(), "[bulkhead] input goes to beta\r\n[beta] $ ");
    fake_type("\x05"
              "0");
    CHECK_TEXT(fake_screen(), "\r\n[bulkhead] input goes to alpha\r\n");
}

/* A line that is still being written is no prompt: the focus alone does not show it. */
TEST(console_unfinished_line_is_no_prompt)
{
    fake_boot();
    say(BETA, "half");
    fake_type("\x05"
              "1");
    CHECK_TEXT(fake_screen(), "[bulkhead] input goes to beta\r\n");
    say(BETA, " a line\n");
    CHECK_TEXT(fake_screen(), "[beta] half a line\r\n");
    say(BETA, "prompt");
    console_idle(BETA);
    say(BETA, " no more");
    fake_screen();
    fake_type("\x05"
              "0");
    fake_type("\x05"
              "1");
    CHECK_TEXT(fake_screen(), "\r\n[bulkhead] input goes to alpha\r\n[bulkhead] input goes to beta\r\n");
}

TEST(console_long_lines_continue)
{
    static char line[2 * CONSOLE_LINE + 2];
    static char expected[3 * CONSOLE_LINE];

    fake_boot();
    memset(line, 'x', CONSOLE_LINE);
    say(BETA, line);
    CHECK_TEXT(fake_screen(), "");
    say(BETA, "\n");
    strcat(strcat(strcpy(expected, "[beta] "), line), "\r\n");
    CHECK_TEXT(fake_screen(), expected);

    strcat(line, "y");
    say(BETA, line);
    CHECK_TEXT(fake_screen(), expected);
    say(BETA, "\n");
    CHECK_TEXT(fake_screen(), "[beta] y\r\n");

    say(ALPHA, line);
    console_idle(ALPHA);
    strcpy(expected, "[alpha] ");
    strncat(expected, line, CONSOLE_LINE);
    strcat(expected, "\r\n[alpha] y");
    CHECK_TEXT(fake_screen(), expected);
}

TEST(console_carriage_return_starts_anew)
{
    fake_boot();
    say(ALPHA, "10%\r20%\r30%\r\n");
    CHECK_TEXT(fake_screen(), "[alpha] 30%\r\n");
    say(BETA, "old\r\r\nnew\r\n");
    CHECK_TEXT(fake_screen(), "[beta] old\r\n[beta] new\r\n");
    say(ALPHA, "10%");
    console_idle(ALPHA);
    say(ALPHA, "\r20%");
    console_idle(ALPHA);
    CHECK_TEXT(fake_screen(), "[alpha] 10%\r[alpha] 20%");
}

TEST(console_control_characters)
{
    fake_boot();
    say(BETA, "\x1b[2J\a\b\x7f!\n");
    CHECK_TEXT(fake_screen(), "[beta] .[2J..\x7f!\r\n");
    say(BETA, "\xc3\xa4\n");
    CHECK_TEXT(fake_screen(), "[beta] \xc3\xa4\r\n");
    say(ALPHA, "\x1b[1mbold\n");
    CHECK_TEXT(fake_screen(), "[alpha] \x1b[1mbold\r\n");
    console_put(ALPHA, '\0');
    say(ALPHA, "z\n");
    CHECK_TEXT(fake_screen(), "[alpha] z\r\n");
}

TEST(console_input_goes_to_focus)
{
    fake_boot();
    fake_type("hello");
    CHECK_TEXT(received(ALPHA), "hello");
    CHECK_TEXT(received(BETA), "");
    fake_type("\x05"
              "1abc");
    CHECK_TEXT(received(ALPHA), "");
    CHECK_TEXT(received(BETA), "abc");
    fake_type("\x05"
              "nxyz");
    CHECK_TEXT(received(ALPHA), "xyz");
    CHECK_TEXT(fake_screen(), "[bulkhead] input goes to beta\r\n[bulkhead] input goes to alpha\r\n");
}

TEST(console_escape_key_sends_itself)
{
    fake_boot();
    fake_type("a\x05\x05z");
    CHECK_TEXT(received(ALPHA), "a\x05z");
    fake_type("\x05");
    fake_type("1");
    fake_type("b");
    CHECK_TEXT(received(ALPHA), "");
    CHECK_TEXT(received(BETA), "b");
    fake_type("\x05\x05\x05"
              "0"
              "c");
    CHECK_TEXT(received(BETA), "\x05");
    CHECK_TEXT(received(ALPHA), "c");
}

TEST(console_help)
{
    static const char help[] =
        "[bulkhead] Ctrl-E then: 0-9 input to that VM, n next VM, s exit counters, Ctrl-E sends itself\r\n"
        "[bulkhead]   0 alpha <- input\r\n"
        "[bulkhead]   1 beta\r\n";

    fake_boot();
    fake_type("\x05?");
    CHECK_TEXT(fake_screen(), help);
    fake_type("\x05"
              "2"); /* no such VM */
    CHECK_TEXT(fake_screen(), help);
    fake_type("\x05"
              "9");
    CHECK_TEXT(fake_screen(), help);
    fake_type("\x05\r");
    CHECK_TEXT(fake_screen(), help);
    CHECK_TEXT(received(ALPHA), "");
    CHECK_TEXT(received(BETA), "");
    say(ALPHA, "> ");
    console_idle(ALPHA);
    fake_screen();
    fake_type("\x05h");
    CHECK_TEXT(fake_screen(),
               "\r\n[bulkhead] Ctrl-E then: 0-9 input to that VM, n next VM, s exit counters, Ctrl-E sends itself\r\n"
               "[bulkhead]   0 alpha <- input\r\n"
               "[bulkhead]   1 beta\r\n"
               "[alpha] > ");
}

TEST(console_vm_end)
{
    fake_boot();
    say(BETA, "$ ");
    console_idle(BETA);
    say(ALPHA, "last words");
    vm_end(ALPHA, "stopped");
    CHECK_TEXT(fake_screen(), "[alpha] last words\r\n[beta] $ \r\n[bulkhead] vm 'alpha' stopped\r\n[beta] $ ");
    fake_type("b");
    CHECK_TEXT(received(BETA), "b");
    fake_type("\x05?");
    CHECK_TEXT(fake_screen(),
               "\r\n[bulkhead] Ctrl-E then: 0-9 input to that VM, n next VM, s exit counters, Ctrl-E sends itself\r\n"
               "[bulkhead]   0 alpha (ended)\r\n"
               "[bulkhead]   1 beta <- input\r\n"
               "[beta] $ ");
    fake_type("\x05n");
    CHECK_TEXT(fake_screen(), "\r\n[bulkhead] input goes to beta\r\n[beta] $ ");
}

TEST(console_vm_end_without_focus)
{
    fake_boot();
    say(ALPHA, "> ");
    console_idle(ALPHA);
    say(BETA, "half");
    fake_screen();
    vm_end(BETA, "powered off");
    CHECK_TEXT(fake_screen(), "\r\n[beta] half\r\n[alpha] > \r\n[bulkhead] vm 'beta' powered off\r\n[alpha] > ");
}

TEST(console_messages)
{
    fake_boot();
    console_message("count %u", 3u);
    CHECK_TEXT(fake_screen(), "[bulkhead] count 3\r\n");
    say(ALPHA, "> ");
    console_idle(ALPHA);
    fake_screen();
    console_message("hm");
    CHECK_TEXT(fake_screen(), "\r\n[bulkhead] hm\r\n[alpha] > ");
}

/* Whoever gives up prints in the end, even while another one, or itself, holds the console. */
TEST(console_seize)
{
    fake_boot();
    console_hold();
    console_row("half a report");
    console_seize();
    console_row("dead %x", 0xbeefu);
    CHECK_TEXT(fake_screen(), "[bulkhead] half a report\r\n\r\n[bulkhead] dead beef\r\n");
}

TEST(console_none)
{
    fake_config()->has_console = false;
    fake_boot();
    say(ALPHA, "text\n");
    console_idle(ALPHA);
    console_message("text");
    console_seize();
    console_row("text");
    vm_end(ALPHA, "stopped");
    CHECK_TEXT(fake_screen(), "");
}

/* Whatever two guests write, each line on the screen is one VM's, and all that was written comes out. */
TEST(console_random_lines_never_mix)
{
    unsigned count[2] = {0, 0}, shown[2] = {0, 0};
    char *line, *rest;
    static char all[65536];

    random_seed(0xc0501e);
    fake_boot();
    for (unsigned i = 0; i < 5000; i++) {
        unsigned which = random_below(2);

        if (random_below(12) == 0) {
            console_put(&vms[which], '\n');
        } else if (random_below(40) == 0) {
            fake_type(random_below(2) == 0 ? "\x05"
                                             "0"
                                           : "\x05"
                                             "1");
        } else {
            console_put(&vms[which], which == 0 ? 'a' : 'b');
            count[which]++;
        }
        strncat(all, fake_screen(), sizeof(all) - strlen(all) - 1);
    }
    console_put(ALPHA, '\n');
    console_put(BETA, '\n');
    strncat(all, fake_screen(), sizeof(all) - strlen(all) - 1);
    for (line = strtok_r(all, "\r\n", &rest); line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
        const char *body = strstr(line, "] ") + 2;
        char who = line[1];

        if (strncmp(line, "[bulkhead]", 10) == 0)
            continue;
        CHECK(who == 'a' || who == 'b');
        CHECK(strspn(body, who == 'a' ? "a" : "b") == strlen(body));
        shown[who == 'b'] += (unsigned)strlen(body);
    }
    /* An unfinished line may stand there twice, where the focus went away and came back, but none is lost. */
    CHECK(shown[0] >= count[0]);
    CHECK(shown[1] >= count[1]);
}
