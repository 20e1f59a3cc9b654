// SPDX-License-Identifier: Apache-2.0
/*
 * 'alpha' has three vCPUs on CPUs 2, 0 and 3 of two clusters, 'beta' one. Interrupts of devices: 40 and 71 are alpha's, 90 is
 * beta's, and each has its virtual timer. Compiled with `const` taken away, so that a test can change it.
 */
#include "fake.h"

static const uint16_t alpha_cpus[] = {2, 0, 3};
static const uint16_t beta_cpus[] = {1};

static const struct window alpha_windows[] = {
    {0x08000000, 0x70000, WINDOW_IRQCHIP, 0},
    {0x09000000, 0x1000, WINDOW_UART, 0},
    {0x0a003000, 0x1000, WINDOW_DOORBELL, 0},
};
static const struct window beta_windows[] = {
    {0x08000000, 0x30000, WINDOW_IRQCHIP, 0},
    {0x09000000, 0x1000, WINDOW_UART, 0},
};

static const struct place alpha_places[] = {
    {0x08000000, 0x70000, "interrupt controller", "trapped", 0},
    {0x09000000, 0x1000, "console", "trapped", 12},
    {0x0a003000, 0x1000, "doorbell of orders", "trapped", 31},
    {0x40000000, 0x1000000, "memory.ram", "rwx", 7},
    {0x50000000, 0x2000, "channels: news", "rw", 30},
};
static const struct place beta_places[] = {
    {0x40000000, 0x800000, "memory.ram", "rwx", 17},
};

static const struct ring alpha_orders[] = {{1, 36}};
static const struct channel_end alpha_channels[] = {{"orders", alpha_orders, 1}};

static const uint16_t alpha_irqs[96] = {[27] = 27, [40] = 40, [65] = 71};
static const uint16_t beta_irqs[96] = {[27] = 27, [50] = 90};

#if PLAN_BANDWIDTH
static const uint16_t beta_passes[] = {27, 50};
#endif

const uint64_t boot_probes[] = {0};
const uint64_t boot_ids[PLAN_CPUS] = {0};

/* One clock to switch on; a clock with its parent, each of a range; a 64-bit address of a kind. */
static const struct firmware_row alpha_firmware[] = {
    {0x82000001, {7}, {7, -1u, -1u, -1u, -1u, -1u}},
    {0xc2000024, {69}, {69, -1u, -1u, -1u, -1u, -1u}},
    {0xc2000024, {71}, {72, -1u, -1u, -1u, -1u, -1u}},
    {0xc200002b, {69, 0, 0, 0, 5}, {69, 3, -1u, -1u, 5, 0}},
};

#define NOBODY        \
    {                 \
        IRQ_NOBODY, 0 \
    }

const struct config config = {
    .system = "crew",
    .file = "crew.yaml",
    .board = "bench",
    .irqchip_base = 0x08000000,
    .gicc_base = 0x08010000,
    .gich_base = 0x08030000,
    .maintenance_irq = 25,
    .timer_irq = 26,
    .events = (uint64_t)(uintptr_t)fake_events,
    .has_console = true,
    .console = {.base = 0x09000000, .irq = 33, .cpu = 1},
    .cpus =
        {
            {.id = 0, .stack = 0x40201000, .name = "cpu@0", .hart_index = 0, .gicr = 0x080a0000, .vm = 0, .vcpu = 1},
            {.id = 1, .stack = 0x40203000, .name = "cpu@1", .hart_index = 1, .gicr = 0x080c0000, .vm = 1, .vcpu = 0},
            {.id = 0x100,
             .stack = 0x40205000,
             .name = "cpu@100",
             .hart_index = 2,
             .gicr = 0x080e0000,
             .vm = 0,
             .vcpu = 0},
            {.id = 0x101,
             .stack = 0x40207000,
             .name = "cpu@101",
             .hart_index = 3,
             .gicr = 0x08100000,
             .vm = 0,
             .vcpu = 2},
        },
    .vms =
        {
            {
                .name = "alpha",
                .stage2 = 0x40210000,
                .entry = 0x40000000,
                .dtb = 0x40ff0000,
                .cpus = alpha_cpus,
                .vcpu_count = 3,
                .window_count = 3,
                .windows = alpha_windows,
                .places = alpha_places,
                .place_count = 5,
                .channel_count = 1,
                .channels = alpha_channels,
                .irq_physical = alpha_irqs,
                .irq_count = 96,
                .uart_irq = 35,
                .line = 5,
                .firmware = alpha_firmware,
                .firmware_count = 4,
            },
            {
                .name = "beta",
                .stage2 = 0x40220000,
                .entry = 0x40000040,
                .cpus = beta_cpus,
                .vcpu_count = 1,
                .window_count = 2,
                .windows = beta_windows,
                .places = beta_places,
                .place_count = 1,
                .irq_physical = beta_irqs,
                .irq_count = 96,
                .uart_irq = 35,
                .line = 15,
            },
        },
    .irq_owner =
        {
            [0 ... 32] = NOBODY,
            [33] = {IRQ_HYPERVISOR, 0},
            [34 ... 39] = NOBODY,
            [40] = {0, 40},
            [41 ... 70] = NOBODY,
            [71] = {0, 65},
            [72 ... 89] = NOBODY,
            [90] = {1, 50},
            [91 ... 95] = NOBODY,
        },
    .irq_edges = {[2] = 1u << 7},
#if PLAN_BANDWIDTH
    .overflow_irq = 23,
    .budgets =
        {
            [0] = {.period = 6250, .own = 500, .grain = 100, .pool = 0, .event = 0x11, .bytes = 1},
            [1] = {.period = 6250,
                   .grain = 200,
                   .pool = 1,
                   .passing = 50,
                   .passes = beta_passes,
                   .pass_count = 2,
                   .event = 0x11,
                   .bytes = 1},
            [2] = {.period = 6250, .own = 1000, .grain = 100, .claim = 4, .pool = 0, .event = 0x11, .bytes = 1},
        },
    .pools = {{6250, 4}, {6250, 3}},
#endif
};

struct config *fake_config(void)
{
    return (struct config *)&config;
}
