// SPDX-License-Identifier: Apache-2.0
/* The driver of a UART of Exynos against the registers of one. */
#include "uart_test.h"

#define uart_put          exynos_put
#define uart_get          exynos_get
#define uart_enable_input exynos_enable_input
#include "../../hypervisor/drivers/exynos-uart.c"

static uint32_t ucon, ufcon, pending, masked = 0xf;
static bool late, full;

static uint32_t model_read(uint64_t reg)
{
    uint32_t value;

    switch (reg) {
    case 0x04:
        return ucon;
    case 0x08:
        return ufcon;
    case 0x18:
        value = (line_busy() ? 0x01000000u : 0x00030000u) | (line_waits() ? full ? 0x100 : 1 : 0);
        if (late)
            line_type("l");
        late = false;
        return value;
    case 0x24:
        return line_take();
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    CHECK_EQ(line.width, 4);
    switch (reg) {
    case 0x04:
        ucon = value;
        break;
    case 0x08:
        ufcon = value;
        break;
    case 0x20:
        line_send(value);
        break;
    case 0x30:
        pending &= ~value;
        break;
    case 0x38:
        masked = value;
        break;
    default:
        CHECK(false);
    }
}

TEST(exynos_output)
{
    line.busy = 3;
    exynos_put('a');
    exynos_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
}

TEST(exynos_input)
{
    CHECK_EQ(exynos_get(), -1);
    line_type("x\xff");
    full = true; /* the count reads 0 then */
    CHECK_EQ(exynos_get(), 'x');
    full = false;
    CHECK_EQ(exynos_get(), 0xff);
    CHECK_EQ(exynos_get(), -1);
    ucon = 0x0206;
    ufcon = 0x0370;
    exynos_enable_input();
    CHECK_EQ(ucon, 0x0385);
    CHECK_EQ(ufcon, 0x0301);
    CHECK_EQ(masked, 0xe);
}

TEST(exynos_interrupt_ends_with_the_last_byte)
{
    pending = 5;
    line_type("y");
    CHECK_EQ(exynos_get(), 'y');
    CHECK_EQ(pending, 5);
    CHECK_EQ(exynos_get(), -1);
    CHECK_EQ(pending, 4);
    late = true;
    CHECK_EQ(exynos_get(), 'l');
}
