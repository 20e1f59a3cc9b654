// SPDX-License-Identifier: Apache-2.0
/* Sends interrupts to everybody's CPUs, and writes everything to every register of the controller, again and again. */
#include "gic.h"
#include "timer.h"

static volatile uint32_t own; /* SGIs that have come to the other vCPU, which sends none itself */

static uint32_t ended;

static void count(uint32_t irq)
{
    (void)irq;
    own++;
}

static void second_cpu(void)
{
    for (uint32_t sgi = 0; sgi < 16; sgi++) {
        irq_enable(sgi, count);
    }
    for (;;) {
        cpu_wait();
    }
}

/* Without write-back, which the syndrome would not describe. */
static void put(uintptr_t base, uint32_t offset, uint32_t value)
{
    __asm__ volatile("str %w1, [%0]" ::"r"(base + offset), "r"(value) : "memory");
}

static void send_to_everybody(void)
{
    for (unsigned long sgi = 0; sgi < 16; sgi++) {
        const unsigned long all = 1ul << 40 | sgi << 24;

        icc_write(ICC_SGI1R_EL1, all);
        icc_write(ICC_SGI0R_EL1, all);
        icc_write(ICC_ASGI1R_EL1, all);
        for (unsigned long aff = 0; aff < 4; aff++) {
            for (unsigned long range = 0; range < 2; range++) {
                const unsigned long list = range << 44 | sgi << 24 | 0xfffc;

                icc_write(ICC_SGI1R_EL1, list | aff << 16);
                icc_write(ICC_SGI1R_EL1, list | aff << 32);
                icc_write(ICC_SGI1R_EL1, list | aff << 48);
                icc_write(ICC_SGI0R_EL1, list | aff << 16);
                icc_write(ICC_ASGI1R_EL1, list | aff << 16);
            }
        }
    }
}

static void write_everything(uint32_t value)
{
    for (uint32_t offset = 0x40; offset < 0x1000; offset += 4) {
        put(gicd, offset, value); /* message-based SPIs, groups, enables, pending, active, priorities, shapes, SGIR */
    }
    for (uint32_t id = 32; id < 1020; id++) {
        put(gicd, 0x6000 + id * 8, value & 0xff);
    }
    for (uint32_t frame = 0; frame < 2; frame++) {
        for (uint32_t offset = 0; offset < 0x1000; offset += 4) {
            if (offset != 0x14) {
                put(gicr + frame * 0x20000, offset, value); /* EnableLPIs, PROPBASER, PENDBASER */
            }
            put(gicr + frame * 0x20000 + 0x10000, offset, value);
        }
    }
    put(gicd, 0, 0);
    put(gicd, 0, value);
}

/* Of its own the SGIs stay pending that nobody takes here; DIR needs an end apart from it. */
static void deactivate_everything(void)
{
    icc_write(ICC_CTLR_EL1, ~0ul);
    for (unsigned long id = 0; id < 1020; id++) {
        icc_write(ICC_DIR_EL1, id);
    }
    icc_write(ICC_CTLR_EL1, 0);
}

/* An interrupt of its own, ended with a number of somebody else's. */
static void end_everything(void)
{
    for (unsigned long id = 16; id < 96; id++) {
        icc_write(ICC_PMR_EL1, 0xff);
        icc_write(ICC_SGI1R_EL1, 1ul << 24 | 1);
        if (icc_read(ICC_IAR1_EL1) < 1020) {
            icc_write(ICC_EOIR1_EL1, id);
            put(gicr, 0x10380, 0xffff); /* its own is active still */
            ended++;
        }
    }
}

void guest_main(void)
{
    uint32_t rounds = 0;

    gic_find();
    cpu_start(1, second_cpu);
    for (const uint64_t start = timer_us(); timer_us() - start < 400000; rounds++) {
        write_everything(0xffffffff);
        for (uint32_t frame = 0x10000; frame <= 0x30000; frame += 0x20000) {
            put(gicr, frame + 0x100, 0xffff);
            for (uint32_t sgi = 0; sgi < 16; sgi += 4) {
                put(gicr, frame + 0x400 + sgi, 0x80808080);
            }
        }
        send_to_everybody();
        deactivate_everything();
        end_everything();
        write_everything(0);
    }
    printf("%s rounds, %s reached the other vCPU, %s ended\n", rounds > 2 ? "several" : "few",
           own > 16 ? "SGIs" : "no SGI", ended > 16 ? "many" : "few");
    printf("GICR_CTLR %x PROPBASER %x TYPER.PLPIS %x GICD_TYPER.LPIS %x\n", *word(gicr, 0), *word(gicr, 0x70),
           *word(gicr, 8) & 1, *word(gicd, 4) >> 17 & 1);
    power_off();
}
