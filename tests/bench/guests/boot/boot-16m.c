// SPDX-License-Identifier: Apache-2.0
#include "boot.c"

/* An image of 16 MiB. */
__asm__(".section .text.start, \"ax\"\n.balign 4096\n.fill 16 << 17, 8, 0x5a5a5a5a\n.text\n");
