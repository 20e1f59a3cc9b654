// SPDX-License-Identifier: Apache-2.0
/* The same system as with a PLIC, with what an APLIC and an IMSIC need besides. */
#include "../small/config.c"

__attribute__((constructor)) static void number_harts(void)
{
    for (uint32_t i = 0; i < PLAN_CPUS; i++) {
        fake_config()->cpus[i].hart_index = 4 + i;
        fake_config()->cpus[i].guest_file = 0x28001000 + 0x4000 * i;
    }
}
