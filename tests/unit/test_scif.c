// SPDX-License-Identifier: Apache-2.0
/* The driver of a SCIF against the registers of one, with the distances of R-Car and of RZ. */
#include "uart_test.h"

#define uart_put          scif_put
#define uart_get          scif_get
#define uart_enable_input scif_enable_input
#include "../../hypervisor/drivers/scif.c"

static uint16_t control, status = 0x60, seen, fifo = 0xc8, overrun;
static bool late;

static void distance(uint8_t shift)
{
    fake_config()->console.reg_shift = shift;
    fake_config()->console.reg_width = 2;
}

static unsigned at(uint64_t reg)
{
    CHECK_EQ(reg % (1u << config.console.reg_shift), 0);
    return (unsigned)(reg >> config.console.reg_shift);
}

static uint32_t model_read(uint64_t reg)
{
    uint32_t waiting;

    CHECK_EQ(line.width, at(reg) == 5 ? 1 : 2);
    switch (at(reg)) {
    case 2:
        return control;
    case 4:
        seen = line_busy() ? status & 0xff9f : status;
        return seen;
    case 5:
        return line_take();
    case 6:
        return fifo;
    case 7:
        waiting = line.received_count - line.taken;
        if (late)
            line_type("l");
        late = false;
        return 0x0300u | waiting;
    case 9:
        return overrun;
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    CHECK_EQ(line.width, at(reg) == 3 ? 1 : 2);
    switch (at(reg)) {
    case 2:
        control = (uint16_t)value;
        break;
    case 3:
        CHECK((control & 0x20) != 0);
        line_send(value);
        break;
    case 4: /* what was seen goes, where 0 is written */
        status &= (uint16_t)(value | (uint16_t)~seen);
        status |= 0x60; /* it sends at once */
        seen = 0;
        break;
    case 6:
        fifo = (uint16_t)value;
        break;
    case 9:
        overrun &= (uint16_t)value;
        break;
    default:
        CHECK(false);
    }
}

TEST(scif_output)
{
    distance(2);
    control = 0x0002;
    line.busy = 3;
    scif_put('a');
    distance(1);
    scif_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
    CHECK_EQ(control, 0x0032);
}

TEST(scif_input)
{
    distance(2);
    CHECK_EQ(scif_get(), -1);
    line_type("x\xff");
    CHECK_EQ(scif_get(), 'x');
    CHECK_EQ(scif_get(), 0xff);
    CHECK_EQ(scif_get(), -1);
    control = 0x0002;
    scif_enable_input();
    CHECK_EQ(control, 0x0072);
    CHECK_EQ(fifo, 0x08); /* an interrupt for the first byte */
}

/* They would interrupt for ever, or stop it from receiving. */
TEST(scif_flags_end_with_the_last_byte)
{
    distance(1);
    status = 0x00f3;
    overrun = 1;
    line_type("y");
    CHECK_EQ(scif_get(), 'y');
    CHECK_EQ(status, 0x00f3);
    CHECK_EQ(scif_get(), -1);
    CHECK_EQ(status, 0x0060);
    CHECK_EQ(overrun, 0);
    late = true;
    CHECK_EQ(scif_get(), 'l');
}
