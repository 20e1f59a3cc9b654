// SPDX-License-Identifier: Apache-2.0
/* A VM at run time: what changes. All that does not is in struct vm_config. */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "console.h"
#include "cpu.h"
#include "spinlock.h"
#include "vdev.h"

enum vm_state {
    VM_RUNNING,
    VM_RESTARTING, /* its vCPUs gather in cpu_park(); vCPU 0 puts its memory back when all are there */
    VM_ENDED,
    VM_SUSPENDED, /* its vCPUs wait in cpu_take_events(), with all that they have (only where PLAN_CONTROL is 1) */
};

/* A set of states. */
#define VM_IN(state) (1u << (uint32_t)(state))
#define VM_ALIVE     (VM_IN(VM_RUNNING) | VM_IN(VM_SUSPENDED))

/* The last fault of a VM, for who steers it; kept only where PLAN_CONTROL is 1. */
struct vm_fault {
    uint32_t count; /* faults so far; 0: none, the rest means nothing */
    uint32_t vcpu;
    uint32_t access; /* 1 + enum access, 0: it was no access */
    uint64_t address;
    uint64_t pc;
    uint64_t time; /* ticks */
};

struct vm {
    const struct vm_config *config;
    uint32_t state;         /* enum vm_state */
    uint32_t restart_count; /* since restart_since */
    uint64_t restart_since; /* ticks */
    uint32_t reports;       /* of faults, since reports_since */
    uint64_t reports_since; /* ticks */
    uint32_t restarts;      /* carried out; goes round */
    uint32_t petted;        /* the watchdog's: when the VM gave its last sign, as watchdog.c counts */
    bool watched;           /* it runs */
    bool awake;             /* the VM has given one since it started */
    struct vm_fault fault;
    struct vm_console console;
    struct vuart uart;
    struct virq virq;
};

extern struct vm vms[PLAN_VMS];

/* Its interrupts reach it without the hypervisor. */
static inline bool vm_is_direct(const struct vm *vm)
{
    return PLAN_DIRECT && vm->config->direct;
}

/* The CPU that a vCPU runs on; vcpu is less than vm->config->vcpu_count. */
static inline struct cpu *vm_cpu(const struct vm *vm, uint32_t vcpu)
{
    return &cpus[vm->config->cpus[vcpu]];
}

/*
 * Start a vCPU of this VM at pc with arg.
 * 0: it will start; VM_START_*: why not.
 */
enum vm_start { VM_START_OK, VM_START_NOT_OFF, VM_START_MISSING };
enum vm_start vm_start(struct vm *vm, uint32_t vcpu, uint64_t pc, uint64_t arg);

static inline enum vm_state vm_state(const struct vm *vm)
{
    return (enum vm_state)__atomic_load_n(&vm->state, __ATOMIC_ACQUIRE);
}

/* Bring a VM from one of several states (VM_IN) into another: of all that try one succeeds. */
bool vm_leave(struct vm *vm, uint32_t from, enum vm_state next);

/* Tell all vCPUs of a VM that its state has changed. */
void vm_tell(const struct vm *vm);

/* A VM has left VM_ENDED: the board stays on for it. Or it has come there: the last one turns the board off. */
void vm_revive(void);
void vm_gone(void);

/*
 * A VM has come to an end of some kind: act as its YAML says. All its other vCPUs stop; the caller turns its own off.
 * `how` is for the console: "powered off".
 */
void vm_finish(struct vm *vm, const struct policy *policy, const char *how);

/* End a VM, whatever its YAML says. False: it was not running any more. */
bool vm_end(struct vm *vm, const char *how);

/*
 * Called by a CPU that waits for its vCPU to start: take part in a restart of the VM. vCPU 0 carries it out as soon as all
 * others have come here.
 */
void vm_join_restart(struct cpu *cpu);

/* This vCPU turns itself off until another one starts it; where it was the last one on, the VM has ended. */
_Noreturn void vm_vcpu_off(struct cpu *cpu);

/* What an access did to be refused. */
enum access { ACCESS_LOAD, ACCESS_STORE, ACCESS_FETCH, ACCESS_WALK /* of its own translation tables */ };

/*
 * The vCPU of `cpu` did what its VM may not. Report it in the words of the YAML and act as `on_fault` says.
 * width: bytes, 0 where it is not known.
 */
_Noreturn void vm_fault_access(struct cpu *cpu, enum access access, uint64_t ipa, uint32_t width);

/* The same for anything but an access; `what` reads on after "vm 'x' vcpu 0: ". */
_Noreturn void vm_fault(struct cpu *cpu, const char *what);

/* The place of a VM's address space that holds an IPA; NULL: none. */
const struct place *vm_place(const struct vm *vm, uint64_t ipa);

/* The VM has memory at this IPA, and this right to it: 'r', 'w' or 'x'. */
bool vm_may(const struct vm *vm, uint64_t ipa, char wanted);

/* The virtual device at an IPA; NULL: none. */
static inline const struct window *vm_window(const struct vm *vm, uint64_t ipa)
{
    const struct window *window = vm->config->windows;
    const struct window *end = window + vm->config->window_count;

    for (; window != end; window++) {
        if (ipa - window->ipa < window->size)
            return window;
    }
    return NULL;
}

/* Carry out an access to a virtual device; false: it does not take this register, width or alignment. */
bool vm_access(struct cpu *cpu, const struct window *window, struct vdev_access *access);

/* Ring the doorbell of a channel end; false: the VM has no such end. */
bool vm_ring(struct cpu *cpu, uint64_t index);

#endif
