// SPDX-License-Identifier: Apache-2.0
/* The table of exit counters: on a key, and at the end where the configuration wants it. */
#include "check.h"
#include "fake.h"

static const char table[] =
    "[bulkhead]       calls hypercalls       mmio     device      timer      event      other  of\r\n"
    "[bulkhead]           0          0          0          0          0          0          0  alpha vcpu 1 (cpu@5)\r\n"
    "[bulkhead]           0          0 4294967296          0          0          0          0  beta vcpu 0 (cpu@1)\r\n"
    "[bulkhead]           1          2          3          4          5          6          7  alpha vcpu 0 (cpu@70)\r\n";

static void count(void)
{
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        fake_cpu(0, 0)->exits[reason] = reason + 1;
    fake_cpu(1, 0)->exits[EXIT_MMIO] = 1ull << 32;
}

TEST(stats_on_a_key)
{
    fake_boot();
    count();
    fake_type("\x05s");
    CHECK_TEXT(fake_screen(), table);
}

TEST(stats_at_the_end)
{
    fake_config()->stats = true;
    fake_boot();
    count();
    vm_end(&vms[0], "ended");
    CHECK_TEXT(fake_screen(), "[bulkhead] vm 'alpha' ended\r\n");
    CHECK_EQ(OUTCOME(vm_end(&vms[1], "ended")), OFF);
    CHECK_TEXT(fake_screen() + sizeof("[bulkhead] vm 'beta' ended\r\n[bulkhead] all VMs have ended\r\n") - 1, table);
}
