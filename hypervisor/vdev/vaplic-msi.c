// SPDX-License-Identifier: Apache-2.0
/*
 * A virtual APLIC that sends MSIs. Each vCPU has an interrupt file of its own in its hart's IMSIC, mapped into the VM.
 *
 * A physical source is set up once to send straight to that file; the hypervisor is out of the way from then on. Only the
 * retrigger of a level source comes here, because the register that takes it would take a neighbour's number as well.
 * A virtual source is one write to the file.
 */
#include "aplic.h"
#include "arch.h"
#include "arch/csr.h"
#include "arch/imsic.h"
#include "bits.h"
#include "vaplic.h"
#include "vdev.h"
#include "vm.h"

const uint32_t vaplic_domaincfg = DOMAINCFG_READ_ONE | DOMAINCFG_MSI;

static struct cpu *cpu_of(const struct vm *vm, uint32_t target)
{
    return vm_cpu(vm, target >> TARGET_HART_SHIFT);
}

uint32_t vaplic_legal_target(const struct vm *vm, uint32_t value)
{
    uint32_t hart = value >> TARGET_HART_SHIFT;

    return (hart < vm->config->vcpu_count ? hart : 0) << TARGET_HART_SHIFT | (value & TARGET_EIID_MASK);
}

void vaplic_configure(struct cpu *cpu, uint32_t number)
{
    struct virq *virq = &cpu->vm->virq;
    uint32_t source = vaplic_physical(cpu->vm, number);
    uint32_t target = virq->target[number];

    if (source == 0)
        return;
    aplic_set_mode(source, virq->mode[number]);
    if (virq->mode[number] == MODE_INACTIVE)
        return;
    aplic_set_target(source, cpu_of(cpu->vm, target)->config->hart_index << TARGET_HART_SHIFT |
                                 IMSIC_GUEST_FILE << TARGET_GUEST_SHIFT | (target & TARGET_EIID_MASK));
    aplic_set_enabled(source, vaplic_test(virq->enable, number) && (virq->domaincfg & DOMAINCFG_IE));
}

/* One write to the interrupt file of a vCPU; none to one whose hart the board turned out not to have. */
static void deliver(const struct vm *vm, uint32_t target)
{
    const struct cpu *cpu = cpu_of(vm, target);

    if (cpu_state(cpu) != VCPU_MISSING)
        mmio_write32(cpu->config->guest_file, target & TARGET_EIID_MASK);
}

/* Send a virtual source that is pending and enabled. No lock: whoever finds it pending, and clears that, sends it. */
static void send(struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;
    uint32_t target = __atomic_load_n(&virq->target[number], __ATOMIC_ACQUIRE);

    if (!vaplic_test(virq->enable, number) || !(__atomic_load_n(&virq->domaincfg, __ATOMIC_ACQUIRE) & DOMAINCFG_IE))
        return;
    if (__atomic_fetch_and(&virq->pending[number / 32], ~vaplic_bit(number), __ATOMIC_ACQ_REL) & vaplic_bit(number))
        deliver(vm, target);
}

void virq_raise(struct vm *vm, uint32_t number)
{
    __atomic_fetch_or(&vm->virq.pending[number / 32], vaplic_bit(number), __ATOMIC_ACQ_REL);
    send(vm, number);
}

void vaplic_set_pending(struct cpu *cpu, struct vm *vm, uint32_t number)
{
    struct virq *virq = &vm->virq;
    uint32_t source = vaplic_physical(vm, number);

    (void)cpu;
    if (source != 0) {
        aplic_write(APLIC_SETIPNUM_LE, source);
    } else if (virq->mode[number] < MODE_HIGH || vaplic_test(virq->level, number)) {
        __atomic_fetch_or(&virq->pending[number / 32], vaplic_bit(number), __ATOMIC_ACQ_REL);
        send(vm, number);
    }
}

void vaplic_deliver(struct cpu *cpu, struct vm *vm)
{
    (void)cpu;
    for (uint32_t word = 0; word < PLAN_IRQ_WORDS; word++) {
        uint32_t ready = __atomic_load_n(&vm->virq.pending[word], __ATOMIC_ACQUIRE) & vm->virq.enable[word];

        for (; ready != 0; ready &= ready - 1)
            send(vm, word * 32 + bit_lowest(ready));
    }
}

/* Guests' sources go to their own files, so the hypervisor is never handed one. */
void virq_physical(struct cpu *cpu, uint32_t number)
{
    (void)cpu;
    (void)number;
}

/* Whatever domaincfg says, genmsi sends; it is never busy (section 4.5.15). */
void vaplic_access_delivery(struct cpu *cpu, uint32_t offset, struct vdev_access *access)
{
    struct virq *virq = &cpu->vm->virq;

    if (offset == APLIC_GENMSI && access->write) {
        virq->genmsi = vaplic_legal_target(cpu->vm, (uint32_t)access->value);
        deliver(cpu->vm, virq->genmsi);
    }
    access->value = offset == APLIC_GENMSI ? virq->genmsi : 0;
}

/* The vCPU's interrupt file as after a reset: nothing delivered, enabled or pending. */
void virq_reset_vcpu(struct cpu *cpu)
{
    (void)cpu;
    csr_write(hstatus, (csr_read(hstatus) & ~HSTATUS_VGEIN) | IMSIC_GUEST_FILE << HSTATUS_VGEIN_SHIFT);
    csr_write(CSR_VSISELECT, IMSIC_EIDELIVERY);
    csr_write(CSR_VSIREG, 0);
    csr_write(CSR_VSISELECT, IMSIC_EITHRESHOLD);
    csr_write(CSR_VSIREG, 0);
    for (uint32_t word = 0; word < (PLAN_MSIS + 31) / 32; word += sizeof(ureg_t) / 4) {
        csr_write(CSR_VSISELECT, IMSIC_EIE + word);
        csr_write(CSR_VSIREG, 0);
        csr_write(CSR_VSISELECT, IMSIC_EIP + word);
        csr_write(CSR_VSIREG, 0);
    }
    csr_write(CSR_VSISELECT, 0);
}

/* It is in the guest's interrupt file by then. */
bool virq_pends(struct cpu *cpu, uint32_t number)
{
    (void)cpu;
    (void)number;
    return false;
}
