// SPDX-License-Identifier: Apache-2.0
/* Reaching what a guest reaches, for the decoding of its instructions and for reports. */
#ifndef ARCH_ACCESS_H
#define ARCH_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

/* The guest's instruction at elr_el2. False: it is not to be read any more; other vCPUs may change its translation. */
bool guest_fetch(uint32_t *instruction);

/* What the guest's own tables make of an address. False: nothing. */
bool guest_ipa(uint64_t address, uint64_t *ipa);

#endif
