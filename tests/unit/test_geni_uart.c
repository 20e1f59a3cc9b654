// SPDX-License-Identifier: Apache-2.0
/* The driver of a UART of Qualcomm's serial engines against the registers of one. */
#include "uart_test.h"

#define uart_put          geni_put
#define uart_get          geni_get
#define uart_enable_input geni_enable_input
#include "../../hypervisor/drivers/geni-uart.c"

static uint32_t length, packing[2], water, main_enabled, secondary_enabled;
static uint32_t main_pending, secondary_pending;
static unsigned aborting, started, defaults;
static bool sending, stuck, late;

static uint32_t model_read(uint64_t reg)
{
    uint32_t waiting;

    switch (reg) {
    case 0x040:
        return line_busy() ? 1 : 0x1000;
    case 0x610:
        return main_pending;
    case 0x634:
        return stuck || (aborting != 0 && aborting-- != 0) ? 2 : 0;
    case 0x640:
        return secondary_pending;
    case 0x644:
        return secondary_enabled;
    case 0x780:
        return 0xabcdef00u | line_take();
    case 0x804:
        waiting = line_waits() ? 1 : 0;
        if (late)
            line_type("l");
        late = false;
        return 0x80000000u | waiting; /* the last word is not whole */
    default:
        CHECK(false);
        return 0;
    }
}

static void model_write(uint64_t reg, uint32_t value)
{
    CHECK_EQ(line.width, 4);
    switch (reg) {
    case 0x020:
        CHECK_EQ(value, 1);
        CHECK(aborting == 0 || stuck);
        defaults++;
        break;
    case 0x270:
        length = value;
        break;
    case 0x284:
    case 0x288:
        packing[(reg - 0x284) / 4] = value;
        break;
    case 0x600:
        CHECK(value == 0x08000000u && length == 1);
        sending = true;
        break;
    case 0x614:
        main_enabled = value;
        break;
    case 0x618:
        main_pending &= ~value;
        break;
    case 0x630:
        CHECK(value == 0x08000000u && packing[0] == 0xf && packing[1] == 0);
        started++;
        break;
    case 0x634:
        CHECK_EQ(value, 2);
        aborting = 5;
        break;
    case 0x644:
        secondary_enabled = value;
        break;
    case 0x648:
        secondary_pending &= ~value;
        break;
    case 0x700:
        CHECK(sending);
        sending = false;
        line_send(value);
        break;
    case 0x810:
        water = value;
        break;
    default:
        CHECK(false);
    }
}

TEST(geni_output)
{
    line.busy = 3;
    geni_put('a');
    geni_put('\xe4');
    CHECK_TEXT(line.sent, "a\xe4");
}

TEST(geni_input)
{
    CHECK_EQ(geni_get(), -1);
    line_type("x\xff");
    CHECK_EQ(geni_get(), 'x');
    CHECK_EQ(geni_get(), 0xff);
    CHECK_EQ(geni_get(), -1);
}

TEST(geni_receives_a_byte_in_a_word)
{
    packing[0] = packing[1] = 0x4380e; /* four, as the boot loader had it */
    secondary_pending = 0x21;
    secondary_enabled = 1;
    geni_enable_input();
    CHECK_EQ(started, 1);
    CHECK_EQ(defaults, 1);
    CHECK_EQ(secondary_pending, 0);
    CHECK_EQ(secondary_enabled, 0x0c000001u);
    CHECK_EQ(main_enabled, 0x0c000000u);
    CHECK_EQ(water, 1);
}

TEST(geni_that_does_not_stop_is_not_waited_for)
{
    stuck = true;
    geni_enable_input();
    CHECK_EQ(started, 1);
}

/* They would interrupt for ever; what sending shows stays. */
TEST(geni_interrupts_end_with_the_last_byte)
{
    main_pending = 0xcc000001u;
    secondary_pending = 0x0c000000u;
    line_type("y");
    CHECK_EQ(geni_get(), 'y');
    CHECK_EQ(secondary_pending, 0x0c000000u);
    CHECK_EQ(geni_get(), -1);
    CHECK_EQ(secondary_pending, 0);
    CHECK_EQ(main_pending, 0xc0000001u);
    late = true;
    CHECK_EQ(geni_get(), 'l');
}
