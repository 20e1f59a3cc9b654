// SPDX-License-Identifier: Apache-2.0
/*
 * Virtual devices. A VM has at most one UART and exactly one interrupt controller; which model stands behind `struct virq`
 * and `struct vuart` is chosen at link time (config.mk), as the board and the architecture have it.
 */
#ifndef VDEV_H
#define VDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "spinlock.h"

struct cpu;
struct vm;

/* An access by a guest to one register. */
struct vdev_access {
    uint64_t offset; /* from the device's base */
    uint32_t width;  /* bytes: 1, 2, 4, 8 */
    bool write;
    uint64_t value; /* written, or to be read; not wider than width */
};

/* struct virq: state of the virtual interrupt controller, as its model has it (vplic.h, vaplic.h). */
#include PLAN_VIRQ

/* An edge of a virtual source. Takes no lock: a VM that rings another one never waits for it. */
void virq_raise(struct vm *vm, uint32_t number);

/* The level of a virtual source of `vm`, seen from `cpu`, which may be another VM's. */
void virq_set_level(struct cpu *cpu, struct vm *vm, uint32_t number, bool level);

/* A physical source of this CPU's VM has been claimed; it is completed when the guest does so. */
void virq_physical(struct cpu *cpu, uint32_t number);

/* Drive the lines of this VM's vCPUs anew; called by a CPU that was told EVENT_VIRQ. */
void virq_update(struct cpu *cpu);

/* The maintenance interrupt of this CPU (of a GIC). */
void virq_maintain(struct cpu *cpu);

/* A vCPU that is off: nothing enabled in its context. */
void virq_reset_vcpu(struct cpu *cpu);

/* All vCPUs are off: nothing pending, nothing claimed, at the physical controller either. `cpu`: one of the VM's. */
void virq_reset(struct cpu *cpu);

/* An enabled interrupt waits for this CPU's vCPU (of a GIC). */
bool virq_waiting(struct cpu *cpu);

/* This vCPU would be offered an interrupt, were it not for priorities: it is pending, enabled and goes to it. */
bool virq_pends(struct cpu *cpu, uint32_t number);

/* How an interrupt of a VM stands, for a person to read: a set of these. `number` is less than vm_config.irq_count. */
enum virq_look { VIRQ_ENABLED = 1, VIRQ_PENDING = 2, VIRQ_TAKEN = 4 };
uint32_t virq_look(const struct vm *vm, uint32_t number);

/* A write of ICC_SGI1R_EL1; false: the controller has no such register (a GICv2). */
bool virq_write_sgi(struct cpu *cpu, uint64_t value);

/* False: no such register, width or alignment. */
bool virq_access(struct cpu *cpu, struct vdev_access *access);

#define VUART_RX_SIZE 256u /* a power of two */

struct vuart {
    struct spinlock lock;
    uint32_t rx_head; /* written next */
    uint32_t rx_tail; /* read next */
    uint8_t rx[VUART_RX_SIZE];
    uint8_t ier;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t scratch;
    uint8_t divisor[2];
    bool thre;   /* "transmitter empty" not yet told */
    bool polled; /* the line status was read since the last byte was sent */
};

/* A byte typed for `vm`, taken in by `cpu`. Lost where the guest has not read the last VUART_RX_SIZE ones. */
void vuart_receive(struct cpu *cpu, struct vm *vm, uint8_t byte);

/* The next byte typed for this VM, for a firmware call; -1: none. It stays until it is taken. */
int vuart_peek(struct vm *vm);
int vuart_take(struct vm *vm);

/* As at first. */
void vuart_reset(struct vm *vm);

/* False: no such register, width or alignment. */
bool vuart_access(struct cpu *cpu, struct vdev_access *access);

/* For a model: something typed waits; the next byte of it, taken, -1: none. */
static inline bool vuart_has_input(const struct vuart *uart)
{
    return uart->rx_head != uart->rx_tail;
}
int vuart_next(struct vuart *uart);

/*
 * What a model is, called with the UART's lock: whether it has a register of this offset, width and alignment; a read and a
 * write of it; whether it interrupts. `sent`: the written byte is output; `idle`: the guest seems to wait for input.
 */
bool vuart_takes(const struct vdev_access *access);
uint32_t vuart_read(struct vuart *uart, uint64_t reg, bool *idle);
void vuart_write(struct vuart *uart, uint64_t reg, uint32_t value, bool *sent, bool *idle);
bool vuart_interrupts(const struct vuart *uart);

#endif
