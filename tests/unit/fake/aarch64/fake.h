// SPDX-License-Identifier: Apache-2.0
/* The AArch64 machine below the hypervisor's C: system registers, firmware, GIC (gic.c), and a guest that uses them. */
#ifndef FAKE_H
#define FAKE_H

/* Angle brackets: found along the path and not beside this file, so that #include_next goes on behind them. */
#include <arch/psci.h>
#include <arch/sysreg.h>

#include "machine.h"

extern struct fake_sysregs fake_cpus[PLAN_CPUS];

/* --- Firmware --- */

struct fake_call {
    uint32_t function;
    uint64_t args[3];
};

extern struct fake_call fake_calls[64];
extern uint64_t fake_releases[0x200]; /* what was written into a spin table, by address / 8 */
extern unsigned fake_call_count;

/* --- Physical GIC, and the virtual CPU interface that it gives a guest --- */

#define FAKE_LRS     4u
#define FAKE_NOTHING 1023u

/* A device raises an interrupt; a private one that of `cpu`. */
void fake_fire(const struct cpu *cpu, uint32_t id);
bool fake_is_enabled(const struct cpu *cpu, uint32_t id);
bool fake_is_active(const struct cpu *cpu, uint32_t id);

/* Index of the CPU that a shared interrupt goes to. */
uint32_t fake_target(uint32_t id);

/* Let all CPUs take their interrupts, until none is left. */
void fake_interrupts(void);

/* The guest of `cpu` reads its interrupt acknowledge register, FAKE_NOTHING: none; writes to its end of interrupt. */
uint32_t guest_acknowledge(struct cpu *cpu);
void guest_end(struct cpu *cpu, uint32_t acknowledged);

/* --- What a guest's addresses name (reach.S) --- */

/* Its translation: address - fake_virtual is the IPA; PAR_EL1 says that it failed where fake_untranslated is set. */
extern uint64_t fake_virtual;
extern bool fake_untranslated;

/* The word that is fetched, at whatever address; REACH_REFUSED: a bus error. fake_fetched: where it was. */
extern uint64_t fake_instruction;
extern uint64_t fake_fetched;

/* --- Calls of a guest --- */

/* Registers of the last call that went on to the firmware, and how many did. */
extern uint64_t fake_passed[8];
extern unsigned fake_pass_count;

/* HVC by the vCPU of `cpu`: x0 afterwards. */
uint64_t guest_hvc(struct cpu *cpu, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3);

/* The same where it may not return. */
enum outcome guest_hvc_outcome(struct cpu *cpu, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3);

/* Entry points that vectors.S and entry.S call. */
void trap_call(struct cpu *cpu, uint64_t syndrome);
void trap_interrupt(struct cpu *cpu);
_Noreturn void trap_serror(struct cpu *cpu);
void trap_exception(struct cpu *cpu, uint64_t syndrome);
_Noreturn void trap_panic(uint64_t sp);
struct cpu *boot_prepare(uint64_t missing_memory);
void boot_start_others(const struct cpu *self);
_Noreturn void boot_leave(void);
void cpu_start_spin(void);
_Noreturn void cpu_main(struct cpu *cpu);

#endif
