// SPDX-License-Identifier: Apache-2.0
/* Console on an ns16550a. Source: TI PC16550D data sheet, section 8. */
#include "config.h"
#include "drivers.h"
#include "mmio.h"

enum { REG_DATA = 0, REG_IER = 1, REG_LSR = 5 };

#define IER_RECEIVED 0x01u
#define LSR_READY    0x01u
#define LSR_EMPTY    0x20u

static uint64_t address(uint32_t reg)
{
    return config.console.base + ((uint64_t)reg << config.console.reg_shift);
}

static uint32_t read_reg(uint32_t reg)
{
    return config.console.reg_width == 4 ? mmio_read32(address(reg)) : mmio_read8(address(reg));
}

static void write_reg(uint32_t reg, uint8_t value)
{
    if (config.console.reg_width == 4)
        mmio_write32(address(reg), value);
    else
        mmio_write8(address(reg), value);
}

void uart_put(char c)
{
    while ((read_reg(REG_LSR) & LSR_EMPTY) == 0)
        ;
    write_reg(REG_DATA, (uint8_t)c);
}

int uart_get(void)
{
    return (read_reg(REG_LSR) & LSR_READY) != 0 ? (int)(read_reg(REG_DATA) & 0xff) : -1;
}

void uart_enable_input(void)
{
    write_reg(REG_IER, IER_RECEIVED);
}
