// SPDX-License-Identifier: Apache-2.0
/* The virtual APLIC that delivers directly, beside a naive model of it. */
#include <string.h>

#include "vaplic_test.h"

#define VSEIP (1ul << IRQ_VS_EXT)

static uint32_t idc(unsigned context, enum aplic_idc_register reg)
{
    return APLIC_IDC + context * APLIC_IDC_STRIDE + (uint32_t)reg;
}

static bool line(unsigned context)
{
    fake_interrupts();
    return (fake_harts[vcpu[context]->index].hvip & VSEIP) != 0;
}

static void open_source(uint32_t source, uint32_t mode, uint32_t priority)
{
    set_mode(source, mode);
    set_target(source, 0, priority);
    put(APLIC_SETIENUM, source);
    put(idc(0, IDC_DELIVERY), 1);
}

TEST(vaplic_direct_domaincfg)
{
    boot();
    CHECK_EQ(get(APLIC_DOMAINCFG), 0x80000100);
    put(APLIC_DOMAINCFG, ~0u);
    CHECK_EQ(get(APLIC_DOMAINCFG), 0x80000100);
    put(APLIC_DOMAINCFG, 0);
    CHECK_EQ(get(APLIC_DOMAINCFG), 0x80000000);
}

TEST(vaplic_direct_edge)
{
    boot();
    open_source(BELL, MODE_RISING, 2);
    CHECK(!line(0));
    virq_raise(&vms[0], BELL);
    CHECK(line(0));
    CHECK_EQ(get(idc(0, IDC_TOPI)), BELL << 16 | 2);
    CHECK_EQ(get(idc(0, IDC_CLAIMI)), BELL << 16 | 2);
    CHECK(!line(0));
    CHECK_EQ(get(idc(0, IDC_CLAIMI)), 0);
}

TEST(vaplic_direct_physical_level)
{
    boot();
    open_source(RTC, MODE_HIGH, 2);
    fake_line(11, true);
    CHECK(line(0));
    CHECK_EQ(get(idc(0, IDC_CLAIMI)), RTC << 16 | 2);
    CHECK(line(0)); /* the device has not been served */
    CHECK_EQ(get(idc(0, IDC_CLAIMI)), RTC << 16 | 2);
    fake_line(11, false);
    CHECK_EQ(get(idc(0, IDC_CLAIMI)), 0);
    CHECK(!line(0));
    fake_line(11, true);
    CHECK(line(0));
}

TEST(vaplic_direct_force)
{
    boot();
    put(idc(0, IDC_DELIVERY), 1);
    put(idc(0, IDC_FORCE), 1);
    CHECK(line(0));
    CHECK_EQ(get(idc(0, IDC_CLAIMI)), 0);
    CHECK(!line(0));
    CHECK_EQ(get(idc(0, IDC_FORCE)), 0);
}

TEST(vaplic_direct_targets)
{
    boot();
    set_mode(BELL, MODE_RISING);
    set_target(BELL, 1, 0); /* priority 0 does not exist */
    CHECK_EQ(get(APLIC_TARGET + (BELL - 1) * 4), 1 << 18 | 1);
    set_target(BELL, 2, 0xffff); /* nor does this vCPU */
    CHECK_EQ(get(APLIC_TARGET + (BELL - 1) * 4), 0xff);
    set_mode(RTC, MODE_HIGH);
    put(APLIC_SETIENUM, RTC);
    set_target(RTC, 1, 9);
    CHECK_EQ(fake_aplic[11].target, vcpu[1]->config->hart_index << 18 | 1);
}

/* --- At random --- */

static struct {
    bool pending, enabled, line;
    uint32_t mode, hart, priority;
} model[SOURCES];
static struct {
    bool delivery, force;
    uint32_t threshold;
} contexts[2];
static bool on;

static const uint32_t tried[] = {1, 12, RTC, NIC, 31, 32, UART, BELL, LAST};

static bool is_physical(uint32_t source)
{
    return config.vms[0].irq_physical[source] != 0;
}

static bool is_pending(uint32_t source)
{
    return model[source].mode >= MODE_HIGH ? model[source].line : model[source].pending;
}

static uint32_t model_top(unsigned context)
{
    uint32_t best = 0;

    for (uint32_t source = 1; source < SOURCES; source++) {
        uint32_t threshold = contexts[context].threshold;

        if (is_pending(source) && model[source].enabled && model[source].hart == context &&
            (threshold == 0 || model[source].priority < threshold) &&
            (best == 0 || model[source].priority < (best & 0xff)))
            best = source << 16 | model[source].priority;
    }
    return best;
}

static void set_model_mode(uint32_t source)
{
    /* A virtual source is an edge or, that of the UART, a level. */
    static const uint32_t modes[] = {MODE_INACTIVE, MODE_DETACHED, MODE_RISING, MODE_HIGH};
    uint32_t mode = modes[random_below(4)];

    if (source == UART && mode == MODE_RISING)
        mode = MODE_HIGH;
    if (source != UART && !is_physical(source) && mode == MODE_HIGH)
        mode = MODE_RISING;
    /* Whether a change of mode makes a high line pending is left to the implementation: not with a line that is. */
    if (model[source].line)
        return;
    set_mode(source, mode);
    if (mode == MODE_INACTIVE) {
        model[source].pending = model[source].enabled = false;
        model[source].hart = model[source].priority = 0;
    } else if (mode == MODE_HIGH) {
        put(APLIC_CLRIPNUM, source);
        model[source].pending = false;
    } else if (model[source].mode == MODE_HIGH) {
        put(APLIC_CLRIPNUM, source);
        model[source].pending = false;
    }
    model[source].mode = mode;
}

static void raise_source(uint32_t source)
{
    if (source == UART) {
        model[source].line = random_below(2) != 0;
        virq_set_level(random_below(3) == 0 ? fake_cpu(1, 0) : fake_running(), &vms[0], UART, model[source].line);
    } else if (is_physical(source)) {
        bool level = random_below(2) != 0;

        /* The hypervisor learns of an edge where it is enabled; nobody sees one that was disabled. */
        if (model[source].mode == MODE_RISING && !(model[source].enabled))
            return;
        if (model[source].mode == MODE_INACTIVE || model[source].mode == MODE_DETACHED)
            return;
        if (model[source].mode == MODE_RISING && level && !model[source].line)
            model[source].pending = true;
        model[source].line = level;
        fake_line(config.vms[0].irq_physical[source], level);
    } else if (model[source].mode != MODE_INACTIVE) {
        virq_raise(&vms[0], source);
        model[source].pending = true;
    }
}

static void random_step(void)
{
    unsigned context = random_below(2);
    uint32_t source = tried[random_below(sizeof(tried) / sizeof(tried[0]))];
    uint32_t number;

    fake_run_as(vcpu[random_below(2)]);
    switch (random_below(12)) {
    case 0:
        set_model_mode(source);
        break;
    case 1:
        number = 1 + random_below(5);
        set_target(source, context, number);
        if (model[source].mode != MODE_INACTIVE) {
            model[source].hart = context;
            model[source].priority = number;
        }
        break;
    case 2:
    case 3:
        model[source].enabled = random_below(3) != 0 && model[source].mode != MODE_INACTIVE;
        if (random_below(2) != 0)
            put(model[source].enabled ? APLIC_SETIENUM : APLIC_CLRIENUM, source);
        else
            put((model[source].enabled ? APLIC_SETIE : APLIC_CLRIE) + source / 32 * 4, 1u << (source % 32));
        break;
    case 4:
        put(idc(context, IDC_THRESHOLD), contexts[context].threshold = random_below(6));
        break;
    case 5:
        put(idc(context, IDC_DELIVERY), contexts[context].delivery = random_below(4) != 0);
        break;
    case 6:
        put(idc(context, IDC_FORCE), contexts[context].force = random_below(4) == 0);
        break;
    case 7:
        put(APLIC_DOMAINCFG, (on = random_below(5) != 0) ? DOMAINCFG_IE : 0);
        break;
    case 8:
    case 9:
        number = model_top(context);
        CHECK_EQ(get(idc(context, IDC_CLAIMI)), number);
        if (number == 0)
            contexts[context].force = false;
        model[number >> 16].pending = false;
        break;
    default:
        raise_source(source);
        break;
    }
    fake_interrupts();
}

static void check_model(void)
{
    fake_run_as(vcpu[0]);
    for (unsigned context = 0; context < 2; context++) {
        uint32_t top = model_top(context);

        CHECK_EQ(get(idc(context, IDC_TOPI)), top);
        CHECK_EQ(line(context), on && contexts[context].delivery && (contexts[context].force || top != 0));
    }
    for (unsigned i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
        uint32_t source = tried[i];

        CHECK_EQ(get_bit(APLIC_SETIP, source), is_pending(source));
        CHECK_EQ(get_bit(APLIC_SETIE, source), model[source].enabled);
    }
}

TEST(vaplic_direct_random_against_model)
{
    random_seed(0xa911c);
    boot();
    on = true;
    for (unsigned i = 0; i < 60000 && check_failures() == 0; i++) {
        random_step();
        check_model();
    }
}
