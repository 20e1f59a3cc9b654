// SPDX-License-Identifier: Apache-2.0
/* A physical interrupt controller behind include/drivers.h that does nothing but remember. */
#include <string.h>

#include "drivers.h"
#include "fake.h"

bool fake_enabled[PLAN_CPUS][PLAN_IRQS];
uint32_t fake_completed[64];
unsigned fake_completed_count;
static uint32_t claims[PLAN_CPUS];

void irqchip_init(void)
{
}

void irqchip_quiet(void)
{
    memset(fake_enabled, 0, sizeof(fake_enabled));
}

void irqchip_init_cpu(struct cpu *cpu)
{
    memset(fake_enabled[cpu->index], 0, sizeof(fake_enabled[0]));
}

void fake_interrupt(struct cpu *cpu, uint32_t source)
{
    claims[cpu->index] = source;
    fake_harts[cpu->index].sip |= 1 << IRQ_S_EXT;
    fake_harts[cpu->index].sie |= 1 << IRQ_S_EXT;
}

uint32_t irqchip_claim(struct cpu *cpu)
{
    uint32_t source = claims[cpu->index];

    claims[cpu->index] = 0;
    fake_harts[cpu->index].sip &= ~(1ul << IRQ_S_EXT);
    return source;
}

void irqchip_complete(struct cpu *cpu, uint32_t source)
{
    if (fake_completed_count < sizeof(fake_completed) / sizeof(fake_completed[0]))
        fake_completed[fake_completed_count++] = cpu->index << 16 | source;
}

void irqchip_enable(struct cpu *cpu, uint32_t source, bool enabled)
{
    fake_enabled[cpu->index][source] = enabled;
}
