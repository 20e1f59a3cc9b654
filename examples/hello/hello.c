// SPDX-License-Identifier: Apache-2.0
/* The smallest guest: says where it runs and what it has, and ends. */
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "string.h"

void guest_main(void)
{
    printf("Hello from CPU %u of %u\n", cpu_number(), cpu_count());

    for (int node = fdt_next(FDT_NONE); node != FDT_NONE; node = fdt_next(node)) {
        const char *type = fdt_string(node, "device_type");
        uint64_t base, size;
        if (type != NULL && strcmp(type, "memory") == 0 && fdt_reg(node, 0, &base, &size)) {
            printf("memory: %lu MiB at 0x%lx\n", size >> 20, base);
        }
    }
    power_off();
}
