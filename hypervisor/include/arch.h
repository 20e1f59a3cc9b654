// SPDX-License-Identifier: Apache-2.0
/* What core/ asks of an architecture. Each folder of arch/ implements all of it. */
#ifndef ARCH_H
#define ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;
struct restore;
struct vm;

/* Enter a fresh vCPU at pc, with its own number and `arg` where the boot ABI has them. */
_Noreturn void arch_vcpu_start(struct cpu *cpu, uint64_t pc, uint64_t arg);

/* Drive this CPU's virtual external interrupt line. */
void arch_vcpu_set_irq(struct cpu *cpu, bool asserted);

/* Make the inter-processor interrupt pending in the vCPU of this CPU. */
void arch_vcpu_set_ipi(struct cpu *cpu);

/* An interrupt that the vCPU has enabled is pending for it. */
bool arch_vcpu_has_interrupt(struct cpu *cpu);

/* Of a vCPU whose timer is no interrupt of its controller: the timer has fired, and the vCPU has enabled it. */
bool arch_vcpu_has_timer(struct cpu *cpu);

/*
 * From QUIET to LOUD an interrupt that is pending for the vCPU does not end arch_wait(), and arch_vcpu_has_interrupt() may miss
 * it; QUIET_BUT_TIMER: but for what arch_vcpu_has_timer() tells of. Only where PLAN_BANDWIDTH is 1.
 */
enum arch_quiet { LOUD, QUIET, QUIET_BUT_TIMER };
void arch_vcpu_quiet(struct cpu *cpu, enum arch_quiet quiet);

/* Sleep until an interrupt is pending, then handle physical interrupts; events stay for cpu_take_events(). */
void arch_wait(struct cpu *cpu);

/* The same for a vCPU that is suspended: an interrupt that is pending for it alone does not end the sleep. */
void arch_wait_held(struct cpu *cpu);

/* Let memory hold what the caches do, so that it is there after a reset; `address` and `size` in bytes. */
void arch_clean(uint64_t address, size_t size);

/*
 * Read or write one byte of the current VM's memory at an IPA, with that VM's rights.
 * False: the VM has no such byte, or not with that right; nothing else happens.
 */
bool arch_guest_read(uint64_t ipa, uint8_t *byte);
bool arch_guest_write(uint64_t ipa, uint8_t byte);

/* Put back memory of this CPU's VM. */
void arch_guest_fill(const struct vm *vm, const struct restore *restore);

/* The time counter: PLAN_TIMEBASE ticks in a second. */
uint64_t arch_time(void);

/*
 * This CPU's hypervisor timer: call timer_expired() (timer.h) once arch_time() has reached `deadline`; TIMER_NEVER: do not.
 * Guests have timers of their own, which this leaves alone. Only where PLAN_TIMER is 1. `cpu`: the one that runs.
 */
void arch_timer_set(struct cpu *cpu, uint64_t deadline);

/*
 * For reports, of the vCPU of this CPU: its pc; its register by number, 0 to 31; where the function that runs was called
 * from, and that one, and so on, as far as frame pointers lead, at most `max` (gives how many); a row of other state.
 */
uint64_t arch_guest_pc(const struct cpu *cpu);
uint64_t arch_guest_register(const struct cpu *cpu, uint32_t number);
uint32_t arch_guest_callers(const struct cpu *cpu, uint64_t *callers, uint32_t max);
void arch_guest_state(void);

/* Power the machine off. `failed`: the hypervisor gives up. */
_Noreturn void arch_system_off(bool failed);

/* Reset the machine. */
_Noreturn void arch_system_reset(void);

/* This CPU does nothing any more, and takes no interrupt. */
_Noreturn void arch_halt(void);

/* The CPU that runs; NULL: it is still booting. */
struct cpu *arch_this_cpu(void);

/* A row of a panic's report: registers of this CPU. `sp`: where its stack was. */
void arch_panic_state(uint64_t sp);

#endif
