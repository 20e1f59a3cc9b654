// SPDX-License-Identifier: Apache-2.0
/* Physical device registers, for the tests of drivers/: test_drivers.c answers. */
#ifndef MMIO_H
#define MMIO_H

#include <stdint.h>

uint32_t mmio_read32(uint64_t address);
void mmio_write32(uint64_t address, uint32_t value);
uint8_t mmio_read8(uint64_t address);
void mmio_write8(uint64_t address, uint8_t value);

#endif
