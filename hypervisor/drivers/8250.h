// SPDX-License-Identifier: Apache-2.0
/* Registers of the UARTs that descend from the 8250, at the stride and width of the board's. Source: TI PC16550D, section 8. */
#ifndef DRIVERS_8250_H
#define DRIVERS_8250_H

#include <stdint.h>

#include "config.h"
#include "mmio.h"

enum { REG_DATA = 0, REG_IER = 1, REG_IIR = 2, REG_FCR = 2, REG_LSR = 5 };

#define IER_RECEIVED 0x01u
#define LSR_READY    0x01u
#define LSR_EMPTY    0x20u

static inline uint64_t address(uint32_t reg)
{
    return config.console.base + ((uint64_t)reg << config.console.reg_shift);
}

static inline uint32_t read_reg(uint32_t reg)
{
    return config.console.reg_width == 4 ? mmio_read32(address(reg)) : mmio_read8(address(reg));
}

static inline void write_reg(uint32_t reg, uint8_t value)
{
    if (config.console.reg_width == 4)
        mmio_write32(address(reg), value);
    else
        mmio_write8(address(reg), value);
}

#endif
