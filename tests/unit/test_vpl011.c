// SPDX-License-Identifier: Apache-2.0
/* The virtual PL011, register by register. Source of what is right: Arm PL011 TRM, DDI 0183G, chapter 3. */
#include "check.h"
#include "fake.h"

enum {
    DR = 0,
    RSR = 4,
    FR = 0x18,
    IBRD = 0x24,
    LCR = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44
};

#define RX   0x10u
#define TX   0x20u
#define RT   0x40u
#define RXFE 0x10u
#define TXFE 0x80u

static struct cpu *cpu;

static void boot(void)
{
    fake_boot();
    cpu = fake_cpu(0, 0);
}

static uint32_t get(uint64_t reg)
{
    struct vdev_access access = {reg, 4, false, 0xffffffffffffff55};

    CHECK(vuart_access(cpu, &access));
    CHECK(access.value <= UINT32_MAX);
    return (uint32_t)access.value;
}

static void put(uint64_t reg, uint32_t value)
{
    struct vdev_access access = {reg, 4, true, value};

    CHECK(vuart_access(cpu, &access));
}

static bool line(void)
{
    return (vms[0].virq.shared[0].level >> (35 - 32) & 1) != 0;
}

TEST(vpl011_reset_values)
{
    boot();
    CHECK_EQ(get(DR), 0);
    CHECK_EQ(get(RSR), 0);
    CHECK_EQ(get(FR), RXFE | TXFE);
    CHECK_EQ(get(CR), 0x300);
    CHECK_EQ(get(IMSC), 0);
    CHECK_EQ(get(RIS), 0);
    CHECK_EQ(get(MIS), 0);
    CHECK(!line());
}

TEST(vpl011_identification)
{
    static const uint32_t id[] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

    boot();
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(get(0xfe0 + 4 * i), id[i]);
    CHECK_EQ(get(0xfdc), 0);
}

TEST(vpl011_plain_registers)
{
    boot();
    put(LCR, 0x70);
    put(CR, 0xffffffff);
    put(IMSC, 0xffffffff);
    CHECK_EQ(get(LCR), 0x70);
    CHECK_EQ(get(CR), 0x301);
    CHECK_EQ(get(IMSC), RX | TX | RT);
    put(FR, 0);
    put(RIS, 0xff);
    CHECK_EQ(get(FR), RXFE | TXFE);
    CHECK_EQ(get(RIS), 0);
}

TEST(vpl011_output)
{
    struct vdev_access byte = {DR, 1, true, 'o'};

    boot();
    put(DR, 'h');
    CHECK(vuart_access(cpu, &byte));
    put(DR, '\n');
    CHECK_TEXT(fake_screen(), "[alpha] ho\r\n");
    CHECK_EQ(get(RIS), TX);
    CHECK(!line());
    put(IMSC, TX);
    CHECK(line());
    CHECK_EQ(get(MIS), TX);
    put(ICR, TX);
    CHECK(!line());
    put(DR, 'x');
    CHECK(line());
    put(IMSC, 0);
    CHECK(!line());
}

TEST(vpl011_prompt)
{
    boot();
    put(DR, '>');
    CHECK_TEXT(fake_screen(), "");
    get(FR);
    get(FR);
    CHECK_TEXT(fake_screen(), "[alpha] >");
    /* Linux fills the FIFO, never sees it full, and shuts an interrupt that was not open. */
    put(DR, '#');
    put(IMSC, RX | RT);
    CHECK_TEXT(fake_screen(), "#");
}

TEST(vpl011_input)
{
    boot();
    put(IMSC, RX | RT);
    vuart_receive(cpu, &vms[0], 'a');
    vuart_receive(cpu, &vms[0], 0xff);
    CHECK(line());
    CHECK_EQ(get(FR), TXFE);
    CHECK_EQ(get(MIS), RX | RT);
    put(ICR, RX | RT);
    CHECK(line()); /* there is more */
    CHECK_EQ(get(DR), 'a');
    CHECK_EQ(get(DR), 0xff);
    CHECK(!line());
    CHECK_EQ(get(FR), RXFE | TXFE);
}

TEST(vpl011_full)
{
    boot();
    for (unsigned i = 0; i < VUART_RX_SIZE + 5; i++)
        vuart_receive(cpu, &vms[0], (uint8_t)i);
    for (unsigned i = 0; i < VUART_RX_SIZE; i++)
        CHECK_EQ(get(DR), i & 0xff);
    CHECK(get(FR) & RXFE);
}

TEST(vpl011_firmware_shares_it)
{
    boot();
    CHECK_EQ(vuart_peek(&vms[0]), -1);
    vuart_receive(cpu, &vms[0], 'k');
    CHECK_EQ(vuart_peek(&vms[0]), 'k');
    CHECK_EQ(vuart_take(&vms[0]), 'k');
    CHECK_EQ(vuart_take(&vms[0]), -1);
}

TEST(vpl011_reset)
{
    boot();
    put(IMSC, RX);
    put(LCR, 0x70);
    put(CR, 1);
    put(DR, 'x');
    vuart_receive(cpu, &vms[0], 'k');
    vuart_reset(&vms[0]);
    CHECK_EQ(get(IMSC), 0);
    CHECK_EQ(get(LCR), 0);
    CHECK_EQ(get(CR), 0x300);
    CHECK_EQ(get(RIS), 0);
    CHECK_EQ(get(FR), RXFE | TXFE);
}

TEST(vpl011_refused)
{
    boot();
    for (uint64_t offset = 0; offset < 0x1000; offset++) {
        for (uint32_t width = 1; width <= 8; width *= 2) {
            struct vdev_access access = {offset, width, false, 0};

            CHECK_EQ(vuart_access(cpu, &access), offset % 4 == 0 && width <= 4);
        }
    }
}
