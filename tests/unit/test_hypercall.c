// SPDX-License-Identifier: Apache-2.0
#include "hypercall.h"

#include "check.h"
#include "fake.h"

#define BAO 0x08000ba0

static bool pending(uint32_t vm, uint32_t number)
{
    return (vms[vm].virq.pending[number / 32] >> (number % 32) & 1) != 0;
}

static void check_call(struct cpu *cpu, ureg_t function, ureg_t a0, ureg_t a1, long error, ureg_t value, int line)
{
    struct sbi_result result = guest_call(cpu, BAO, function, a0, a1, 0);

    check_equal((uint64_t)result.error, (uint64_t)error, __FILE__, line, "error");
    check_equal(result.value, value, __FILE__, line, "value");
}

#define CALL(cpu, function, a0, a1, error, value) check_call((cpu), (function), (a0), (a1), (error), (value), __LINE__)

/* Bao's own call: the result is in a1, a0 is SBI's success. */
TEST(hypercall_ipc)
{
    struct cpu *alpha;

    fake_boot();
    alpha = fake_cpu(0, 0);
    CALL(alpha, 1, 0, 0, SBI_SUCCESS, HYPERCALL_OK);
    CHECK(pending(1, 5));
    CHECK(!pending(1, 6));
    CALL(alpha, 1, 1, 0, SBI_SUCCESS, HYPERCALL_OK);
    CHECK(pending(1, 6));
    CALL(fake_cpu(1, 0), 1, 0, 0, SBI_SUCCESS, HYPERCALL_OK);
    CHECK(pending(0, 36));
    CHECK_EQ(alpha->exits[EXIT_HYPERCALL], 2);
}

TEST(hypercall_ipc_arguments)
{
    struct cpu *alpha;

    fake_boot();
    alpha = fake_cpu(0, 0);
    CALL(alpha, 1, 2, 0, SBI_SUCCESS, HYPERCALL_BAD_ARGUMENT);
    CALL(alpha, 1, 0, 1, SBI_SUCCESS, HYPERCALL_BAD_ARGUMENT);
    CALL(alpha, 1, 1ul << 32, 0, SBI_SUCCESS, HYPERCALL_BAD_ARGUMENT);
    CALL(alpha, 1, 0, 1ul << 32, SBI_SUCCESS, HYPERCALL_BAD_ARGUMENT);
    CALL(alpha, 1, (ureg_t)-1, 0, SBI_SUCCESS, HYPERCALL_BAD_ARGUMENT);
    CALL(fake_cpu(1, 0), 1, 1, 0, SBI_SUCCESS, HYPERCALL_BAD_ARGUMENT); /* beta has one end */
    for (uint32_t number = 0; number < 64; number++) {
        CHECK(!pending(0, number));
        CHECK(!pending(1, number));
    }
    CHECK(!fake_kicked[0] && !fake_kicked[1] && !fake_kicked[2]);
}

TEST(hypercall_no_channels)
{
    fake_config()->vms[0].channel_count = 0;
    fake_config()->vms[0].channels = NULL;
    fake_boot();
    CALL(fake_cpu(0, 0), 1, 0, 0, SBI_SUCCESS, HYPERCALL_BAD_ARGUMENT);
}

TEST(hypercall_unknown)
{
    struct cpu *alpha;

    fake_boot();
    alpha = fake_cpu(0, 0);
    CALL(alpha, 0, 0, 0, SBI_SUCCESS, HYPERCALL_BAD_ID);
    CALL(alpha, 2, 0, 0, SBI_SUCCESS, HYPERCALL_BAD_ID); /* Bao's remote I/O */
    CALL(alpha, 0x3f, 0, 0, SBI_SUCCESS, HYPERCALL_BAD_ID);
    CALL(alpha, 0x42, 0, 0, SBI_FAILED, 0);
    CALL(alpha, 0x43, 0, 0, SBI_NOT_SUPPORTED, 0);
    CALL(alpha, (ureg_t)-1, 0, 0, SBI_NOT_SUPPORTED, 0);
    CALL(alpha, 1ul << 32 | 1, 0, 0, SBI_NOT_SUPPORTED, 0);
}

TEST(hypercall_version)
{
    fake_boot();
    CALL(fake_cpu(0, 0), 0x40, 7, 7, SBI_SUCCESS, 2);
}

TEST(hypercall_exits)
{
    struct cpu *alpha;

    fake_boot();
    alpha = fake_cpu(0, 0);
    alpha->exits[EXIT_MMIO] = 17;
    fake_cpu(1, 0)->exits[EXIT_MMIO] = 99;
    CALL(alpha, 0x41, EXIT_MMIO, 0, SBI_SUCCESS, 17);
    CALL(fake_cpu(1, 0), 0x41, EXIT_MMIO, 0, SBI_SUCCESS, 99);
    CALL(alpha, 0x41, EXIT_REASONS, 0, SBI_INVALID_PARAM, 0);
    CALL(alpha, 0x41, 1ul << 32, 0, SBI_INVALID_PARAM, 0);
    CALL(alpha, 0x41, (ureg_t)-1, 0, SBI_INVALID_PARAM, 0);
}

/* An exit is counted for one reason. */
TEST(hypercall_counted_once)
{
    struct cpu *alpha;

    fake_boot();
    alpha = fake_cpu(0, 0);
    guest_call(alpha, BAO, 0x40, 0, 0, 0);
    guest_call(alpha, SBI_BASE, 0, 0, 0, 0);
    CHECK_EQ(alpha->exits[EXIT_HYPERCALL], 1);
    CHECK_EQ(alpha->exits[EXIT_CALL], 1);
}
