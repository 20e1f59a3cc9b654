// SPDX-License-Identifier: Apache-2.0
/* The driver of a PL011 against the registers of one. Names are changed: machine.c has the others. */
#include <string.h>

#include "check.h"
#include "fake.h"

static uint32_t pl011_read(uint64_t address);
static void pl011_write(uint64_t address, uint32_t value);

#define mmio_read32       pl011_read
#define mmio_write32      pl011_write
#define uart_put          pl011_put
#define uart_get          pl011_get
#define uart_enable_input pl011_enable_input
#include "../../hypervisor/drivers/pl011.c"

static struct {
    uint32_t imsc, busy; /* reads of the flags until there is room */
    char sent[16], received[16];
    unsigned sent_count, received_count, taken;
    bool timeout;
    bool late; /* a byte arrives just before the interrupt is cleared */
} pl011;

static uint32_t pl011_read(uint64_t address)
{
    switch (address - config.console.base) {
    case 0x00:
        CHECK(pl011.taken < pl011.received_count);
        return 0xf00u | (uint8_t)pl011.received[pl011.taken++]; /* with error bits */
    case 0x18:
        return (pl011.taken == pl011.received_count ? 0x10u : 0) | (pl011.busy != 0 && pl011.busy-- != 0 ? 0x20u : 0);
    default:
        CHECK(false);
        return 0;
    }
}

static void pl011_write(uint64_t address, uint32_t value)
{
    switch (address - config.console.base) {
    case 0x00:
        CHECK(pl011.busy == 0 && value <= 0xff);
        pl011.sent[pl011.sent_count++] = (char)value;
        break;
    case 0x38:
        pl011.imsc = value;
        break;
    case 0x44:
        if (pl011.late) {
            pl011.received[pl011.received_count++] = 'l';
            pl011.timeout = true;
            pl011.late = false;
        }
        pl011.timeout = pl011.timeout && !(value & 0x40);
        break;
    default:
        CHECK(false);
    }
}

TEST(pl011_output_waits_for_room)
{
    pl011.busy = 3;
    pl011_put('a');
    pl011_put('\xe4');
    CHECK_TEXT(pl011.sent, "a\xe4");
}

TEST(pl011_input)
{
    CHECK_EQ(pl011_get(), -1);
    memcpy(pl011.received, "x\xff", 2);
    pl011.received_count = 2;
    pl011.timeout = true;
    CHECK_EQ(pl011_get(), 'x');
    CHECK_EQ(pl011_get(), 0xff);
    CHECK_EQ(pl011_get(), -1);
    pl011.late = true;
    CHECK_EQ(pl011_get(), 'l'); /* its interrupt is gone */
    CHECK_EQ(pl011_get(), -1);
    CHECK(!pl011.timeout); /* or it would interrupt for ever */
    pl011_enable_input();
    CHECK_EQ(pl011.imsc, 0x50);
}
