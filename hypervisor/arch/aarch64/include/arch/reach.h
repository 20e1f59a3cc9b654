// SPDX-License-Identifier: Apache-2.0
/* What reach.S does; access.c says it in C. An exception on the way overwrites elr_el2, spsr_el2, esr_el2, far_el2, hpfar_el2. */
#ifndef ARCH_REACH_H
#define ARCH_REACH_H

#include <stdint.h>

#define PAR_FAILED    1ul
#define PAR_ADDRESS   0x000ffffffffff000ul
#define REACH_REFUSED UINT64_MAX

/* PAR_EL1 of a guest's address, by its own tables and by stage 2 as well. */
uint64_t reach_ipa(uint64_t address);
uint64_t reach_phys(uint64_t address);

/* The 32-bit word at a physical address; REACH_REFUSED: a bus error. */
uint64_t reach_word(uint64_t phys);

#endif
