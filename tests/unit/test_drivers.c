// SPDX-License-Identifier: Apache-2.0
/* The physical PLIC and ns16550a: which registers they use. Names are changed: fake.c has the others. */
#include <string.h>

#include "check.h"
#include "fake.h"
#include "mmio.h"

#define irqchip_init      plic_init
#define irqchip_quiet     plic_quiet
#define irqchip_init_cpu  plic_init_cpu
#define irqchip_claim     plic_claim
#define irqchip_complete  plic_complete
#define irqchip_enable    plic_enable
#define uart_put          ns16550a_put
#define uart_get          ns16550a_get
#define uart_enable_input ns16550a_enable_input
#include "../../hypervisor/drivers/ns16550a.c"
#undef IER_RECEIVED
#include "../../hypervisor/drivers/plic.c"

static struct {
    uint64_t address;
    uint32_t value;
    uint32_t width;
} writes[200];
static unsigned write_count;
static struct {
    uint64_t address;
    uint32_t value;
} reads[8];

static uint32_t answer(uint64_t address)
{
    for (unsigned i = 0; i < 8; i++) {
        if (reads[i].address == address)
            return reads[i].value;
    }
    return 0;
}

static void record(uint64_t address, uint32_t value, uint32_t width)
{
    writes[write_count].address = address;
    writes[write_count].value = value;
    writes[write_count++].width = width;
}

uint32_t mmio_read32(uint64_t address)
{
    return answer(address);
}

uint8_t mmio_read8(uint64_t address)
{
    return (uint8_t)answer(address);
}

void mmio_write32(uint64_t address, uint32_t value)
{
    record(address, value, 4);
}

void mmio_write8(uint64_t address, uint8_t value)
{
    record(address, value, 1);
}

static void check_write(unsigned n, uint64_t address, uint32_t value, int line)
{
    check_equal(writes[n].address, address, __FILE__, line, "address");
    check_equal(writes[n].value, value, __FILE__, line, "value");
}

#define WRITE(n, address, value) check_write((n), (address), (value), __LINE__)

TEST(plic_driver_gives_owned_sources_a_priority)
{
    plic_init();
    CHECK_EQ(write_count, 5);
    WRITE(0, 0x0c000000 + 10 * 4, 1);
    WRITE(1, 0x0c000000 + 11 * 4, 1);
    WRITE(4, 0x0c000000 + 63 * 4, 1);
}

TEST(plic_driver_contexts)
{
    fake_boot();
    plic_init_cpu(&cpus[2]); /* context 141 */
    CHECK_EQ(write_count, 3);
    WRITE(0, 0x0c002000 + 141 * 0x80, 0);
    WRITE(1, 0x0c002004 + 141 * 0x80, 0);
    WRITE(2, 0x0c200000 + 141 * 0x1000, 0);
}

TEST(plic_driver_enable)
{
    fake_boot();
    reads[0].address = 0x0c002004 + 3 * 0x80;
    reads[0].value = 0x11;
    plic_enable(&cpus[1], 34, true);
    plic_enable(&cpus[1], 36, false);
    plic_enable(&cpus[1], 63, true);
    WRITE(0, 0x0c002004 + 3 * 0x80, 0x15);
    WRITE(1, 0x0c002004 + 3 * 0x80, 0x01);
    WRITE(2, 0x0c002004 + 3 * 0x80, 0x80000011);
}

TEST(plic_driver_claim_and_complete)
{
    fake_boot();
    reads[0].address = 0x0c200004 + 11 * 0x1000;
    reads[0].value = 12;
    CHECK_EQ(plic_claim(&cpus[0]), 12);
    plic_complete(&cpus[0], 12);
    CHECK_EQ(write_count, 1);
    WRITE(0, 0x0c200004 + 11 * 0x1000, 12);
}

TEST(ns16550a_driver_bytes)
{
    reads[0].address = 0x10000005;
    reads[0].value = 0x60;
    ns16550a_put('\xe4');
    WRITE(0, 0x10000000, 0xe4);
    CHECK_EQ(writes[0].width, 1);
    CHECK_EQ(ns16550a_get(), -1);
    reads[0].value = 0x61;
    reads[1].address = 0x10000000;
    reads[1].value = 0xff;
    CHECK_EQ(ns16550a_get(), 0xff);
    ns16550a_enable_input();
    WRITE(1, 0x10000001, 1);
}

TEST(ns16550a_driver_wide_registers)
{
    fake_config()->console.reg_shift = 2;
    fake_config()->console.reg_width = 4;
    reads[0].address = 0x10000014;
    reads[0].value = 0x61;
    reads[1].address = 0x10000000;
    reads[1].value = 0xffffff41;
    CHECK_EQ(ns16550a_get(), 'A');
    ns16550a_put('x');
    WRITE(0, 0x10000000, 'x');
    CHECK_EQ(writes[0].width, 4);
    ns16550a_enable_input();
    WRITE(1, 0x10000004, 1);
}
