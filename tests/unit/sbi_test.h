// SPDX-License-Identifier: Apache-2.0
/* What the tests of the SBI share. Source of what is right: RISC-V Supervisor Binary Interface Specification 2.0. */
#ifndef SBI_TEST_H
#define SBI_TEST_H

#include <string.h>

#include "check.h"
#include "drivers.h"
#include "fake.h"

#define VSSIP (1ul << IRQ_VS_SOFT)
#define VSTIP (1ul << IRQ_VS_TIMER)

static struct cpu *self; /* alpha's vCPU 0 */
static struct cpu *other __attribute__((unused));
static struct cpu *beta __attribute__((unused));

static inline void boot(void)
{
    fake_boot();
    self = fake_cpu(0, 0);
    other = fake_cpu(0, 1);
    beta = fake_cpu(1, 0);
}

static inline void check_call(ureg_t extension, ureg_t function, ureg_t a0, ureg_t a1, ureg_t a2, long error,
                              ureg_t value, int line)
{
    struct sbi_result result = guest_call(self, extension, function, a0, a1, a2);

    check_equal((uint64_t)result.error, (uint64_t)error, __FILE__, line, "error");
    check_equal(result.value, value, __FILE__, line, "value");
}

#define CALL(extension, function, a0, a1, a2, error, value) \
    check_call((extension), (function), (a0), (a1), (a2), (error), (value), __LINE__)

/* Memory that the guest may write, and some that it may only read. */
static inline void fill_memory(void)
{
    fake_memory[0] = (struct fake_memory){.ipa = 0x80000000, .size = 600, .writable = true};
    fake_memory[1] = (struct fake_memory){.ipa = 0x50000000, .size = 16, .writable = false};
    memset(fake_memory[0].bytes, 'm', 600);
    memcpy(fake_memory[0].bytes, "hello\n", 6);
    memcpy(fake_memory[1].bytes, "read only data\n\n", 16);
}

#endif
