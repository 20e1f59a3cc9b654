// SPDX-License-Identifier: Apache-2.0
/* The driver of a UART of i.MX against the registers of one. */
#include "uart_test.h"

#define uart_put          imx_put
#define uart_get          imx_get
#define uart_enable_input imx_enable_input
#include "../../hypervisor/drivers/imx-uart.c"

static uint32_t ucr1, ucr2, ucr4;

static uint32_t model_read(uint64_t reg)
{
    switch (reg) {
    case 0x00:
        return 0xfc00u | line_take(); /* with the bits of errors */
    case 0x80:
        return ucr1;
    case 0x84:
        return ucr2;
    case 0x8c:
        return ucr4;
    case 0x98:
        return 0x4008u | (line_waits() ? 1 : 0);
    case 0xb4:
        return 0x60u | (line_busy() ? 0x10u : 0);
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    switch (reg) {
    case 0x40:
        CHECK((ucr1 & 1) && (ucr2 & 6) == 6);
        line_send(value);
        break;
    case 0x80:
        ucr1 = value;
        break;
    case 0x84:
        ucr2 = value;
        break;
    case 0x8c:
        ucr4 = value;
        break;
    default:
        CHECK(false);
    }
}

TEST(imx_output)
{
    ucr2 = 0x4021; /* 8 bits, the transmitter off */
    line.busy = 3;
    imx_put('a');
    imx_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
    CHECK_EQ(ucr2, 0x4027);
}

TEST(imx_input)
{
    CHECK_EQ(imx_get(), -1);
    line_type("x\xff");
    CHECK_EQ(imx_get(), 'x');
    CHECK_EQ(imx_get(), 0xff);
    CHECK_EQ(imx_get(), -1);
    ucr4 = 0x8002;
    imx_enable_input();
    CHECK_EQ(ucr4, 0x8001);
}
