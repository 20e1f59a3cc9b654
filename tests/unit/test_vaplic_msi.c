// SPDX-License-Identifier: Apache-2.0
/* The virtual APLIC that sends MSIs, beside a naive model of it; and the reset of a vCPU's interrupt file. */
#include <stddef.h>
#include <string.h>

#include "arch/imsic.h"
#include "vaplic_test.h"

static bool got(unsigned which, uint32_t identity)
{
    bool *msi = &fake_msis[vcpu[which]->index][identity];
    bool before = *msi;

    *msi = false;
    return before;
}

TEST(vaplic_msi_domaincfg)
{
    boot();
    CHECK_EQ(get(APLIC_DOMAINCFG), 0x80000104);
    put(APLIC_DOMAINCFG, 0);
    CHECK_EQ(get(APLIC_DOMAINCFG), 0x80000004);
}

TEST(vaplic_msi_doorbell)
{
    boot();
    set_mode(BELL, MODE_RISING);
    set_target(BELL, 1, 55);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(fake_msi_count, 0);
    CHECK(get_bit(APLIC_SETIP, BELL));
    put(APLIC_SETIENUM, BELL);
    CHECK(got(1, 55));
    CHECK(!get_bit(APLIC_SETIP, BELL));
    virq_raise(&vms[0], BELL);
    CHECK(got(1, 55));
    put(APLIC_DOMAINCFG, 0);
    virq_raise(&vms[0], BELL);
    virq_raise(&vms[0], BELL);
    CHECK(!got(1, 55));
    put(APLIC_DOMAINCFG, DOMAINCFG_IE);
    CHECK(got(1, 55));
    CHECK_EQ(fake_msi_count, 3);
}

/* A level that is still high is sent again when the guest asks for it, one that is low is not. */
TEST(vaplic_msi_retrigger_of_a_virtual_level)
{
    boot();
    set_mode(UART, MODE_HIGH);
    set_target(UART, 0, 9);
    put(APLIC_SETIENUM, UART);
    set_level(true);
    CHECK(got(0, 9));
    put(APLIC_SETIPNUM_LE, UART);
    CHECK(got(0, 9));
    set_level(false);
    put(APLIC_SETIPNUM_LE, UART);
    CHECK(!got(0, 9));
    CHECK_EQ(fake_retriggered.count, 0);
}

/* The register of the physical APLIC takes any number: a guest reaches its own sources alone. */
TEST(vaplic_msi_retrigger)
{
    boot();
    set_mode(NIC, MODE_HIGH);
    for (uint32_t number = 0; number < 1100; number++)
        put(APLIC_SETIPNUM_LE, number);
    CHECK_EQ(fake_retriggered.count, 1);
    CHECK_EQ(fake_retriggered.value[0], NIC_PHYSICAL);
    put(APLIC_SETIPNUM, NIC);
    CHECK_EQ(fake_retriggered.value[1], NIC_PHYSICAL);
    put(APLIC_CLRIPNUM, NIC);
    put(APLIC_CLRIPNUM, NIC_PHYSICAL);
    CHECK_EQ(fake_cleared.count, 1);
    CHECK_EQ(fake_cleared.value[0], NIC_PHYSICAL);
}

TEST(vaplic_msi_genmsi)
{
    boot();
    put(APLIC_GENMSI, 1 << 18 | 77);
    CHECK(got(1, 77));
    CHECK_EQ(get(APLIC_GENMSI), 1 << 18 | 77);
    put(APLIC_GENMSI, 3u << 18 | 1 << 12 | 0x7ff);
    CHECK(got(0, 0x7ff)); /* no such vCPU, nor a guest of its own */
    CHECK_EQ(fake_msi_count, 2);
}

TEST(vaplic_msi_vcpu_reset)
{
    boot();
    fake_run_as(vcpu[1]);
    csrs->hstatus = 0x200000180 | 5ul << HSTATUS_VGEIN_SHIFT;
    memset(csrs->vs_file, 0xff, sizeof(csrs->vs_file));
    virq_reset_vcpu(vcpu[1]);
    CHECK_EQ(csrs->hstatus, 0x200000180 | 1ul << HSTATUS_VGEIN_SHIFT);
    CHECK_EQ(csrs->vs_file[IMSIC_EIDELIVERY], 0);
    CHECK_EQ(csrs->vs_file[IMSIC_EITHRESHOLD], 0);
    for (uint32_t word = 0; word < PLAN_MSIS / 32; word += 2)
        CHECK_EQ(csrs->vs_file[IMSIC_EIE + word] | csrs->vs_file[IMSIC_EIP + word], 0);
    CHECK_EQ(csrs->vsiselect, 0);
}

/* The hypervisor's own file takes the console's interrupt alone. */
TEST(vaplic_msi_console)
{
    boot();
    fake_run_as(&cpus[1]);
    irqchip_enable(&cpus[1], 10, true);
    CHECK_EQ(fake_aplic[10].target, cpus[1].config->hart_index << 18 | 1);
    CHECK(fake_aplic[10].enabled);
    CHECK_EQ(csrs->s_file[IMSIC_EIE], 2);
    csrs->stopei = 1 << 16 | 1;
    CHECK_EQ(irqchip_claim(&cpus[1]), 10);
    CHECK_EQ(irqchip_claim(&cpus[1]), 0);
    irqchip_complete(&cpus[1], 10);
    CHECK_EQ(fake_retriggered.value[0], 10);
}

/* --- At random --- */

static struct source {
    uint32_t hart, identity;
    bool pending, enabled, line;
    uint32_t mode;
} model[SOURCES];
static bool on;
static unsigned sent;
static bool msis[2][256];

static const uint32_t tried[] = {1, 12, RTC, NIC, 31, 32, UART, BELL, LAST};

static void model_send(void)
{
    for (uint32_t source = 1; source < SOURCES; source++) {
        if (on && model[source].enabled && model[source].pending) {
            model[source].pending = false;
            msis[model[source].hart][model[source].identity] = true;
            sent++;
        }
    }
}

static bool is_physical(uint32_t source)
{
    return config.vms[0].irq_physical[source] != 0;
}

static void set_model_mode(uint32_t source)
{
    static const uint32_t physical[] = {MODE_INACTIVE, MODE_DETACHED, MODE_RISING, MODE_FALLING, MODE_HIGH, MODE_LOW};
    uint32_t mode = is_physical(source) ? physical[random_below(6)] : random_below(4) == 0 ? 0 : source == UART ? 6 : 4;

    set_mode(source, mode);
    if (mode == MODE_INACTIVE)
        memset(&model[source], 0, offsetof(struct source, line));
    else if (source == UART && model[source].line)
        model[source].pending = true;
    model[source].mode = mode;
}

static void random_step(void)
{
    uint32_t source = tried[random_below(sizeof(tried) / sizeof(tried[0]))];
    unsigned hart = random_below(2);
    uint32_t identity = 1 + random_below(255);

    fake_run_as(vcpu[random_below(2)]);
    switch (random_below(8)) {
    case 0:
        set_model_mode(source);
        break;
    case 1:
        set_target(source, hart, identity);
        if (model[source].mode != MODE_INACTIVE) {
            model[source].hart = hart;
            model[source].identity = identity;
        }
        break;
    case 2:
    case 3:
        model[source].enabled = random_below(3) != 0 && model[source].mode != MODE_INACTIVE;
        put(model[source].enabled ? APLIC_SETIENUM : APLIC_CLRIENUM, source);
        break;
    case 4:
        put(APLIC_DOMAINCFG, (on = random_below(5) != 0) ? DOMAINCFG_IE : 0);
        break;
    case 5:
        put(APLIC_SETIPNUM_LE, source);
        if (!is_physical(source) && model[source].mode != MODE_INACTIVE && (source != UART || model[source].line))
            model[source].pending = true;
        break;
    default:
        if (source == UART) {
            bool before = model[source].line;

            model[source].line = random_below(2) != 0;
            set_level(model[source].line);
            if (model[source].mode == MODE_HIGH && model[source].line != before)
                model[source].pending = model[source].line;
        } else if (!is_physical(source) && model[source].mode != MODE_INACTIVE) {
            virq_raise(&vms[0], source);
            model[source].pending = true;
        }
        break;
    }
    model_send();
}

static void check_model(void)
{
    CHECK_EQ(fake_msi_count, sent);
    for (unsigned i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
        uint32_t source = tried[i];

        CHECK_EQ(get_bit(APLIC_SETIE, source), model[source].enabled);
        if (is_physical(source)) {
            const struct fake_source *physical = &fake_aplic[config.vms[0].irq_physical[source]];

            CHECK_EQ(physical->mode, model[source].mode);
            CHECK_EQ(physical->enabled, model[source].enabled && on);
            if (model[source].mode != MODE_INACTIVE)
                CHECK_EQ(physical->target,
                         vcpu[model[source].hart]->config->hart_index << 18 | 1 << 12 | model[source].identity);
        } else {
            CHECK_EQ(get_bit(APLIC_SETIP, source), model[source].pending);
        }
    }
    for (unsigned hart = 0; hart < 2; hart++) {
        for (uint32_t identity = 0; identity < 256; identity++) {
            CHECK_EQ(got(hart, identity), msis[hart][identity]);
            msis[hart][identity] = false;
        }
    }
}

TEST(vaplic_msi_random_against_model)
{
    random_seed(0x315);
    boot();
    on = true;
    for (unsigned i = 0; i < 20000 && check_failures() == 0; i++) {
        random_step();
        check_model();
    }
}
