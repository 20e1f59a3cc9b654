// SPDX-License-Identifier: Apache-2.0
#include "vgic-direct.h"

#include "arch/sysreg.h"
#include "bits.h"
#include "console.h"
#include "drivers.h"
#include "gicv3.h"
#include "mmio.h"
#include "timer.h"
#include "vdev.h"
#include "vgic-interrupt.h"
#include "vgic.h"
#include "vm.h"

#define REG_IGROUPR    0x080u
#define REG_IPRIORITYR 0x400u
#define REG_ITARGETSR  0x800u
#define REG_ICFGR      0xc00u
#define REG_END        0xd00u
#define ALL_PRIORITIES 0xffu

static bool group0_is_ours;

/* The guest's own: its devices' and virtual lines at their physical numbers, its timer, all SGIs. */
static bool owns(const struct vm *vm, uint32_t id)
{
    return id < GIC_PPI || physical_of(vm, id) == id;
}

/* Those of `bits`, interrupts from `base` on, that the VM owns. */
static uint32_t own_bits(const struct vm *vm, uint32_t base, uint32_t bits)
{
    uint32_t own = 0;

    for (; bits != 0; bits &= bits - 1) {
        uint32_t n = bit_lowest(bits);

        if (owns(vm, base + n))
            own |= 1u << n;
    }
    return own;
}

/* The registers of an interrupt: in the redistributor of the vCPU's CPU, or in the distributor. */
static uint64_t frame(const struct vm *vm, uint32_t vcpu, uint32_t id)
{
    return id < GIC_SPI ? vm_cpu(vm, vcpu)->config->gicr + GICR_SGI : config.irqchip_base;
}

static uint64_t bit_register(const struct vm *vm, uint32_t vcpu, uint32_t reg, uint32_t base)
{
    return frame(vm, vcpu, base) + reg + base / 8;
}

/* The highest priority of a guest, one step below ours; ICC_CTLR_EL1.PRIbits is the number of bits less one. */
static uint32_t highest_priority(void)
{
    return 0x80u >> (sysreg_read(ICC_CTLR_EL1) >> 8 & 7);
}

static uint32_t lowered(uint32_t priority)
{
    uint32_t highest = highest_priority();

    return priority < highest ? highest : priority;
}

static void wait_for_disable(const struct vm *vm, uint32_t vcpu, uint32_t base)
{
    if (base < GIC_SPI) {
        while ((mmio_read32(vm_cpu(vm, vcpu)->config->gicr + GICR_CTLR) & GICR_CTLR_RWP) != 0)
            ;
    } else {
        while ((mmio_read32(config.irqchip_base + GICD_CTLR) & GICD_CTLR_RWP) != 0)
            ;
    }
}

static void put_priority(const struct vm *vm, uint32_t vcpu, uint32_t id, uint32_t priority)
{
    mmio_write8(frame(vm, vcpu, id) + GICD_IPRIORITYR + id, (uint8_t)lowered(priority));
}

static void put_route(const struct vm *vm, uint32_t id, uint32_t vcpu)
{
    mmio_write64(config.irqchip_base + GICD_IROUTER + id * 8, vm_cpu(vm, vcpu)->config->id);
}

/* Of 32 interrupts, all the VM's own: let them through, with their priority and to their vCPU, or shut them. */
static void put_enables(struct vm *vm, uint32_t vcpu, uint32_t base, uint32_t own, bool enabled)
{
    if (own == 0)
        return;
    if (!enabled) {
        mmio_write32(bit_register(vm, vcpu, GICD_ICENABLER, base), own);
        wait_for_disable(vm, vcpu, base);
        return;
    }
    for (uint32_t bits = own; bits != 0; bits &= bits - 1) {
        uint32_t n = bit_lowest(bits);

        put_priority(vm, vcpu, base + n, vgic_word(&vm->virq, vcpu, base)->priority[n]);
        if (base >= GIC_SPI)
            put_route(vm, base + n, target_of(&vm->virq, vcpu, base + n));
    }
    mmio_write32(bit_register(vm, vcpu, GICD_ISENABLER, base), own);
}

/* Shut, not pending, not active. */
static void quiet(struct vm *vm, uint32_t vcpu, uint32_t base)
{
    uint32_t own = own_bits(vm, base, UINT32_MAX);

    put_enables(vm, vcpu, base, own, false);
    mmio_write32(bit_register(vm, vcpu, GICD_ICPENDR, base), own);
    mmio_write32(bit_register(vm, vcpu, GICD_ICACTIVER, base), own);
}

void direct_init(bool one_security_state)
{
    group0_is_ours = one_security_state;
    if (config.one_security_state && !one_security_state)
        console_message("the interrupt controller has two security states, and board '%s' says one: VMs with direct "
                        "interrupts run on their first vCPU alone",
                        config.board);
}

/* What of the interface is the guest's, as after a reset; it starts with all its interrupts masked. */
static void reset_interface(void)
{
    uint32_t bits = (uint32_t)(sysreg_read(ICC_CTLR_EL1) >> 8 & 7) + 1;

    sysreg_write(ICC_IGRPEN1_EL1, 0);
    sysreg_write(ICC_CTLR_EL1, 0);
    sysreg_write(ICC_PMR_EL1, highest_priority());
    sysreg_write(ICC_BPR1_EL1, 0);
    sysreg_write(ICC_AP1R0_EL1, 0);
    if (bits >= 6)
        sysreg_write(ICC_AP1R1_EL1, 0);
    if (bits >= 7) {
        sysreg_write(ICC_AP1R2_EL1, 0);
        sysreg_write(ICC_AP1R3_EL1, 0);
    }
    isb();
}

/* Private interrupts that we take on each CPU. No list register is used, so the maintenance interrupt is free to be the kick. */
static uint32_t ours(void)
{
    return gic_own_interrupts() & ~(1u << GIC_KICK);
}

void direct_init_cpu(struct cpu *cpu)
{
    uint64_t sgis = cpu->config->gicr + GICR_SGI;

    if (group0_is_ours) {
        for (uint32_t bits = ours(); bits != 0; bits &= bits - 1)
            mmio_write8(sgis + GICD_IPRIORITYR + bit_lowest(bits), 0);
        mmio_write32(sgis + GICD_IGROUPR, ~ours());
        mmio_write32(sgis + GICD_ISENABLER, ours());
        sysreg_write(ICC_BPR0_EL1, 0);
        sysreg_write(ICC_IGRPEN0_EL1, 1);
    }
    sysreg_write(hcr_el2, HCR_GUEST_DIRECT);
    sysreg_write(ICH_HCR_EL2, ICH_HCR_TC);
    reset_interface();
}

void direct_kick(const struct cpu *cpu)
{
    __asm__ volatile("dsb ishst" ::: "memory");
    if (group0_is_ours)
        mmio_write32(cpu->config->gicr + GICR_SGI + GICD_ISPENDR, 1u << config.maintenance_irq);
}

enum exit_reason direct_take_interrupts(struct cpu *cpu)
{
    enum exit_reason reason = EXIT_DEVICE;

    while (group0_is_ours) {
        uint32_t id = (uint32_t)sysreg_read(ICC_IAR0_EL1);

        if (id >= GIC_SPURIOUS)
            break;
        if (id == config.maintenance_irq) {
            reason = EXIT_EVENT;
        } else if (PLAN_TIMER && id == config.timer_irq) {
            reason = EXIT_TIMER;
            timer_expired(cpu);
        } else if (id < PLAN_IRQS && config.irq_owner[id].vm == IRQ_HYPERVISOR) {
            console_input(cpu);
        }
        sysreg_write(ICC_EOIR0_EL1, id);
        if ((sysreg_read(ICC_CTLR_EL1) & ICC_CTLR_EOIMODE) != 0)
            sysreg_write(ICC_DIR_EL1, id);
    }
    return reason;
}

void direct_wait(void)
{
    /* While it is routed to us, one for the guest wakes us as well: it is what a suspended vCPU waits for. */
    sysreg_write(hcr_el2, HCR_GUEST);
    __asm__ volatile("isb\n\tdsb sy\n\twfi" ::: "memory");
    sysreg_write(hcr_el2, HCR_GUEST_DIRECT);
    isb();
}

bool direct_waiting(void)
{
    return (sysreg_read(ICC_HPPIR1_EL1) & 0xffffff) < GIC_SPURIOUS;
}

void direct_raise(uint32_t number)
{
    /* What was written to the channel is seen by whom the interrupt calls. */
    __asm__ volatile("dsb ishst" ::: "memory");
    mmio_write32(config.irqchip_base + GICD_ISPENDR + number / 32 * 4, bit(number));
}

void direct_set_level(struct vm *vm, uint32_t number, bool level)
{
    struct vgic_word *word = vgic_word(&vm->virq, 0, number);

    if (level) {
        /* Each access of the handler comes here: so what it leaves undone interrupts again at its end. */
        word->level |= bit(number);
        direct_raise(number);
    } else if ((word->level & bit(number)) != 0) {
        word->level &= ~bit(number);
        mmio_write32(config.irqchip_base + GICD_ICPENDR + number / 32 * 4, bit(number));
    }
}

void direct_send(const struct cpu *cpu, uint32_t id, uint64_t vcpus)
{
    for (; vcpus != 0; vcpus &= vcpus - 1)
        gic_send(vm_cpu(cpu->vm, bit_lowest64(vcpus)), id);
}

void direct_set_enabled(struct cpu *cpu, uint32_t enabled)
{
    struct vm *vm = cpu->vm;
    struct virq *virq = &vm->virq;

    if ((enabled != 0) != (virq->enabled != 0)) {
        for (uint32_t vcpu = 0; vcpu < vm->config->vcpu_count; vcpu++)
            put_enables(vm, vcpu, 0, virq->private[vcpu].enable, enabled != 0);
        for (uint32_t base = GIC_SPI; base < PLAN_IRQ_WORDS * 32; base += 32)
            put_enables(vm, 0, base, vgic_word(virq, 0, base)->enable, enabled != 0);
    }
    virq->enabled = enabled;
}

void direct_route(struct cpu *cpu, uint32_t id, uint32_t vcpu)
{
    if (!owns(cpu->vm, id))
        return;
    __atomic_store_n(&cpu->vm->virq.route[id - GIC_SPI], (uint8_t)vcpu, __ATOMIC_RELAXED);
    put_route(cpu->vm, id, vcpu);
}

/* Registers with a bit for each interrupt. */
static uint32_t access_bits(struct vm *vm, uint32_t vcpu, uint32_t offset, uint32_t base, bool write, uint32_t value)
{
    struct vgic_word *word = vgic_word(&vm->virq, vcpu, base);
    uint32_t reg = offset & ~0x7fu;
    uint32_t own = own_bits(vm, base, write ? value : UINT32_MAX);

    switch (reg) {
    case REG_IGROUPR:
        if (write)
            word->group = value;
        return word->group;
    case GICD_ISENABLER:
    case GICD_ICENABLER:
        if (write) {
            word->enable = reg == GICD_ISENABLER ? word->enable | own : word->enable & ~own;
            if (vm->virq.enabled != 0)
                put_enables(vm, vcpu, base, own, reg == GICD_ISENABLER);
        }
        return word->enable;
    default: /* what is pending, what is active */
        if (write)
            mmio_write32(bit_register(vm, vcpu, reg, base), own);
        return mmio_read32(bit_register(vm, vcpu, reg, base)) & own;
    }
}

static uint32_t access_priorities(struct vm *vm, uint32_t vcpu, uint32_t id, uint32_t width, bool write, uint32_t value)
{
    struct vgic_word *word = vgic_word(&vm->virq, vcpu, id);
    uint32_t read = 0;

    for (uint32_t i = 0; i < width; i++) {
        if (write && owns(vm, id + i)) {
            word->priority[(id + i) % 32] = (uint8_t)(value >> i * 8 & 0xf8);
            put_priority(vm, vcpu, id + i, value >> i * 8 & 0xf8);
        }
        read |= (uint32_t)word->priority[(id + i) % 32] << i * 8;
    }
    return read;
}

/* Two bits for each of 16 interrupts, of which the upper says edge. How a line of the board is wired, its device tree says. */
static uint32_t access_config(struct vgic_word *word, uint32_t n, bool write, uint32_t value)
{
    uint32_t read = 0;

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t edge = 1u << (n + i);

        if (write)
            word->edge = (value >> (i * 2 + 1) & 1) != 0 ? word->edge | edge : word->edge & ~edge;
        if ((word->edge & edge) != 0)
            read |= 2u << i * 2;
    }
    return read;
}

void direct_access(struct cpu *cpu, uint32_t vcpu, uint32_t offset, struct vdev_access *access)
{
    struct vm *vm = cpu->vm;
    uint32_t value = (uint32_t)access->value;
    uint32_t id;

    access->value = 0;
    if (offset >= REG_IGROUPR && offset < REG_IPRIORITYR) {
        id = (offset & 0x7fu) * 8;
        if (access->width == 4 && id < PLAN_IRQ_WORDS * 32)
            access->value = access_bits(vm, vcpu, offset, id, access->write, value);
    } else if (offset >= REG_IPRIORITYR && offset < REG_ITARGETSR) {
        id = offset - REG_IPRIORITYR;
        if (access->width <= 4 && id < PLAN_IRQ_WORDS * 32)
            access->value = access_priorities(vm, vcpu, id, access->width, access->write, value);
    } else if (offset >= REG_ICFGR && offset < REG_END) {
        id = (offset - REG_ICFGR) * 4;
        if (access->width == 4 && id < PLAN_IRQ_WORDS * 32)
            access->value =
                access_config(vgic_word(&vm->virq, vcpu, id), id % 32, access->write && id >= GIC_PPI, value);
    }
}

bool direct_sysreg(struct cpu *cpu, uint64_t which, bool write, uint64_t *value)
{
    uint32_t id = (uint32_t)*value & 0xffffff;

    switch (which) {
    case SYSREG_ISS(3ul, 0ul, 4ul, 6ul, 0ul): /* ICC_PMR_EL1: masks what is the guest's, never what is ours */
        if (write)
            sysreg_write(ICC_PMR_EL1, lowered((uint32_t)*value & ALL_PRIORITIES));
        else
            *value = sysreg_read(ICC_PMR_EL1);
        return true;
    case SYSREG_ISS(3ul, 0ul, 12ul, 12ul, 4ul): /* ICC_CTLR_EL1: whether an end deactivates */
        if (write)
            sysreg_write(ICC_CTLR_EL1, *value & ICC_CTLR_EOIMODE);
        else
            *value = sysreg_read(ICC_CTLR_EL1);
        return true;
    case SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 3ul): /* ICC_RPR_EL1 */
        *value = sysreg_read(ICC_RPR_EL1);
        return !write;
    case SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 1ul): /* ICC_DIR_EL1 would deactivate anybody's */
        if (write && id < PLAN_IRQ_WORDS * 32 && owns(cpu->vm, id) && (sysreg_read(ICC_CTLR_EL1) & ICC_CTLR_EOIMODE))
            sysreg_write(ICC_DIR_EL1, id);
        return write;
    case SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 6ul): /* ICC_ASGI1R_EL1, ICC_SGI0R_EL1: groups that the guest does not have */
    case SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 7ul):
        return write;
    default:
        return false;
    }
}

void direct_reset_vcpu(struct cpu *cpu)
{
    struct virq *virq = &cpu->vm->virq;

    reset_interface();
    quiet(cpu->vm, cpu->vcpu, 0);
    virq->private[cpu->vcpu] = (struct vgic_word){.enable = 0xffff, .edge = 0xffff};
    if (virq->enabled != 0)
        put_enables(cpu->vm, cpu->vcpu, 0, 0xffff, true);
}

void direct_reset(struct cpu *cpu)
{
    struct vm *vm = cpu->vm;
    struct virq *virq = &vm->virq;

    virq->enabled = 0;
    /* A vCPU may have sent an SGI to one that was off already. */
    for (uint32_t vcpu = 0; vcpu < vm->config->vcpu_count; vcpu++)
        quiet(vm, vcpu, 0);
    for (uint32_t base = GIC_SPI; base < PLAN_IRQ_WORDS * 32; base += 32) {
        quiet(vm, 0, base);
        *vgic_word(virq, 0, base) = (struct vgic_word){0};
    }
    for (uint32_t i = 0; i < VGIC_SHARED * 32; i++)
        virq->route[i] = 0;
}
