// SPDX-License-Identifier: Apache-2.0
/* The driver of a Cadence UART against the registers of one. Names are changed: machine.c has the others. */
#include <string.h>

#include "check.h"
#include "fake.h"

static uint32_t cadence_read(uint64_t address);
static void cadence_write(uint64_t address, uint32_t value);

#define mmio_read32       cadence_read
#define mmio_write32      cadence_write
#define uart_put          cadence_put
#define uart_get          cadence_get
#define uart_enable_input cadence_enable_input
#include "../../hypervisor/drivers/cadence.c"

static struct {
    uint32_t control, enabled, status, watermark, busy;
    char sent[16], received[16];
    unsigned sent_count, received_count, taken;
    bool late; /* a byte arrives just before the interrupt's end is written */
} cadence;

static uint32_t cadence_read(uint64_t address)
{
    switch (address - config.console.base) {
    case 0x00:
        return cadence.control;
    case 0x2c:
        return (cadence.taken == cadence.received_count ? 0x02u : 0) |
               (cadence.busy != 0 && cadence.busy-- != 0 ? 0x10u : 0);
    case 0x30:
        CHECK(cadence.taken < cadence.received_count);
        return (uint8_t)cadence.received[cadence.taken++];
    default:
        CHECK(false);
        return 0;
    }
}

static void cadence_write(uint64_t address, uint32_t value)
{
    switch (address - config.console.base) {
    case 0x00:
        cadence.control = value;
        break;
    case 0x08:
        cadence.enabled |= value;
        break;
    case 0x14:
        if (cadence.late)
            cadence.received[cadence.received_count++] = 'l';
        cadence.late = false;
        cadence.status &= ~value;
        break;
    case 0x1c:
        CHECK_EQ(value, 0);
        break;
    case 0x20:
        cadence.watermark = value;
        break;
    case 0x30:
        CHECK(cadence.busy == 0 && (cadence.control & 0x3c) == 0x14);
        cadence.sent[cadence.sent_count++] = (char)value;
        break;
    default:
        CHECK(false);
    }
}

TEST(cadence_output)
{
    cadence.control = 0x28; /* off, as after a reset */
    cadence.busy = 3;
    cadence_put('a');
    cadence_put('\xe4');
    CHECK_TEXT(cadence.sent, "a\xe4");
}

TEST(cadence_input)
{
    memcpy(cadence.received, "x\xff", 2);
    cadence.received_count = 2;
    cadence.status = 0x101;
    CHECK_EQ(cadence_get(), 'x');
    CHECK_EQ(cadence_get(), 0xff);
    cadence.late = true;
    CHECK_EQ(cadence_get(), 'l');
    CHECK_EQ(cadence_get(), -1);
    CHECK_EQ(cadence.status, 0);
    cadence_enable_input();
    CHECK_EQ(cadence.watermark, 1);
    CHECK_EQ(cadence.enabled, 0x101);
}
