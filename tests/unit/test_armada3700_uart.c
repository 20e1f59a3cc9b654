// SPDX-License-Identifier: Apache-2.0
/* The driver of the UART of Armada 3700 against the registers of one. */
#include "uart_test.h"

#define uart_put          armada_put
#define uart_get          armada_get
#define uart_enable_input armada_enable_input
#include "../../hypervisor/drivers/armada3700-uart.c"

static uint32_t control;

static uint32_t model_read(uint64_t reg)
{
    switch (reg) {
    case 0x0:
        return 0x8000u | line_take();
    case 0x8:
        return control;
    case 0xc:
        return 0x2060u | (line_busy() ? 0x800 : 0) | (line_waits() ? 0x10 : 0);
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    CHECK_EQ(line.width, 4);
    if (reg == 0x4) {
        line_send(value);
    } else {
        CHECK_EQ(reg, 0x8);
        control = value;
    }
}

TEST(armada_output)
{
    line.busy = 3;
    armada_put('a');
    armada_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
}

TEST(armada_input)
{
    CHECK_EQ(armada_get(), -1);
    line_type("x\xff");
    CHECK_EQ(armada_get(), 'x');
    CHECK_EQ(armada_get(), 0xff);
    CHECK_EQ(armada_get(), -1);
    control = 0x1ef;
    armada_enable_input();
    CHECK_EQ(control, 0x10);
}
