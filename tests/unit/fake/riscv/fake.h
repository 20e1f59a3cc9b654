// SPDX-License-Identifier: Apache-2.0
/* The RISC-V machine below the hypervisor's C: harts, firmware, interrupt controller and guest memory. */
#ifndef FAKE_H
#define FAKE_H

/* Angle brackets: found along the path and not beside this file, so that #include_next goes on behind them. */
#include <arch/csr.h>
#include <arch/sbi.h>

#include "machine.h"

extern struct fake_csrs fake_harts[PLAN_CPUS];

/* --- Firmware --- */

struct fake_call {
    ureg_t extension;
    ureg_t function;
    ureg_t args[5];
};

extern struct fake_call fake_calls[64];
extern unsigned fake_call_count;
extern struct sbi_result fake_answer; /* of RFENCE, BASE and PMU */
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
_Noreturn void trap_panic(uintptr_t sp);
struct cpu *boot_prepare(ureg_t id, ureg_t missing_memory);
void boot_start_others(const struct cpu *self);
_Noreturn void hart_main(struct cpu *cpu);

#endif
