// SPDX-License-Identifier: Apache-2.0
/*
 * A physical CPU and the one vCPU that runs on it for ever.
 *
 * Another CPU touches only `events` and `state` (and `start_*` while it holds the vCPU in VCPU_CLAIMED).
 */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "config.h"

struct vm;

enum vcpu_state {
    VCPU_OFF,      /* waits to be started */
    VCPU_CLAIMED,  /* some vCPU is writing start_pc and start_arg */
    VCPU_STARTING, /* told to start, not there yet */
    VCPU_ON,
    VCPU_SUSPENDED, /* waits for an interrupt of its own */
    VCPU_MISSING,   /* the board has no such CPU */
};

/* Bits of cpu.events: what another CPU asks of this one. */
enum cpu_event {
    EVENT_STOP = 1u << 0, /* the hypervisor gives up: come to panic_check() */
    EVENT_IPI = 1u << 1,  /* an inter-processor interrupt from a vCPU of the same VM */
    EVENT_VIRQ = 1u << 2, /* the virtual interrupt controller has news */
    EVENT_WAKE = 1u << 3, /* its state or that of its VM has changed */
};

/* Why the hypervisor ran; each is counted for each vCPU. */
enum exit_reason {
    EXIT_CALL,      /* firmware call (SBI, PSCI) */
    EXIT_HYPERCALL, /* Bulkhead's own */
    EXIT_MMIO,      /* access to a virtual device */
    EXIT_DEVICE,    /* physical device interrupt */
    EXIT_TIMER,     /* timer interrupt, where guests have none of their own */
    EXIT_EVENT,     /* asked by another CPU */
    EXIT_FAULT,     /* anything else that a guest did */
    EXIT_REASONS
};

struct cpu {
    struct arch_cpu arch; /* first: the trap code reaches it with small offsets */
    const struct cpu_config *config;
    struct vm *vm;
    uint32_t index; /* in cpus[] */
    uint32_t vcpu;  /* number within the VM */
    uint32_t events;
    uint32_t state;  /* enum vcpu_state */
    bool held;       /* it has used its budget and waits for the end of its period (bandwidth.h) */
    uint32_t joined; /* number of the VM's restart that this vCPU waits for, or last waited for; from 1 */
    bool resting;    /* its VM is suspended, and it has come to rest */
    uint64_t start_pc;
    uint64_t start_arg;
    uint64_t exits[EXIT_REASONS];
};

extern struct cpu cpus[PLAN_CPUS];

/* Tell another CPU, or this one, that something has happened. */
static inline void cpu_notify(struct cpu *cpu, uint32_t events)
{
    __atomic_fetch_or(&cpu->events, events, __ATOMIC_RELEASE);
    arch_kick(cpu);
}

static inline enum vcpu_state cpu_state(const struct cpu *cpu)
{
    return (enum vcpu_state)__atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE);
}

static inline void cpu_set_state(struct cpu *cpu, enum vcpu_state state)
{
    __atomic_store_n(&cpu->state, (uint32_t)state, __ATOMIC_RELEASE);
}

/*
 * Act on what other CPUs have asked. Called on every event interrupt, and in the loops that wait.
 * True: the vCPU has to stop (its VM has ended).
 */
bool cpu_take_events(struct cpu *cpu);

/* Wait until this vCPU is told to start, then enter it afresh. */
_Noreturn void cpu_park(struct cpu *cpu);

#endif
