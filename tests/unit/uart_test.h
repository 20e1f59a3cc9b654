// SPDX-License-Identifier: Apache-2.0
/*
 * The line of a modelled UART, for the test of a driver. The test includes this, then the driver with its functions renamed
 * (machine.c has the others), and gives model_read and model_write: the registers, by their offset.
 */
#ifndef UART_TEST_H
#define UART_TEST_H

#include <string.h>

#include "check.h"
#include "fake.h"
#include "mmio.h"

static struct {
    unsigned busy; /* reads of the status until there is room to send */
    char sent[16], received[16];
    unsigned sent_count, received_count, taken;
    unsigned width; /* of the access to a register, in bytes */
} line;

static uint32_t model_read(uint64_t reg);
static void model_write(uint64_t reg, uint32_t value);

static inline bool line_busy(void)
{
    return line.busy != 0 && line.busy-- != 0;
}

static inline bool line_waits(void)
{
    return line.taken < line.received_count;
}

static inline void line_send(uint32_t value)
{
    CHECK(line.busy == 0 && value <= 0xff && line.sent_count < sizeof(line.sent) - 1);
    line.sent[line.sent_count++] = (char)value;
}

static inline uint32_t line_take(void)
{
    CHECK(line_waits());
    return (uint8_t)line.received[line.taken++];
}

static inline void line_type(const char *text)
{
    while (*text != '\0')
        line.received[line.received_count++] = *text++;
}

static inline uint32_t uart_test_read(uint64_t address, unsigned width)
{
    CHECK(address >= config.console.base);
    line.width = width;
    return model_read(address - config.console.base);
}

static inline void uart_test_write(uint64_t address, uint32_t value, unsigned width)
{
    CHECK(address >= config.console.base);
    line.width = width;
    model_write(address - config.console.base, value);
}

#define mmio_read32(address)         uart_test_read(address, 4)
#define mmio_write32(address, value) uart_test_write(address, value, 4)
#define mmio_read16(address)         (uint16_t) uart_test_read(address, 2)
#define mmio_write16(address, value) uart_test_write(address, value, 2)
#define mmio_read8(address)          (uint8_t) uart_test_read(address, 1)
#define mmio_write8(address, value)  uart_test_write(address, value, 1)

#endif
