// SPDX-License-Identifier: Apache-2.0
/* Says that it is there, and waits for ever. */
#include "console.h"
#include "cpu.h"

void guest_main(void)
{
    printf("is there\n");
    for (;;) {
        cpu_wait();
    }
}
