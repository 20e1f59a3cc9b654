// SPDX-License-Identifier: Apache-2.0
/* Numbers that start.S shares with C. */
#ifndef LAYOUT_H
#define LAYOUT_H

#define STACKS      8   /* one for each CPU: CPUS_MAX */
#define STACK_SHIFT 13  /* of 8 KiB */
#define FRAME_SIZE  160 /* struct trap and 16 registers at most, a multiple of 16 bytes */

/* A register in memory. */
#if __riscv_xlen == 64
#define REG   8
#define REG_L ld
#define REG_S sd
#else
#define REG   4
#define REG_L lw
#define REG_S sw
#endif

#endif
