// SPDX-License-Identifier: Apache-2.0
/* vCPU n is on CPU n, hart n. */
#include "fake.h"

static uint16_t cpu_numbers[PLAN_CPUS];
static const uint16_t irqs[32] = {[31] = 31};
static const struct place places[] = {{0x80000000, 0x1000000, "memory.ram", "rwx", 7}};

const uint64_t boot_probes[] = {0};
const uint64_t boot_ids[PLAN_CPUS] = {0};

const struct config config = {
    .system = "crowd",
    .file = "crowd.yaml",
    .board = "bench",
    .sstc = true,
    .vms = {{
        .name = "crowd",
        .entry = 0x80000000,
        .cpus = cpu_numbers,
        .vcpu_count = PLAN_CPUS,
        .places = places,
        .place_count = 1,
        .irq_physical = irqs,
        .irq_count = 32,
        .uart_irq = 4,
    }},
    .irq_owner = {[0 ... 30] = {IRQ_NOBODY, 0}, [31] = {0, 31}},
};

__attribute__((constructor)) static void number_cpus(void)
{
    for (uint16_t i = 0; i < PLAN_CPUS; i++) {
        cpu_numbers[i] = i;
        fake_config()->cpus[i] = (struct cpu_config){.id = i, .name = "cpu", .context = 2u * i + 1, .vcpu = i};
    }
}

struct config *fake_config(void)
{
    return (struct config *)&config;
}
