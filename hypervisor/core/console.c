// SPDX-License-Identifier: Apache-2.0
#include "console.h"

#include <stdarg.h>
#include <stddef.h>

#include "config.h"
#include "drivers.h"
#include "monitor.h"
#include "print.h"
#include "spinlock.h"
#include "stats.h"
#include "vm.h"

/* Longer than anyone who is alive holds the console, some 0.1 s at 115,200 baud. */
#define SEIZE_TRIES 50000000u

#define ESCAPE   '\x05'                          /* Ctrl-E, as tinyVP has it */
#define NUMBERED (PLAN_VMS < 10 ? PLAN_VMS : 10) /* VMs that a digit chooses */

static struct {
    struct spinlock lock;
    uint32_t focus; /* index of the VM that has the input */
    /* Bytes of the focus VM's unfinished line that stand on the screen; 0: the screen's line is empty. */
    uint32_t shown;
    bool escaped; /* the last key was the escape key */
    bool redraw;  /* whoever holds the console shows the unfinished line again */
} console;

static void put_text(const char *text)
{
    while (*text != '\0')
        uart_put(*text++);
}

static void put_label(const char *name)
{
    uart_put('[');
    put_text(name);
    put_text("] ");
}

/* Show what the line of the focus VM has grown by. */
static void show_growth(struct vm *vm)
{
    struct vm_console *own = &vm->console;

    if (own->length == 0)
        return;
    if (console.shown == 0)
        put_label(vm->config->name);
    for (; console.shown < own->length; console.shown++)
        uart_put(own->line[console.shown]);
}

/* Leave the unfinished line on the screen, if there is one, and start a new one. */
static void leave_line(void)
{
    if (console.shown != 0)
        put_text("\r\n");
    console.shown = 0;
}

static bool has_focus(const struct vm *vm)
{
    return vm == &vms[console.focus];
}

/* A whole line of a VM, or as much as there is room for. A VM without the input cannot steer the terminal. */
static void finish_line(struct vm *vm)
{
    struct vm_console *own = &vm->console;
    bool redraw = false;

    if (has_focus(vm)) {
        show_growth(vm);
        if (own->length == 0)
            put_label(vm->config->name);
    } else {
        redraw = console.shown != 0;
        leave_line();
        put_label(vm->config->name);
        for (uint32_t i = 0; i < own->length; i++)
            uart_put(own->line[i] < ' ' && own->line[i] != '\t' ? '.' : own->line[i]);
    }
    put_text("\r\n");
    console.shown = 0;
    own->length = 0;
    if (redraw)
        show_growth(&vms[console.focus]);
}

static void put_locked(struct vm *vm, char c)
{
    struct vm_console *own = &vm->console;

    if (own->carriage && c != '\n' && c != '\r') {
        /* A guest that went back to the start of its line writes it anew. */
        if (has_focus(vm) && console.shown != 0) {
            uart_put('\r');
            console.shown = 0;
        }
        own->length = 0;
    }
    own->carriage = c == '\r';
    own->idle = false;
    if (c == '\n') {
        finish_line(vm);
    } else if (c != '\r' && c != '\0') {
        if (own->length == CONSOLE_LINE)
            finish_line(vm);
        own->line[own->length] = c;
        own->length++;
    }
}

void console_put(struct vm *vm, char c)
{
    if (!config.has_console)
        return;
    spin_lock(&console.lock);
    put_locked(vm, c);
    spin_unlock(&console.lock);
}

void console_idle(struct vm *vm)
{
    if (!config.has_console || vm->console.length == 0)
        return;
    spin_lock(&console.lock);
    vm->console.idle = true;
    if (has_focus(vm))
        show_growth(vm);
    spin_unlock(&console.lock);
}

/* The next VM that still runs, from `from` on; `from` itself where there is none. */
static uint32_t next_running(uint32_t from)
{
    for (uint32_t i = 1; i <= PLAN_VMS; i++) {
        uint32_t index = (from + i) % PLAN_VMS;

        if (vm_state(&vms[index]) != VM_ENDED)
            return index;
    }
    return from;
}

static void give_focus(uint32_t index)
{
    leave_line();
    console.focus = index;
    if (vms[index].console.idle)
        show_growth(&vms[index]);
}

static void set_focus(uint32_t index)
{
    leave_line();
    put_text("[bulkhead] input goes to ");
    put_text(vms[index].config->name);
    put_text("\r\n");
    give_focus(index);
}

void console_end(struct vm *vm)
{
    if (!config.has_console)
        return;
    spin_lock(&console.lock);
    if (vm->console.length != 0)
        finish_line(vm);
    if (has_focus(vm) && vm_state(vm) == VM_ENDED)
        give_focus(next_running(console.focus));
    spin_unlock(&console.lock);
}

static void print_help(void)
{
    leave_line();
    put_text("[bulkhead] Ctrl-E then: 0-9 input to that VM, n next VM, s exit counters, Ctrl-E sends itself\r\n");
    for (uint32_t i = 0; i < PLAN_VMS; i++) {
        put_text("[bulkhead]   ");
        uart_put((char)(i < 10 ? '0' + i : ' '));
        uart_put(' ');
        put_text(vms[i].config->name);
        put_text(vm_state(&vms[i]) == VM_ENDED ? " (ended)" : "");
        put_text(i == console.focus ? " <- input\r\n" : "\r\n");
    }
    if (PLAN_MONITOR != 0)
        monitor_help();
    give_focus(console.focus);
}

/* The key after the escape key; true: what is wanted takes the lock itself. */
static bool act(char key)
{
    uint32_t number = (uint32_t)key - '0';

    if (key == 's' || (PLAN_MONITOR != 0 && monitor_knows(key)))
        return true;
    if (number < NUMBERED)
        set_focus(number);
    else if (key == 'n')
        set_focus(next_running(console.focus));
    else
        print_help();
    return false;
}

void console_input(struct cpu *cpu)
{
    for (int byte = uart_get(); byte >= 0; byte = uart_get()) {
        struct vm *receiver = NULL;
        struct vm *focus;
        bool asked = false;

        spin_lock(&console.lock);
        if (console.escaped && byte != ESCAPE) {
            asked = act((char)byte);
            console.escaped = false;
        } else if (byte == ESCAPE && !console.escaped) {
            console.escaped = true;
        } else {
            console.escaped = false;
            receiver = &vms[console.focus];
        }
        focus = &vms[console.focus];
        spin_unlock(&console.lock);
        if (asked && byte == 's')
            stats_print();
        else if (PLAN_MONITOR != 0 && asked)
            monitor_act((char)byte, focus);
        if (receiver != NULL)
            vuart_receive(cpu, receiver, (uint8_t)byte);
    }
}

static void put_message(const char *format, va_list arguments)
{
    put_text("[bulkhead] ");
    print_format(uart_put, format, arguments);
    put_text("\r\n");
}

void console_hold(void)
{
    if (!config.has_console)
        return;
    spin_lock(&console.lock);
    console.redraw = console.shown != 0;
    leave_line();
}

void console_release(void)
{
    if (!config.has_console)
        return;
    if (console.redraw)
        show_growth(&vms[console.focus]);
    spin_unlock(&console.lock);
}

void console_message(const char *format, ...)
{
    va_list arguments;

    if (!config.has_console)
        return;
    va_start(arguments, format);
    console_hold();
    put_message(format, arguments);
    console_release();
    va_end(arguments);
}

void console_row(const char *format, ...)
{
    va_list arguments;

    if (!config.has_console)
        return;
    va_start(arguments, format);
    put_message(format, arguments);
    va_end(arguments);
}

static void put_piece(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_format(uart_put, format, arguments);
    va_end(arguments);
}

void console_words(const char *title, const uint64_t *words, uint32_t count)
{
    if (!config.has_console)
        return;
    put_piece("[bulkhead]     %s", title);
    for (uint32_t i = 0; i < count; i++)
        put_piece(" %llx", (unsigned long long)words[i]);
    put_text("\r\n");
}

void console_seize(void)
{
    if (!config.has_console)
        return;
    (void)spin_lock_within(&console.lock, SEIZE_TRIES);
    put_text("\r\n");
    console.shown = 0;
}
