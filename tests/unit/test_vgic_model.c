// SPDX-License-Identifier: Apache-2.0
/* The virtual GIC beside a naive model of it, both driven at random; every CPU looks at its interrupts after each step. */
#include <string.h>

#include "vgic_test.h"

#define DEPTH 3u /* interrupts that the guest is busy with at once: one list register stays for what comes */

/* One interrupt as one vCPU sees it; of a shared one only [0] is used. */
static struct {
    bool pending, enabled, active;
    uint32_t priority, senders;
    unsigned busy; /* vCPU that it is active at */
} model[VCPUS][IDS];
static unsigned routes[IDS];
static bool on, level;
static uint32_t taken[VCPUS][DEPTH];
static unsigned depth[VCPUS];

static const uint32_t tried[] = {0, 1, 15, TIMER, 32, UART, BELL, NIC, RTC, BELL2, 80, 81, 82, 83, IDS - 1};

static unsigned owner(unsigned who, uint32_t id)
{
    return id < 32 ? who : 0;
}

static uint32_t physical(uint32_t id)
{
    return config.vms[0].irq_physical[id];
}

static bool is_candidate(unsigned who, uint32_t id)
{
    unsigned own = owner(who, id);

    return on && model[own][id].pending && model[own][id].enabled && !model[own][id].active &&
           (id < 32 || routes[id] == who);
}

static uint32_t running(unsigned who)
{
    uint32_t priority = 0x100;

    for (unsigned i = 0; i < depth[who]; i++) {
        uint32_t id = taken[who][i] & 0x3ff;

        if (model[owner(who, id)][id].priority < priority)
            priority = model[owner(who, id)][id].priority;
    }
    return priority;
}

/* Priority of the best that the vCPU could take now; running(): none is better. */
static uint32_t best(unsigned who)
{
    uint32_t priority = running(who);

    for (uint32_t id = 0; id < IDS; id++) {
        if (is_candidate(who, id) && model[owner(who, id)][id].priority < priority)
            priority = model[owner(who, id)][id].priority;
    }
    return priority;
}

static void step_take(unsigned who)
{
    uint32_t priority = best(who);
    bool some = priority < running(who);
    uint32_t value;
    uint32_t id;
    unsigned own;

    if (depth[who] == DEPTH)
        return;
    value = take(who);
    id = value & 0x3ff;
    CHECK_EQ(value != FAKE_NOTHING, some);
    if (value == FAKE_NOTHING || !some)
        return;
    own = owner(who, id);
    CHECK(is_candidate(who, id));
    CHECK_EQ(model[own][id].priority, priority);
    if (FAKE_GIC == 2 && id < 16) {
        CHECK(model[own][id].senders >> (value >> 10) & 1);
        model[own][id].senders &= ~(1u << (value >> 10));
    } else {
        CHECK_EQ(value, id);
        model[own][id].senders = 0;
    }
    model[own][id].pending = id < 16 && model[own][id].senders != 0;
    model[own][id].active = true;
    model[own][id].busy = who;
    taken[who][depth[who]++] = value;
}

static void step_end(unsigned who)
{
    uint32_t value;
    uint32_t id;

    if (depth[who] == 0)
        return;
    value = taken[who][--depth[who]];
    id = value & 0x3ff;
    end(who, value);
    model[owner(who, id)][id].active = false;
    if (id == UART && level)
        model[0][UART].pending = true;
}

static void step_raise(unsigned who, uint32_t id)
{
    unsigned own = owner(who, id);

    if (physical(id) != 0) {
        const struct cpu *cpu = id < 32 ? vcpu[who] : NULL;

        CHECK_EQ(fake_is_enabled(cpu, physical(id)), model[own][id].enabled);
        if (!model[own][id].enabled || model[own][id].active || model[own][id].pending)
            return;
        fake_fire(cpu, physical(id));
        model[own][id].pending = true;
    } else if (id < 16) {
        uint32_t targets = 1 + random_below(7);

        send(who, id, targets);
        for (unsigned i = 0; i < VCPUS; i++) {
            if (targets >> i & 1) {
                model[i][id].pending = true;
                model[i][id].senders |= FAKE_GIC == 2 ? 1u << who : 1;
            }
        }
    } else if (id == UART) {
        level = random_below(2) != 0;
        fake_run_as(vcpu[who]);
        virq_set_level(random_below(3) == 0 ? fake_cpu(1, 0) : vcpu[who], &vms[0], UART, level);
        model[0][UART].pending = level && !model[0][UART].active;
    } else {
        virq_raise(&vms[0], id);
        model[0][id].pending = true;
    }
}

static void step_pending(unsigned who, uint32_t id)
{
    bool set = random_below(2) != 0;

    /* Of an SGI they are registers of another kind on a GICv2; of a level the level counts. */
    if (id < 16 || id == UART)
        return;
    if (id >= 32 && routes[id] != who && physical(id) == 0)
        return; /* it may stand in a list register that only its CPU reaches */
    put_bit(who, set ? ISPENDR : ICPENDR, id);
    if (physical(id) == 0)
        model[owner(who, id)][id].pending = set;
}

/* The vCPU goes off and comes again. */
static void step_off(unsigned who)
{
    fake_run_as(vcpu[who]);
    virq_reset_vcpu(vcpu[who]);
    depth[who] = 0;
    for (uint32_t id = 0; id < IDS; id++) {
        unsigned own = owner(who, id);

        if (id < 32) {
            memset(&model[who][id], 0, sizeof(model[0][0]));
            model[who][id].enabled = id < 16;
        } else if (model[own][id].active && model[own][id].busy == who) {
            model[own][id].active = false;
            model[own][id].pending |= id == UART && level;
        }
    }
}

static void step_restart(unsigned who)
{
    for (unsigned i = 0; i < VCPUS; i++)
        step_off(i);
    fake_run_as(vcpu[who]);
    virq_reset(vcpu[who]);
    fake_interrupts();
    memset(&model[0][32], 0, sizeof(model[0][0]) * (IDS - 32));
    memset(routes, 0, sizeof(routes));
    on = level = false;
    for (uint32_t id = 32; id < IDS; id++) {
        if (physical(id) != 0)
            CHECK(!fake_is_active(NULL, physical(id)) && !fake_is_enabled(NULL, physical(id)));
    }
}

static void random_step(void)
{
    unsigned who = random_below(VCPUS);
    uint32_t id = tried[random_below(sizeof(tried) / sizeof(tried[0]))];
    unsigned own = owner(who, id);

    switch (random_below(16)) {
    case 0:
    case 1:
    case 2:
        step_take(who);
        break;
    case 3:
    case 4:
    case 5:
        step_end(who);
        break;
    case 6:
        if (!model[own][id].active) { /* else its list register keeps the old one */
            set_priority(who, id, (model[own][id].priority = random_below(32) * 8));
            /* What stands in a list register keeps its priority as well, until it is disabled. */
            put_bit(who, ICENABLER, id);
            model[own][id].enabled = false;
        }
        break;
    case 7:
    case 8:
        model[own][id].enabled = random_below(4) != 0;
        enable(who, id, model[own][id].enabled);
        break;
    case 9:
        if (id >= 32)
            route(who, id, (routes[id] = random_below(VCPUS)));
        break;
    case 10:
        step_pending(who, id);
        break;
    case 11:
        if (random_below(8) == 0)
            switch_on(on = !on);
        else if (!on)
            switch_on(on = true);
        break;
    case 12:
        if (random_below(40) == 0)
            step_restart(who);
        else if (random_below(20) == 0)
            step_off(who);
        break;
    default:
        step_raise(who, id);
        break;
    }
    fake_interrupts();
}

static void check_registers(void)
{
    unsigned who = random_below(VCPUS);
    uint32_t id = tried[random_below(sizeof(tried) / sizeof(tried[0]))];
    unsigned own = owner(who, id);

    CHECK_EQ(get_bit(who, ISENABLER, id), model[own][id].enabled);
    CHECK_EQ(access_as(who, frame(who, id) + IPRIORITYR + id, 1, false, 0), model[own][id].priority);
    if (id < 32 || routes[id] == who) {
        CHECK_EQ(get_bit(who, ISPENDR, id), model[own][id].pending);
        get_bit(who, ISACTIVER, id);
        fake_interrupts(); /* another vCPU's list register is looked up */
        CHECK_EQ(get_bit(who, ISACTIVER, id), model[own][id].active);
    }
    if (physical(id) != 0)
        CHECK_EQ(fake_is_active(id < 32 ? vcpu[who] : NULL, physical(id)),
                 model[own][id].active || model[own][id].pending);
    for (unsigned i = 0; i < VCPUS; i++) {
        if (depth[i] == 0)
            CHECK(!on || virq_waiting(vcpu[i]) == (fake_run_as(vcpu[i]), best(i) != 0x100));
    }
}

TEST(vgic_random_against_model)
{
    random_seed(0x91c);
    boot();
    on = true;
    for (unsigned i = 0; i < VCPUS; i++) {
        for (uint32_t id = 0; id < 16; id++)
            model[i][id].enabled = true;
    }
    for (unsigned i = 0; i < 60000 && check_failures() == 0; i++) {
        random_step();
        check_registers();
        if (check_failures() != 0)
            check_context("step %u", i);
    }
}
