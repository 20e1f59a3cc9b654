// SPDX-License-Identifier: Apache-2.0
/*
 * A VM that has its interrupts itself, on a physical GICv3 that only remembers: whatever its guest writes to whatever register
 * of the controller, the physical one is written for the VM's own interrupts and CPUs alone.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fake.h"
#include "gic.h"
#include "mmio.h"
#include "vdev.h"
#include "vgic-direct.h"

enum { TIMER = 27, UART = 35, BELL = 36, NIC = 40, IDS = 96, VCPUS = 3, STEP = 8 };

static const uint16_t own[IDS] = {[TIMER] = TIMER, [UART] = UART, [BELL] = BELL, [NIC] = NIC};
static struct cpu *vcpu[VCPUS];
static unsigned strange;         /* writes to what is not alpha's */
static unsigned writes;          /* to the controller */
static uint32_t sent;            /* CPUs that SGIs went to, a bit each */
static uint32_t words[3][0x400]; /* what was last written: distributor, alpha's vCPU 0, vCPU 1 */
static unsigned long last_dir;

static bool is_own(uint32_t id)
{
    return id < 16 || (id < IDS && own[id] == id);
}

static bool are_own(uint32_t base, uint32_t bits)
{
    for (uint32_t i = 0; i < 32; i++) {
        if ((bits >> i & 1) != 0 && !is_own(base + i))
            return false;
    }
    return true;
}

/* Offset in the frame of an interrupt's registers, and which frame; false: none of alpha's. */
static bool find(uint64_t address, uint32_t *offset, bool *is_private)
{
    *is_private = false;
    *offset = (uint32_t)(address - config.irqchip_base);
    if (address - config.irqchip_base < 0x10000)
        return true;
    *is_private = true;
    for (unsigned i = 0; i < VCPUS; i++) {
        *offset = (uint32_t)(address - vcpu[i]->config->gicr - 0x10000);
        if (address - (vcpu[i]->config->gicr + 0x10000) < 0x10000)
            return true;
    }
    return false;
}

void mmio_write32(uint64_t address, uint32_t value)
{
    uint32_t offset;
    bool is_private;
    uint32_t base;

    writes++;
    if (!find(address, &offset, &is_private)) {
        strange++;
        return;
    }
    words[is_private][offset / 4 % 0x400] = value;
    base = offset % 0x80 * 8;
    /* Enable, pending and active bits; nothing else is written by words. */
    if (offset < 0x100 || offset >= 0x400 || (is_private != (base < 32)) || !are_own(base, value))
        strange++;
}

void mmio_write8(uint64_t address, uint8_t value)
{
    uint32_t offset;
    bool is_private;

    writes++;
    /* Priorities, never the one that is the hypervisor's. */
    if (!find(address, &offset, &is_private) || offset < 0x400 || offset >= 0x800 || !is_own(offset - 0x400) ||
        is_private != (offset - 0x400 < 32) || value < STEP)
        strange++;
    else
        words[is_private][offset / 4] = value;
}

void mmio_write64(uint64_t address, uint64_t value)
{
    uint64_t id = (address - config.irqchip_base - 0x6000) / 8;
    int target = fake_cpu_of_id(value);

    writes++;
    if (id < 32 || id >= IDS || !is_own((uint32_t)id) || target < 0 || cpus[target].vm != &vms[0])
        strange++;
}

uint32_t mmio_read32(uint64_t address)
{
    if (address == config.irqchip_base)
        return 0x53; /* one security state */
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        if (address == config.cpus[i].gicr + 0xc)
            return (uint32_t)config.cpus[i].id;
        if (address == config.cpus[i].gicr || address == config.cpus[i].gicr + 0x14)
            return 0;
    }
    return (address & 0xffff) >= 0x200 && (address & 0xffff) < 0x400 ? UINT32_MAX : 0; /* all is pending and active */
}

uint8_t mmio_read8(uint64_t address)
{
    (void)address;
    return 0;
}

uint64_t mmio_read64(uint64_t address)
{
    (void)address;
    return 0;
}

void fake_sysreg_read(const unsigned long *reg)
{
    if (reg == &sysregs->S3_0_C12_C8_0)
        sysregs->S3_0_C12_C8_0 = 1023;
    else if (reg == &sysregs->S3_0_C12_C12_4)
        sysregs->S3_0_C12_C12_4 |= 4u << 8; /* five bits of priority */
}

void fake_sysreg_written(const unsigned long *reg)
{
    unsigned long value = *reg;

    if (reg == &sysregs->S3_0_C12_C11_5) {
        uint64_t cluster = (value >> 16 & 0xff000000) | (value >> 8 & 0xff00);
        int target = fake_cpu_of_id(cluster | (uint32_t)__builtin_ctz((uint32_t)value & 0xffff));

        if ((value >> 40 & 1) != 0 || target < 0)
            abort();
        sent |= 1u << target;
    }
    if (reg == &sysregs->S3_0_C12_C11_1)
        last_dir = value;
}

static void boot(void)
{
    struct config *changed = fake_config();

    changed->vms[0].direct = true;
    changed->vms[0].irq_physical = own;
    changed->vms[0].uart_irq = UART;
    changed->one_security_state = true;
    for (unsigned i = 0; i < VCPUS; i++)
        vcpu[i] = &cpus[config.vms[0].cpus[i]];
    fake_boot();
    direct_init(true);
    for (unsigned i = 0; i < VCPUS; i++)
        cpu_set_state(vcpu[i], VCPU_ON);
    memset(words, 0, sizeof(words));
    strange = writes = 0;
    sent = 0;
}

static uint64_t access_as(unsigned who, uint64_t offset, uint32_t width, bool write, uint64_t value)
{
    struct vdev_access access = {offset, width, write, value};

    fake_run_as(vcpu[who]);
    CHECK(virq_access(vcpu[who], &access));
    return access.value;
}

TEST(direct_nothing_of_others_is_written)
{
    static const uint32_t widths[] = {1, 2, 4, 8};

    boot();
    srand(1);
    for (unsigned round = 0; round < 300000; round++) {
        uint32_t width = widths[rand() % 4];
        uint64_t offset = (uint64_t)rand() % 0x70000;
        uint64_t value = (uint64_t)rand() << 33 ^ (uint64_t)rand() << 11 ^ (uint64_t)rand();

        /* Mostly where registers are. */
        if (rand() % 4 != 0)
            offset = rand() % 2 ? offset % 0x1000 : offset % 0x300 + 0x6000 + (uint64_t)(rand() % 2) * 0x1a100;
        if (rand() % 4 == 0)
            value = rand() % 2 ? UINT64_MAX : 0;
        access_as((unsigned)rand() % VCPUS, offset & ~(uint64_t)(width - 1), width, rand() % 4 != 0, value);
        if (rand() % 64 == 0)
            access_as(0, 0, 4, true, 3);
    }
    CHECK(writes > 1000);
    CHECK_EQ(strange, 0);
}

TEST(direct_registers_show_what_is_the_guests)
{
    boot();
    CHECK_EQ(access_as(0, 0x204, 4, false, 0), 1u << (UART - 32) | 1u << (BELL - 32) | 1u << (NIC - 32));
    CHECK_EQ(access_as(0, 0x20000 + 0x200, 4, false, 0), 0xffff | 1u << TIMER);
    access_as(0, 0x104, 4, true, UINT32_MAX);
    CHECK_EQ(access_as(0, 0x104, 4, false, 0), 1u << (UART - 32) | 1u << (BELL - 32) | 1u << (NIC - 32));
    access_as(0, 0x420, 4, true, UINT32_MAX);
    CHECK_EQ(access_as(0, 0x420, 4, false, 0), 0xf8000000); /* 35 alone */
    access_as(0, 0x424, 4, true, 0x00000008);
    CHECK_EQ(access_as(0, 0x424, 4, false, 0), 8); /* 36 */
    access_as(0, 0x6000 + NIC * 8, 8, true, 2);
    access_as(0, 0x6000 + 41 * 8, 8, true, 2);
    CHECK_EQ(access_as(0, 0x6000 + NIC * 8, 8, false, 0), 2);
    CHECK_EQ(access_as(0, 0x6000 + 41 * 8, 8, false, 0), 0);
    CHECK_EQ(strange, 0);
}

/* Nothing is let through before the guest has switched its distributor on, and nothing after it has switched it off. */
TEST(direct_the_distributor_as_a_whole)
{
    boot();
    access_as(0, 0x104, 4, true, 1u << (NIC - 32));
    CHECK_EQ(words[0][0x104 / 4], 0);
    access_as(0, 0, 4, true, 3);
    CHECK_EQ(words[0][0x104 / 4], 1u << (NIC - 32));
    access_as(0, 0, 4, true, 0);
    CHECK_EQ(words[0][0x184 / 4], 1u << (NIC - 32));
    CHECK_EQ(strange, 0);
}

TEST(direct_sgis_reach_the_vm_alone)
{
    boot();
    for (uint64_t sgi = 0; sgi < 16; sgi++) {
        for (uint64_t low = 0; low < 1u << 16; low += 0x1111) {
            for (uint64_t high = 0; high < 1u << 25; high += 0xffff) {
                fake_run_as(vcpu[0]);
                CHECK(virq_write_sgi(vcpu[0], high << 32 | sgi << 24 | low));
            }
        }
    }
    CHECK_EQ(sent & ~(1u << vcpu[0]->index | 1u << vcpu[1]->index | 1u << vcpu[2]->index), 0);
    sent = 0;
    virq_write_sgi(vcpu[0], 1ul << 40);
    CHECK_EQ(sent, 1u << vcpu[1]->index | 1u << vcpu[2]->index);
}

TEST(direct_registers_of_the_cpu_that_trap)
{
    uint64_t value = 0;

    boot();
    fake_run_as(vcpu[0]);
    /* The mask never covers the hypervisor's priority. */
    CHECK(direct_sysreg(vcpu[0], SYSREG_ISS(3ul, 0ul, 4ul, 6ul, 0ul), true, &value));
    CHECK_EQ(sysregs->S3_0_C4_C6_0, STEP);
    value = ~0ul;
    CHECK(direct_sysreg(vcpu[0], SYSREG_ISS(3ul, 0ul, 12ul, 12ul, 4ul), true, &value));
    CHECK_EQ(sysregs->S3_0_C12_C12_4 & 0xff, 2);
    /* Deactivating is for its own. */
    for (uint32_t id = 0; id < 1100; id++) {
        last_dir = 5000;
        value = id;
        CHECK(direct_sysreg(vcpu[0], SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 1ul), true, &value));
        CHECK_EQ(last_dir, is_own(id) ? id : 5000);
    }
    CHECK(!direct_sysreg(vcpu[0], SYSREG_ISS(3ul, 0ul, 12ul, 11ul, 3ul), true, &value));
    CHECK(!direct_sysreg(vcpu[0], SYSREG_ISS(3ul, 4ul, 1ul, 1ul, 0ul), true, &value));
}

/* The line is pended at each look while it is high, and withdrawn when it goes low. */
TEST(direct_level_of_a_virtual_line)
{
    boot();
    fake_run_as(vcpu[0]);
    virq_set_level(vcpu[0], &vms[0], UART, false);
    CHECK_EQ(writes, 0);
    virq_set_level(vcpu[0], &vms[0], UART, true);
    virq_set_level(vcpu[0], &vms[0], UART, true);
    CHECK_EQ(writes, 2);
    CHECK_EQ(words[0][0x204 / 4], 1u << (UART - 32));
    virq_set_level(vcpu[0], &vms[0], UART, false);
    CHECK_EQ(words[0][0x284 / 4], 1u << (UART - 32));
    virq_raise(&vms[0], BELL);
    CHECK_EQ(words[0][0x204 / 4], 1u << (BELL - 32));
    CHECK_EQ(strange, 0);
}

TEST(direct_reset_quiets_all_of_it)
{
    boot();
    access_as(0, 0, 4, true, 3);
    access_as(0, 0x104, 4, true, UINT32_MAX);
    fake_run_as(vcpu[0]);
    virq_reset(vcpu[0]);
    for (uint32_t reg = 0x180; reg <= 0x380; reg += 0x100)
        CHECK_EQ(words[0][(reg + 4) / 4], 1u << (UART - 32) | 1u << (BELL - 32) | 1u << (NIC - 32));
    for (uint32_t reg = 0x180; reg <= 0x380; reg += 0x100)
        CHECK_EQ(words[1][reg / 4], 0xffff | 1u << TIMER);
    CHECK_EQ(access_as(0, 0x104, 4, false, 0), 0);
    CHECK_EQ(access_as(0, 0, 4, false, 0) & 3, 0);
    CHECK_EQ(strange, 0);
}
