// SPDX-License-Identifier: Apache-2.0
/*
 * What the fake machines of all architectures have in common: how a call into the hypervisor ends, the console's UART, who
 * was called by an inter-processor interrupt. Everything can be looked at and set.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "cpu.h"
#include "vm.h"

/* How a call into the hypervisor ended. */
enum outcome {
    RETURNED = 1,
    ENTERED, /* the guest was entered by trap_return() */
    PARKED,  /* the hart waits, and nothing will wake it */
    OFF,     /* the firmware was told to power off */
};

extern jmp_buf fake_exit;

/* Carry out a call and say how it ended. */
#define OUTCOME(call)                 \
    ({                                \
        int how_ = setjmp(fake_exit); \
        if (how_ == 0) {              \
            call;                     \
            how_ = RETURNED;          \
        }                             \
        (enum outcome) how_;          \
    })

/* The configuration, to be changed by a test before fake_boot(). */
struct config *fake_config(void);

/* Prepare everything as the boot CPU does; the first vCPU of every VM is on, the screen is empty. */
void fake_boot(void);

/* This CPU runs from now on. */
void fake_run_as(struct cpu *cpu);
struct cpu *fake_running(void);

/* Memory of the event ring. */
extern uint64_t fake_events[4096 / 8];

/* The CPU of a vCPU. */
struct cpu *fake_cpu(uint32_t vm, uint32_t vcpu);

/* Called by wfi; NULL: nothing will ever happen. */
extern void (*fake_on_wait)(void);

/* The texts of the assembly carried out since the last call, each followed by a line feed. */
const char *fake_assembly_done(void);

/* The index of the CPU that has this id and that the firmware knows; -1: none. */
int fake_cpu_of_id(uint64_t id);

extern bool fake_kicked[PLAN_CPUS]; /* got an inter-processor interrupt, not looked at yet */
extern bool fake_absent[PLAN_CPUS]; /* the firmware knows no such CPU */

/* Let every kicked CPU look at its events, until none is left. */
void fake_deliver(void);

/* What the UART has sent since the last call. */
const char *fake_screen(void);

/* The same without what fault reports show of registers, callers and counters: rows that are indented by four. */
const char *fake_brief(void);

/* Keys typed. */
void fake_type(const char *keys);

#endif
