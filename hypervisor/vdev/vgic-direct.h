// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts that reach a VM without the hypervisor (`interrupts: direct`, vm_is_direct()), on a GICv3.
 *
 * The vCPU uses the CPU's own interface (ICC_*_EL1 with HCR_EL2.IMO = 0) and meets its interrupts at their physical numbers.
 * What reaches beyond the CPU stays in our hands: the distributor and the redistributors are emulated, and what the guest
 * writes is passed on for its own interrupts alone; the registers that ICH_HCR_EL2.TC traps are filtered.
 *
 * We take Group 0, which comes as FIQ to EL2, whatever the guest masks: a kick, the console's UART. Its priority is 0, and
 * nothing of the guest is as high. That needs a GIC with one security state (GICD_CTLR.DS); without, such a CPU cannot be
 * interrupted while its guest runs, and configtool gives it to a VM of a single vCPU alone.
 *
 * A virtual line (a doorbell, the virtual UART) is an SPI that no device of the board has, made pending by a write.
 *
 * Source: IHI 0069H, 4.6 (groups and routing), 12.2 (which registers HCR_EL2 makes virtual, what traps).
 */
#ifndef VGIC_DIRECT_H
#define VGIC_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"

struct vdev_access;
struct vm;

/* Whether Group 0 is ours; told once, by the boot CPU, when the distributor is set up. */
void direct_init(bool one_security_state);

/* This CPU's interface and redistributor for a guest that has them itself; SRE is on. */
void direct_init_cpu(struct cpu *cpu);

/* Interrupt a CPU, so that it looks at its events. */
void direct_kick(const struct cpu *cpu);

/* Take what is ours and waits for this CPU; why the hypervisor runs, if it was by these interrupts. */
enum exit_reason direct_take_interrupts(struct cpu *cpu);

/* Sleep until an interrupt is pending, ours or the guest's. */
void direct_wait(void);

/* An interrupt waits that the guest has enabled. */
bool direct_waiting(void);

/* A virtual line: an edge; a level, which is pended again at each call while it is high. */
void direct_raise(uint32_t number);
void direct_set_level(struct vm *vm, uint32_t number, bool level);

/* Send an SGI to a set of vCPUs of this CPU's VM. */
void direct_send(const struct cpu *cpu, uint32_t id, uint64_t vcpus);

/* What vgic_access(), vgic_set_enabled() and vgic_route() do for such a VM; the lock is held. */
void direct_access(struct cpu *cpu, uint32_t vcpu, uint32_t offset, struct vdev_access *access);
void direct_set_enabled(struct cpu *cpu, uint32_t enabled);
void direct_route(struct cpu *cpu, uint32_t id, uint32_t vcpu);

/*
 * A system register of the CPU interface that traps; `which`: ISS of the syndrome without register and direction (sysreg.h).
 * False: no such register.
 */
bool direct_sysreg(struct cpu *cpu, uint64_t which, bool write, uint64_t *value);

/* This CPU's vCPU as at first: nothing enabled, pending or active that is its own. The lock is held. */
void direct_reset_vcpu(struct cpu *cpu);

/* All vCPUs are off: nothing of the VM's is enabled, pending or active. The lock is held. */
void direct_reset(struct cpu *cpu);

#endif
