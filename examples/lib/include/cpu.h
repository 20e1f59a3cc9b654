// SPDX-License-Identifier: Apache-2.0
/*
 * The CPUs of the guest, as the guest sees them: number 0 to n - 1. A CPU's number is its hart id (RISC-V),
 * or comes from its affinity, 16 to a cluster (AArch64).
 */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

#define CPUS_MAX 8

/* What the guest itself provides: called on the first CPU, with interrupts off, after fdt_init and console_init. */
void guest_main(void);

/* Number of the CPU that asks. */
uint32_t cpu_number(void);

/* CPUs that the device tree names. */
uint32_t cpu_count(void);

/* Starts CPU `number` in `entry`, with interrupts off. False when firmware refuses. */
bool cpu_start(uint32_t number, void (*entry)(void));

/* Sends an inter-processor interrupt to CPU `number`. */
void cpu_interrupt(uint32_t number);

/* `handler` is called on each CPU that receives an inter-processor interrupt. */
void cpu_on_interrupt(void (*handler)(void));

/* Interrupts on for the calling CPU. */
void cpu_interrupts_on(void);

/* Interrupts off; returns the state before, for cpu_interrupts_restore. */
unsigned long cpu_interrupts_off(void);
void cpu_interrupts_restore(unsigned long state);

/*
 * Sleeps until an interrupt is pending. Call it with interrupts off, after seeing that there is nothing to do: so none
 * can slip in between. The interrupt is taken before the function returns, with interrupts off again.
 */
void cpu_wait(void);

/* Ends this VM: never returns. */
_Noreturn void power_off(void);

/* An exception that the guest did not mean prints what it was and ends the VM; a guest may take exceptions itself. */
struct trap {
    unsigned long pc;    /* where the guest goes on when the handler returns */
    unsigned long cause; /* RISC-V: scause; AArch64: ESR_EL1 */
    unsigned long value; /* RISC-V: stval; AArch64: FAR_EL1 */
};
void cpu_on_exception(void (*handler)(struct trap *trap));

/* A lock between CPUs of one guest, which also keeps interrupts off. Zero is unlocked. */
struct spinlock {
    uint32_t taken;
};
unsigned long spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock, unsigned long state);

#endif
