// SPDX-License-Identifier: Apache-2.0
/*
 * 'alpha' has two vCPUs, in the reverse order of their CPUs and on harts whose numbers lie more than 64 apart; 'beta'
 * has one. The channel 'news' goes from alpha to beta, 'orders' rings both ways. Compiled with `const` taken away, so
 * that a test can change it.
 */
#include "fake.h"

static const uint16_t alpha_cpus[] = {2, 0};
static const uint16_t beta_cpus[] = {1};

static const struct window alpha_windows[] = {
    {0x0c000000, 0x600000, WINDOW_IRQCHIP, 0},
    {0x10000000, 0x1000, WINDOW_UART, 0},
    {0x50003000, 0x1000, WINDOW_DOORBELL, 1},
};
static const struct window beta_windows[] = {
    {0x0c000000, 0x600000, WINDOW_IRQCHIP, 0},
    {0x10000000, 0x1000, WINDOW_UART, 0},
    {0x50003000, 0x1000, WINDOW_DOORBELL, 0},
};

static const struct place alpha_places[] = {
    {0x0c000000, 0x600000, "interrupt controller", "trapped", 0}, {0x10000000, 0x1000, "console", "trapped", 12},
    {0x10001000, 0x1000, "devices: rtc@101000", "rw", 21},        {0x50000000, 0x2000, "channels: news", "rw", 30},
    {0x50003000, 0x1000, "doorbell of orders", "trapped", 31},    {0x80000000, 0x1000000, "memory.ram", "rwx", 7},
};
static const struct place beta_places[] = {
    {0x50000000, 0x2000, "channels: news", "r", 40},
    {0x80000000, 0x800000, "memory.ram", "rwx", 17},
};

static const struct ring alpha_news[] = {{1, 5}};
static const struct ring alpha_orders[] = {{1, 6}};
static const struct ring beta_orders[] = {{0, 36}};
static const struct channel_end alpha_channels[] = {{"news", alpha_news, 1}, {"orders", alpha_orders, 1}};
static const struct channel_end beta_channels[] = {{"orders", beta_orders, 1}};

static const uint16_t alpha_irqs[40] = {[11] = 11, [20] = 34, [39] = 63};
static const uint16_t beta_irqs[8] = {[3] = 12};
const uint64_t boot_probes[] = {0x80fffff8, 0xbffffff8, 0};
const uint64_t boot_ids[PLAN_CPUS] = {0};

#define NOBODY        \
    {                 \
        IRQ_NOBODY, 0 \
    }

const struct config config = {
    .system = "pair",
    .file = "pair.yaml",
    .board = "bench",
    .irqchip_base = 0x0c000000,
    .henvcfg = 0xf0,
    .events = (uint64_t)(uintptr_t)fake_events,
    .sstc = true,
    .has_console = true,
    .console = {.base = 0x10000000, .reg_shift = 0, .reg_width = 1, .irq = 10, .cpu = 1},
    .cpus =
        {
            {.id = 5, .stack = 0x80201000, .name = "cpu@5", .context = 11, .vm = 0, .vcpu = 1},
            {.id = 1, .stack = 0x80203000, .name = "cpu@1", .context = 3, .vm = 1, .vcpu = 0},
            {.id = 70, .stack = 0x80205000, .name = "cpu@70", .context = 141, .vm = 0, .vcpu = 0},
        },
    .vms =
        {
            {
                .name = "alpha",
                .stage2 = 0x8000100000080400,
                .entry = 0x80000000,
                .dtb = 0x80ff0000,
                .cpus = alpha_cpus,
                .vcpu_count = 2,
                .window_count = 3,
                .windows = alpha_windows,
                .places = alpha_places,
                .place_count = 6,
                .channel_count = 2,
                .channels = alpha_channels,
                .irq_physical = alpha_irqs,
                .irq_count = 40,
                .uart_irq = 33,
                .line = 5,
            },
            {
                .name = "beta",
                .stage2 = 0x8000200000080800,
                .entry = 0x80000040,
                .dtb = 0,
                .cpus = beta_cpus,
                .vcpu_count = 1,
                .window_count = 3,
                .windows = beta_windows,
                .places = beta_places,
                .place_count = 2,
                .channel_count = 1,
                .channels = beta_channels,
                .irq_physical = beta_irqs,
                .irq_count = 8,
                .uart_irq = 4,
                .line = 15,
            },
        },
    .irq_owner =
        {
            [0 ... 9] = NOBODY,
            [10] = {IRQ_HYPERVISOR, 0},
            [11] = {0, 11},
            [12] = {1, 3},
            [13 ... 33] = NOBODY,
            [34] = {0, 20},
            [35 ... 62] = NOBODY,
            [63] = {0, 39},
        },
};

struct config *fake_config(void)
{
    return (struct config *)&config;
}
