// SPDX-License-Identifier: Apache-2.0
/* The driver of an LPUART against the registers of one. */
#include "uart_test.h"

#define uart_put          lpuart_put
#define uart_get          lpuart_get
#define uart_enable_input lpuart_enable_input
#include "../../hypervisor/drivers/lpuart.c"

static uint32_t ctrl, water;
static uint32_t config_bits = 0x04000000u; /* of STAT: what is no flag */
static bool overrun;

static uint32_t model_read(uint64_t reg)
{
    switch (reg) {
    case 0x14:
        return config_bits | 0x00100000u | (line_busy() ? 0 : 0x00800000u) | (overrun ? 0x00080000u : 0);
    case 0x18:
        return ctrl;
    case 0x1c:
        return 0xc000u | line_take();
    case 0x28:
        return 0x00800088u | (line_waits() ? 0 : 0x00400000u);
    case 0x2c:
        return water;
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    switch (reg) {
    case 0x14:
        CHECK_EQ(value & ~0x3f000000u, 0x00080000u); /* ends no other flag */
        config_bits = value & 0x3f000000u;
        overrun = false;
        break;
    case 0x18:
        ctrl = value;
        break;
    case 0x1c:
        CHECK((ctrl & 0xc0000u) == 0xc0000u);
        line_send(value);
        break;
    case 0x2c:
        water = value;
        break;
    default:
        CHECK(false);
    }
}

TEST(lpuart_output)
{
    line.busy = 3;
    lpuart_put('a');
    lpuart_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
}

TEST(lpuart_input)
{
    CHECK_EQ(lpuart_get(), -1);
    line_type("x\xff");
    overrun = true;
    CHECK_EQ(lpuart_get(), 'x');
    CHECK(!overrun); /* or nothing would be received any more */
    CHECK_EQ(config_bits, 0x04000000u);
    CHECK_EQ(lpuart_get(), 0xff);
    CHECK_EQ(lpuart_get(), -1);
    water = 0x01030002u;
    lpuart_enable_input();
    CHECK_EQ(water, 0x01000002u); /* an interrupt for the first byte */
    CHECK_EQ(ctrl, 0x002c0000u);
}
