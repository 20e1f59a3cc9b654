// SPDX-License-Identifier: Apache-2.0
/* Physical device registers: a test of a driver answers, or the model of a device. */
#ifndef MMIO_H
#define MMIO_H

#include <stdint.h>

uint32_t mmio_read32(uint64_t address);
void mmio_write32(uint64_t address, uint32_t value);
uint64_t mmio_read64(uint64_t address);
void mmio_write64(uint64_t address, uint64_t value);
uint16_t mmio_read16(uint64_t address);
void mmio_write16(uint64_t address, uint16_t value);
uint8_t mmio_read8(uint64_t address);
void mmio_write8(uint64_t address, uint8_t value);

#endif
