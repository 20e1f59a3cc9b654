// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "drivers.h"

jmp_buf fake_exit;
void (*fake_on_wait)(void);
bool fake_kicked[PLAN_CPUS];
bool fake_absent[PLAN_CPUS];
uint64_t fake_events[4096 / 8];

static char assembly[4096];

int fake_assembly(const char *text);

int fake_assembly(const char *text)
{
    size_t length = strlen(assembly);

    snprintf(assembly + length, sizeof(assembly) - length, "%s\n", text);
    if (strstr(text, "wfi") != NULL) {
        if (fake_on_wait == NULL)
            longjmp(fake_exit, PARKED);
        fake_on_wait();
    }
    return 0;
}

const char *fake_assembly_done(void)
{
    static char done[sizeof(assembly)];

    memcpy(done, assembly, sizeof(done));
    assembly[0] = '\0';
    return done;
}

struct cpu *fake_cpu(uint32_t vm, uint32_t vcpu)
{
    return vm_cpu(&vms[vm], vcpu);
}

int fake_cpu_of_id(uint64_t id)
{
    for (int i = 0; i < PLAN_CPUS; i++) {
        if (config.cpus[i].id == id && !fake_absent[i])
            return i;
    }
    return -1;
}

void fake_deliver(void)
{
    struct cpu *before = fake_running();

    for (int i = 0; i < PLAN_CPUS; i++) {
        if (fake_kicked[i]) {
            fake_kicked[i] = false;
            fake_run_as(&cpus[i]);
            cpu_take_events(&cpus[i]);
            i = -1; /* it may have kicked another one */
        }
    }
    fake_run_as(before);
}

/* --- Console --- */

static char screen[16384];
static size_t screen_length;
static const char *typed = "";

void uart_put(char c)
{
    if (screen_length < sizeof(screen) - 1)
        screen[screen_length++] = c;
}

int uart_get(void)
{
    return *typed != '\0' ? (unsigned char)*typed++ : -1;
}

void uart_enable_input(void)
{
}

const char *fake_screen(void)
{
    static char shown[sizeof(screen)];

    memcpy(shown, screen, screen_length);
    shown[screen_length] = '\0';
    screen_length = 0;
    return shown;
}

const char *fake_brief(void)
{
    static const char mark[] = "[bulkhead]     ";
    static char shown[sizeof(screen)];
    char *to = shown;

    for (const char *row = fake_screen(); *row != '\0';) {
        size_t length = strcspn(row, "\n") + (strchr(row, '\n') != NULL);

        if (strncmp(row, mark, sizeof(mark) - 1) != 0) {
            memcpy(to, row, length);
            to += length;
        }
        row += length;
    }
    *to = '\0';
    return shown;
}

void fake_type(const char *keys)
{
    typed = keys;
    console_input(fake_cpu(0, 0));
}
