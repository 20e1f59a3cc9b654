// SPDX-License-Identifier: Apache-2.0
/* The driver of a SiFive UART against the registers of one. */
#include "uart_test.h"

#define uart_put          sifive_put
#define uart_get          sifive_get
#define uart_enable_input sifive_enable_input
#include "../../hypervisor/drivers/sifive-uart.c"

static uint32_t transmit, receive, enabled;

static uint32_t model_read(uint64_t reg)
{
    switch (reg) {
    case 0x00:
        return line_busy() ? 0x80000000u : 0;
    case 0x04:
        return line_waits() ? line_take() : 0x80000000u;
    case 0x08:
        return transmit;
    case 0x0c:
        return receive;
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    switch (reg) {
    case 0x00:
        CHECK(transmit & 1);
        line_send(value);
        break;
    case 0x08:
        transmit = value;
        break;
    case 0x0c:
        receive = value;
        break;
    case 0x10:
        enabled = value;
        break;
    default:
        CHECK(false);
    }
}

TEST(sifive_output)
{
    transmit = 0x30002; /* off, as after a reset */
    line.busy = 3;
    sifive_put('a');
    sifive_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
    CHECK_EQ(transmit, 0x30003);
}

TEST(sifive_input)
{
    CHECK_EQ(sifive_get(), -1);
    line_type("x\xff");
    CHECK_EQ(sifive_get(), 'x');
    CHECK_EQ(sifive_get(), 0xff);
    CHECK_EQ(sifive_get(), -1);
    receive = 0x50000;
    sifive_enable_input();
    CHECK_EQ(receive, 1); /* an interrupt for the first byte */
    CHECK_EQ(enabled, 2);
}
