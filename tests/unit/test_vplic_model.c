// SPDX-License-Identifier: Apache-2.0
/* The virtual PLIC beside a naive model of it, both driven at random. */
#include "vplic_test.h"

static struct {
    bool pending[SOURCES], active[SOURCES], level[SOURCES], enable[2][SOURCES];
    uint32_t priority[SOURCES], threshold[2];
    unsigned completions;
} model;

static const uint32_t tried[] = {1, 2, RTC, NIC, 31, 32, UART, BELL, LAST};

static uint32_t any_source(void)
{
    return tried[random_below(sizeof(tried) / sizeof(tried[0]))];
}

static bool is_physical(uint32_t source)
{
    return source == RTC || source == NIC || source == LAST;
}

static uint32_t model_best(unsigned context)
{
    uint32_t best = 0;

    for (uint32_t source = 1; source < SOURCES; source++) {
        if (model.pending[source] && !model.active[source] && model.enable[context][source] &&
            model.priority[source] > (best == 0 ? 0 : model.priority[best]))
            best = source;
    }
    return best;
}

static void check_model(void)
{
    for (unsigned context = 0; context < 2; context++) {
        uint32_t best = model_best(context);

        CHECK_EQ(line(context), best != 0 && model.priority[best] > model.threshold[context]);
    }
    for (uint32_t word = 0; word < 2; word++) {
        uint32_t pending = 0;

        for (uint32_t source = word * 32; source < word * 32 + 32 && source < SOURCES; source++)
            pending |= (uint32_t)model.pending[source] << (source % 32);
        CHECK_EQ(get_as(0, 0x1000 + word * 4), pending);
    }
    CHECK_EQ(fake_completed_count, model.completions);
}

static void random_step(void)
{
    unsigned who = random_below(2);
    unsigned context = random_below(4) == 0 ? 1 - who : who;
    uint32_t source = any_source();
    uint32_t number;

    switch (random_below(9)) {
    case 0:
        set_priority(source, number = random_below(4));
        model.priority[source] = number;
        break;
    case 1:
        put_as(who, 0x200000 + 0x1000 * context, number = random_below(4));
        model.threshold[context] = number;
        break;
    case 2:
    case 3:
        model.enable[context][source] = random_below(3) != 0;
        number = get_as(who, enable_at(context, source)) & ~(1u << (source % 32));
        put_as(who, enable_at(context, source), number | (uint32_t)model.enable[context][source] << (source % 32));
        break;
    case 4:
        number = model_best(context);
        CHECK_EQ(get_as(who, 0x200004 + 0x1000 * context), number);
        model.active[number] = number != 0;
        model.pending[number] = false;
        break;
    case 5:
    case 6:
        put_as(who, 0x200004 + 0x1000 * context, source);
        if (!model.active[source] || !model.enable[context][source])
            break;
        model.active[source] = false;
        if (is_physical(source))
            model.completions++;
        else if (model.level[source])
            model.pending[source] = true;
        break;
    default:
        if (is_physical(source)) {
            /* The physical controller gives it only where it is enabled, and not before it was completed. */
            CHECK_EQ(fake_enabled[vcpu[context]->index][config.vms[0].irq_physical[source]],
                     model.enable[context][source]);
            if (model.enable[context][source] && !model.active[source] && !model.pending[source]) {
                fake_run_as(vcpu[context]);
                virq_physical(vcpu[context], source);
                model.pending[source] = true;
            }
        } else if (source == UART) {
            model.level[source] = random_below(2) != 0;
            fake_run_as(vcpu[who]);
            virq_set_level(random_below(3) == 0 ? fake_cpu(1, 0) : vcpu[who], &vms[0], source, model.level[source]);
            model.pending[source] = model.level[source] && !model.active[source];
        } else {
            virq_raise(&vms[0], source);
            model.pending[source] = true;
        }
        break;
    }
}

TEST(vplic_random_against_model)
{
    random_seed(0x911c);
    boot();
    for (unsigned i = 0; i < 60000 && check_failures() == 0; i++) {
        random_step();
        check_model();
        if (fake_completed_count == 64)
            fake_completed_count = model.completions = 0;
    }
}
