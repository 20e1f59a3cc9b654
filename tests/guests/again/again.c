// SPDX-License-Identifier: Apache-2.0
/* Says whether its memory is as its image has it, changes that, and powers off; its YAML starts it again. */
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "string.h"

#define WORDS 1024u

static uint32_t zeros[WORDS];
static uint32_t data[WORDS] = {[0] = 0x600d, [WORDS - 1] = 0x600d};

/* Memory that no image covers: the words from 8 MiB on. */
static volatile uint64_t *beyond_image(void)
{
    uint64_t base = 0, size;

    for (int node = fdt_next(FDT_NONE); node != FDT_NONE; node = fdt_next(node)) {
        const char *type = fdt_string(node, "device_type");
        if (type != NULL && strcmp(type, "memory") == 0) {
            fdt_reg(node, 0, &base, &size);
        }
    }
    return (volatile uint64_t *)(uintptr_t)(base + (8u << 20));
}

void guest_main(void)
{
    volatile uint64_t *far = beyond_image();
    uint32_t wrong = 0;

    for (uint32_t i = 0; i < WORDS; i++) {
        wrong += zeros[i] != 0;
        wrong += data[i] != (i == 0 || i == WORDS - 1 ? 0x600d : 0);
    }
    printf("%u words wrong, beyond the image %s\n", wrong, *far == 0x5a5a ? "as it was left" : "new");
    for (uint32_t i = 0; i < WORDS; i++) {
        zeros[i] = data[i] = 0xbad;
    }
    *far = 0x5a5a;
    power_off();
}
