// SPDX-License-Identifier: Apache-2.0
#ifndef ARCH_ACCESS_H
#define ARCH_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

/* The instruction that trapped, a compressed one in the low half; false: the guest cannot fetch it (any more). */
bool guest_fetch(uint32_t *instruction);

#endif
