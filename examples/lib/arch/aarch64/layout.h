// SPDX-License-Identifier: Apache-2.0
/* Numbers that start.S shares with C. */
#ifndef LAYOUT_H
#define LAYOUT_H

#define STACKS      8   /* one for each CPU: CPUS_MAX */
#define STACK_SHIFT 13  /* of 8 KiB */
#define FRAME_SIZE  192 /* struct trap, SPSR and 20 registers, a multiple of 16 bytes */

/* Entries of translation tables (DDI 0487, D8.3): attribute 0 of MAIR_EL1 is device memory, 1 normal write-back. */
#define ENTRY_VALID  0x1
#define ENTRY_TABLE  0x3
#define ENTRY_DEVICE 0x0060000000000401 /* never executed, accessed, block */
#define ENTRY_NORMAL 0x0000000000000705 /* accessed, inner shareable, attribute 1, block */

#endif
