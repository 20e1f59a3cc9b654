// SPDX-License-Identifier: Apache-2.0
/*
 * The machine below the hypervisor's C: harts, firmware, console UART, interrupt controller and guest memory, as far as
 * the tests need them. Everything can be looked at and set.
 */
#ifndef FAKE_H
#define FAKE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

/* Angle brackets: found along the path and not beside this file, so that #include_next goes on behind them. */
#include <arch/csr.h>
#include <arch/sbi.h>

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
#define OUTCOME(call)                          \
    ({                                         \
        int how_ = setjmp(fake_exit);          \
        if (how_ == 0) {                       \
            call;                              \
            how_ = RETURNED;                   \
        }                                      \
        (enum outcome) how_;                   \
    })

/* The configuration, to be changed by a test before fake_boot(). */
struct config *fake_config(void);

/* Prepare everything as the boot hart does; the first vCPU of every VM is on, the screen is empty. */
void fake_boot(void);

/* The hart of this CPU runs from now on. */
void fake_run_as(struct cpu *cpu);

/* The CPU of a vCPU. */
struct cpu *fake_cpu(uint32_t vm, uint32_t vcpu);

extern struct fake_csrs fake_harts[PLAN_CPUS];

/* Called by wfi; NULL: nothing will ever happen. */
extern void (*fake_on_wait)(void);

/* The texts of the assembly carried out since the last call, each followed by a line feed. */
const char *fake_assembly_done(void);

/* --- Firmware --- */

struct fake_call {
    ureg_t extension;
    ureg_t function;
    ureg_t args[5];
};

extern struct fake_call fake_calls[64];
extern unsigned fake_call_count;
extern struct sbi_result fake_answer; /* of RFENCE, and of BASE */
extern bool fake_kicked[PLAN_CPUS];   /* got an inter-processor interrupt, not looked at yet */
extern bool fake_absent[PLAN_CPUS];   /* the firmware knows no such hart */

/* Let every kicked CPU look at its events, until none is left. */
void fake_deliver(void);

/* --- Console --- */

/* What the UART has sent since the last call. */
const char *fake_screen(void);

/* Keys typed. */
void fake_type(const char *keys);

/* --- Physical interrupt controller --- */

extern bool fake_enabled[PLAN_CPUS][PLAN_IRQS];
extern uint32_t fake_completed[64]; /* CPU index << 16 | source */
extern unsigned fake_completed_count;

/* A source that the next claims of this CPU give. */
void fake_interrupt(struct cpu *cpu, uint32_t source);

/* --- Guest memory --- */

struct fake_memory {
    uint64_t ipa;
    uint32_t size;
    bool writable;
    uint8_t bytes[1024];
};

extern struct fake_memory fake_memory[2];

/* --- Calls of a guest --- */

/* An SBI call by the vCPU of `cpu`; a0 and a1 afterwards. */
struct sbi_result guest_call(struct cpu *cpu, ureg_t extension, ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2);

/* The same where it may not return. */
enum outcome guest_call_outcome(struct cpu *cpu, ureg_t extension, ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2);

/* Entry points that trap.S and entry.S call. */
void trap_call(struct cpu *cpu);
void trap_interrupt(struct cpu *cpu, ureg_t cause);
void trap_access(struct cpu *cpu, bool store);
void trap_exception(struct cpu *cpu, ureg_t cause);
_Noreturn void trap_panic(struct cpu *cpu);
struct cpu *boot_prepare(ureg_t id);
void boot_start_others(const struct cpu *self);
_Noreturn void hart_main(struct cpu *cpu);

#endif
