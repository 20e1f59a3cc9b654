// SPDX-License-Identifier: Apache-2.0
/* The virtual ns16550a, register by register. Source of what is right: TI PC16550D data sheet, section 8. */
#include "check.h"
#include "fake.h"

enum { RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

#define IRQ 33 /* alpha's */

static struct cpu *cpu;

static void boot(void)
{
    fake_boot();
    cpu = fake_cpu(0, 0);
}

static uint8_t get(uint64_t reg)
{
    struct vdev_access access = {reg, 1, false, 0xffffffffffffff55};

    CHECK(vuart_access(cpu, &access));
    CHECK(access.value <= 0xff);
    return (uint8_t)access.value;
}

static void put(uint64_t reg, uint8_t value)
{
    struct vdev_access access = {reg, 1, true, value};

    CHECK(vuart_access(cpu, &access));
}

static bool line(void)
{
    return (vms[0].virq.level[IRQ / 32] >> (IRQ % 32) & 1) != 0;
}

TEST(vuart_reset_values)
{
    boot();
    CHECK_EQ(get(RBR), 0);
    CHECK_EQ(get(IER), 0);
    CHECK_EQ(get(IIR), 0xc1);
    CHECK_EQ(get(LCR), 0);
    CHECK_EQ(get(MCR), 0);
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(MSR), 0xb0);
    CHECK_EQ(get(SCR), 0);
    CHECK(!line());
}

TEST(vuart_plain_registers)
{
    boot();
    put(SCR, 0xa5);
    put(LCR, 0x1b);
    put(MCR, 0xff);
    put(IER, 0xff);
    CHECK_EQ(get(SCR), 0xa5);
    CHECK_EQ(get(LCR), 0x1b);
    CHECK_EQ(get(MCR), 0x1f);
    CHECK_EQ(get(IER), 0x0f);
    put(LSR, 0);
    put(MSR, 0);
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(MSR), 0xb0);
}

TEST(vuart_divisor)
{
    boot();
    put(IER, 1);
    put(LCR, 0x83);
    put(0, 0x12);
    put(1, 0x34);
    CHECK_EQ(get(0), 0x12);
    CHECK_EQ(get(1), 0x34);
    put(LCR, 0x03);
    CHECK_EQ(get(IER), 1);
    CHECK_TEXT(fake_screen(), "");
    put(LCR, 0x83);
    CHECK_EQ(get(0), 0x12);
}

TEST(vuart_transmits)
{
    boot();
    for (const char *text = "out\n"; *text != '\0'; text++)
        put(THR, (uint8_t)*text);
    CHECK_TEXT(fake_screen(), "[alpha] out\r\n");
    CHECK_EQ(get(LSR), 0x60);
}

TEST(vuart_receives)
{
    boot();
    fake_type("ab");
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), 'a');
    CHECK_EQ(get(LSR), 0x61);
    CHECK_EQ(get(RBR), 'b');
    CHECK_EQ(get(LSR), 0x60);
    CHECK_EQ(get(RBR), 0);
}

TEST(vuart_receives_when_full)
{
    char keys[2 * VUART_RX_SIZE + 1];

    boot();
    for (unsigned i = 0; i < 2 * VUART_RX_SIZE; i++)
        keys[i] = (char)('0' + i % 10);
    keys[2 * VUART_RX_SIZE] = '\0';
    fake_type(keys);
    for (unsigned i = 0; i < VUART_RX_SIZE; i++)
        CHECK_EQ(get(RBR), '0' + i % 10);
    CHECK_EQ(get(LSR), 0x60); /* what found no room is lost */
    fake_type("x");
    CHECK_EQ(get(RBR), 'x');
}

TEST(vuart_queue_wraps)
{
    boot();
    for (unsigned i = 0; i < 1000; i++) {
        fake_type("abc");
        CHECK_EQ(get(RBR), 'a');
        CHECK_EQ(get(RBR), 'b');
        CHECK_EQ(get(RBR), 'c');
    }
    vms[0].uart.rx_head = vms[0].uart.rx_tail = UINT32_MAX - 1;
    fake_type("abcd");
    CHECK_EQ(get(RBR), 'a');
    CHECK_EQ(get(RBR), 'b');
    CHECK_EQ(get(RBR), 'c');
    CHECK_EQ(get(RBR), 'd');
    CHECK_EQ(get(LSR), 0x60);
}

TEST(vuart_clear_receiver)
{
    boot();
    put(IER, 1);
    fake_type("ab");
    CHECK(line());
    put(FCR, 0x05);
    CHECK_EQ(get(LSR), 0x61);
    put(FCR, 0x07);
    CHECK_EQ(get(LSR), 0x60);
    CHECK(!line());
    CHECK_EQ(get(IIR), 0xc1);
}

TEST(vuart_receive_interrupt)
{
    boot();
    fake_type("a");
    CHECK(!line());
    CHECK_EQ(get(IIR), 0xc1);
    put(IER, 1);
    CHECK(line());
    CHECK_EQ(get(IIR), 0xc4);
    CHECK_EQ(get(IIR), 0xc4); /* reading it takes nothing away */
    CHECK(line());
    get(RBR);
    CHECK(!line());
    fake_type("bc");
    CHECK(line());
    get(RBR);
    CHECK(line());
    put(IER, 0);
    CHECK(!line());
    put(IER, 1);
    CHECK(line());
    get(RBR);
    CHECK(!line());
}

TEST(vuart_transmit_interrupt)
{
    boot();
    put(IER, 2);
    CHECK(line()); /* enabling it while the transmitter is empty raises it */
    CHECK_EQ(get(IIR), 0xc2);
    CHECK(!line()); /* and reading what it is takes it away */
    CHECK_EQ(get(IIR), 0xc1);
    put(THR, 'x');
    CHECK(line());
    CHECK_EQ(get(IIR), 0xc2);
    CHECK(!line());
    put(IER, 2);
    CHECK(!line()); /* it was enabled already */
    put(IER, 0);
    put(IER, 2);
    CHECK(line());
    put(IER, 0);
    CHECK(!line());
}

TEST(vuart_interrupt_priority)
{
    boot();
    put(IER, 3);
    fake_type("a");
    CHECK_EQ(get(IIR), 0xc4);
    CHECK_EQ(get(IIR), 0xc4);
    get(RBR);
    CHECK_EQ(get(IIR), 0xc2);
    CHECK_EQ(get(IIR), 0xc1);
    put(IER, 0x0c); /* line and modem status never change */
    CHECK(!line());
}

TEST(vuart_wrong_accesses)
{
    static const struct vdev_access wrong[] = {
        {0, 2, false, 0}, {0, 4, false, 0},  {0, 8, true, 'x'},    {0, 4, true, 'x'},
        {8, 1, false, 0}, {8, 1, true, 'x'}, {0xfff, 1, false, 0}, {1ul << 32, 1, true, 'x'},
    };

    boot();
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct vdev_access access = wrong[i];

        CHECK(!vuart_access(cpu, &access));
    }
    put(THR, '\n');
    CHECK_TEXT(fake_screen(), "[alpha] \r\n");
}

/* A prompt is shown when its guest asks for the line status twice, or has nothing more to send. */
TEST(vuart_shows_prompt)
{
    boot();
    put(THR, '>');
    get(LSR);
    CHECK_TEXT(fake_screen(), "");
    get(LSR);
    CHECK_TEXT(fake_screen(), "[alpha] >");
    put(IER, 2);
    put(THR, '$');
    CHECK_TEXT(fake_screen(), "");
    put(IER, 0);
    CHECK_TEXT(fake_screen(), "$");
}

TEST(vuart_reset)
{
    boot();
    put(IER, 3);
    put(SCR, 1);
    put(LCR, 0x80);
    fake_type("abc");
    vuart_reset(&vms[0]);
    CHECK_EQ(get(IER), 0);
    CHECK_EQ(get(SCR), 0);
    CHECK_EQ(get(LCR), 0);
    CHECK_EQ(get(LSR), 0x60);
    CHECK(!line());
}

/* Typed keys come in on another VM's CPU; the line still reaches the vCPU. */
TEST(vuart_interrupt_across_cpus)
{
    struct vdev_access enable = {0x2000 + 4, 4, true, 1u << (IRQ - 32)};
    struct vdev_access priority = {IRQ * 4, 4, true, 1};

    boot();
    CHECK(virq_access(cpu, &enable));
    CHECK(virq_access(cpu, &priority));
    put(IER, 1);
    vuart_receive(fake_cpu(1, 0), &vms[0], 'k');
    CHECK(fake_kicked[cpu->index]);
    CHECK_EQ(csrs->hvip, 0);
    fake_deliver();
    CHECK_EQ(csrs->hvip, 1ul << IRQ_VS_EXT);
    CHECK_EQ(get(RBR), 'k');
    CHECK_EQ(csrs->hvip, 0);
}
