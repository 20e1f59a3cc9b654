// SPDX-License-Identifier: Apache-2.0
/* The driver of a UART of Meson against the registers of one. */
#include "uart_test.h"

#define uart_put          meson_put
#define uart_get          meson_get
#define uart_enable_input meson_enable_input
#include "../../hypervisor/drivers/meson-uart.c"

static uint32_t control, misc;

static uint32_t model_read(uint64_t reg)
{
    switch (reg) {
    case 0x04:
        return line_take();
    case 0x08:
        return control;
    case 0x0c:
        return 0x02400000u | (line_waits() ? 0 : 0x00100000u) | (line_busy() ? 0x00200000u : 0);
    case 0x10:
        return misc;
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    switch (reg) {
    case 0x00:
        CHECK((control & 0x3000u) == 0x3000u);
        line_send(value);
        break;
    case 0x08:
        control = value;
        break;
    case 0x10:
        misc = value;
        break;
    default:
        CHECK(false);
    }
}

TEST(meson_output)
{
    control = 0x00008000u;
    line.busy = 3;
    meson_put('a');
    meson_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
    CHECK_EQ(control, 0x0000b000u);
}

TEST(meson_input)
{
    CHECK_EQ(meson_get(), -1);
    line_type("x\xff");
    CHECK_EQ(meson_get(), 'x');
    CHECK_EQ(meson_get(), 0xff);
    CHECK_EQ(meson_get(), -1);
    misc = 0x2020;
    meson_enable_input();
    CHECK_EQ(misc, 0x2001); /* an interrupt for the first byte */
    CHECK_EQ(control, 0x08003000u);
}
