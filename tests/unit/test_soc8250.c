// SPDX-License-Identifier: Apache-2.0
/* The driver of an 8250 as systems on a chip have it, against the registers of one, words each. */
#include "uart_test.h"

#define uart_put          soc8250_put
#define uart_get          soc8250_get
#define uart_enable_input soc8250_enable_input
#include "../../hypervisor/drivers/soc8250.c"

static uint32_t ier, fcr;
static uint32_t iir = 1;
static unsigned status_reads; /* of USR */
static bool late;             /* a byte arrives just after the status was read */

static uint32_t model_read(uint64_t reg)
{
    uint32_t value;

    switch (reg) {
    case 0 << 2:
        if (iir == 0xc)
            iir = 1;
        return line_waits() ? line_take() : 0;
    case 1 << 2:
        return ier;
    case 2 << 2:
        return 0xc0u | iir;
    case 5 << 2:
        value = (line_busy() ? 0 : 0x60u) | (line_waits() ? 1 : 0);
        if (late)
            line_type("l");
        late = false;
        return value;
    case 31 << 2:
        if (iir == 7)
            iir = 1;
        status_reads++;
        return 0;
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    switch (reg) {
    case 0 << 2:
        line_send(value);
        break;
    case 1 << 2:
        ier = value;
        break;
    case 2 << 2:
        fcr = value;
        break;
    default:
        CHECK(false);
    }
}

static void words(void)
{
    fake_config()->console.reg_shift = 2;
    fake_config()->console.reg_width = 4;
}

TEST(soc8250_output)
{
    words();
    line.busy = 3;
    soc8250_put('a');
    soc8250_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
}

TEST(soc8250_input)
{
    words();
    CHECK_EQ(soc8250_get(), -1);
    line_type("x\xff");
    CHECK_EQ(soc8250_get(), 'x');
    CHECK_EQ(soc8250_get(), 0xff);
    CHECK_EQ(soc8250_get(), -1);
    CHECK_EQ(status_reads, 0);
    soc8250_enable_input();
    CHECK_EQ(fcr, 1);
    CHECK_EQ(ier, 5);
}

TEST(soc8250_of_an_xscale_stays_on)
{
    words();
    ier = 0x50;
    soc8250_enable_input();
    CHECK_EQ(ier, 0x45);
}

/* Either would interrupt for ever. */
TEST(soc8250_interrupts_without_a_byte_end)
{
    words();
    iir = 0xc;
    CHECK_EQ(soc8250_get(), -1);
    CHECK_EQ(iir, 1);
    iir = 7;
    CHECK_EQ(soc8250_get(), -1);
    CHECK_EQ(iir, 1);
    CHECK_EQ(status_reads, 1);
}

TEST(soc8250_timeout_takes_no_byte_away)
{
    words();
    iir = 0xc;
    late = true;
    CHECK_EQ(soc8250_get(), 'l');
    CHECK_EQ(soc8250_get(), -1);
}
