// SPDX-License-Identifier: Apache-2.0
/* The virtual PLIC. Source of what is right: RISC-V Platform-Level Interrupt Controller Specification 1.0.0. */
#include <string.h>

#include "check.h"
#include "fake.h"

#define VSEIP (1ul << IRQ_VS_EXT)

enum { UART = 33, RTC = 11, NIC = 20, LAST = 39, BELL = 36, SOURCES = 40 }; /* alpha's */

static struct cpu *vcpu[2];

static void boot(void)
{
    fake_boot();
    vcpu[0] = fake_cpu(0, 0);
    vcpu[1] = fake_cpu(0, 1);
    cpu_set_state(vcpu[1], VCPU_ON);
}

static uint32_t get_as(unsigned who, uint64_t offset)
{
    struct vdev_access access = {offset, 4, false, 0};

    fake_run_as(vcpu[who]);
    CHECK(virq_access(vcpu[who], &access));
    CHECK(access.value <= UINT32_MAX);
    return (uint32_t)access.value;
}

static void put_as(unsigned who, uint64_t offset, uint32_t value)
{
    struct vdev_access access = {offset, 4, true, value};

    fake_run_as(vcpu[who]);
    CHECK(virq_access(vcpu[who], &access));
}

static uint64_t enable_at(unsigned context, uint32_t source)
{
    return 0x2000 + 0x80 * context + source / 32 * 4;
}

static void enable(unsigned context, uint32_t source, bool on)
{
    uint32_t mask = 1u << (source % 32);
    uint32_t word = get_as(context, enable_at(context, source));

    put_as(context, enable_at(context, source), on ? word | mask : word & ~mask);
}

static void set_priority(uint32_t source, uint32_t priority)
{
    put_as(0, source * 4, priority);
}

static void set_threshold(unsigned context, uint32_t threshold)
{
    put_as(context, 0x200000 + 0x1000 * context, threshold);
}

static uint32_t claim(unsigned context)
{
    return get_as(context, 0x200004 + 0x1000 * context);
}

static void complete(unsigned context, uint32_t source)
{
    put_as(context, 0x200004 + 0x1000 * context, source);
}

/* The line of a vCPU, once every CPU has seen its events. */
static bool line(unsigned context)
{
    fake_deliver();
    return (fake_harts[vcpu[context]->index].hvip & VSEIP) != 0;
}

static void raise_line(uint32_t source)
{
    virq_set_level(vcpu[0], &vms[0], source, true);
}

static void lower_line(uint32_t source)
{
    virq_set_level(vcpu[0], &vms[0], source, false);
}

TEST(vplic_priorities)
{
    boot();
    for (uint32_t source = 0; source < 1024; source++) {
        put_as(0, source * 4, 0xffffffff);
        CHECK_EQ(get_as(0, source * 4), source != 0 && source < SOURCES ? 7 : 0);
    }
    put_as(0, 5 * 4, 3);
    CHECK_EQ(get_as(1, 5 * 4), 3);
    put_as(0, 5 * 4, 8);
    CHECK_EQ(get_as(0, 5 * 4), 0);
}

TEST(vplic_enables)
{
    boot();
    put_as(0, 0x2000, 0xffffffff);
    put_as(0, 0x2004, 0xffffffff);
    put_as(0, 0x2008, 0xffffffff);
    CHECK_EQ(get_as(0, 0x2000), 0xfffffffe); /* there is no source 0 */
    CHECK_EQ(get_as(0, 0x2004), 0xff);       /* nor one beyond 39 */
    CHECK_EQ(get_as(0, 0x2008), 0);
    CHECK_EQ(get_as(0, 0x207c), 0);
    CHECK_EQ(get_as(0, 0x2080), 0); /* the other context */
    put_as(0, 0x2080, 2);
    CHECK_EQ(get_as(1, 0x2080), 2);
    put_as(0, 0x2100, 0xffffffff); /* a context that is not there */
    CHECK_EQ(get_as(0, 0x2100), 0);
}

/* A source count that fills its words leaves no bit over. */
TEST(vplic_enables_of_full_words)
{
    fake_config()->vms[0].irq_count = 32;
    boot();
    put_as(0, 0x2000, 0xffffffff);
    put_as(0, 0x2004, 0xffffffff);
    CHECK_EQ(get_as(0, 0x2000), 0xfffffffe);
    CHECK_EQ(get_as(0, 0x2004), 0);
}

TEST(vplic_physical_enables)
{
    boot();
    enable(0, RTC, true);
    enable(1, NIC, true);
    enable(0, BELL, true);
    for (unsigned cpu = 0; cpu < PLAN_CPUS; cpu++) {
        for (uint32_t source = 0; source < PLAN_IRQS; source++)
            CHECK_EQ(fake_enabled[cpu][source], (cpu == vcpu[0]->index && source == 11) ||
                                                    (cpu == vcpu[1]->index && source == 34));
    }
    enable(0, RTC, false);
    CHECK(!fake_enabled[vcpu[0]->index][11]);
}

TEST(vplic_wrong_accesses)
{
    static const struct vdev_access wrong[] = {
        {0x4, 1, false, 0}, {0x4, 2, false, 0}, {0x4, 8, false, 0}, {0x6, 4, false, 0}, {0x200001, 4, true, 1},
        {0x200004, 8, true, 1},
    };

    boot();
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct vdev_access access = wrong[i];

        CHECK(!virq_access(vcpu[0], &access));
    }
}

TEST(vplic_registers_that_are_not_there)
{
    static const uint32_t offsets[] = {0xffc, 0x1008, 0x107c, 0x1ffc, 0x2008, 0x1f1ffc, 0x1ffffc, 0x200008, 0x200ffc,
                                       0x202000, 0x202004, 0x3ff004, 0x5ffffc};

    boot();
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        put_as(0, offsets[i], 0xffffffff);
        CHECK_EQ(get_as(0, offsets[i]), 0);
    }
    CHECK(!line(0));
}

TEST(vplic_edge)
{
    boot();
    set_priority(BELL, 1);
    enable(0, BELL, true);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(get_as(0, 0x1004), 1u << (BELL - 32));
    CHECK(line(0));
    CHECK(!line(1));
    CHECK_EQ(claim(0), BELL);
    CHECK(!line(0));
    CHECK_EQ(get_as(0, 0x1004), 0);
    CHECK_EQ(claim(0), 0);
    virq_raise(&vms[0], BELL); /* while it is handled: kept until it is completed */
    CHECK(!line(0));
    CHECK_EQ(claim(0), 0);
    complete(0, BELL);
    CHECK(line(0));
    CHECK_EQ(claim(0), BELL);
    complete(0, BELL);
    CHECK(!line(0));
}

/* Many rings before the guest comes to claim are one interrupt, and one event. */
TEST(vplic_edge_storm)
{
    boot();
    set_priority(BELL, 1);
    enable(1, BELL, true);
    fake_call_count = 0;
    for (unsigned i = 0; i < 1000; i++)
        virq_raise(&vms[0], BELL);
    CHECK_EQ(fake_call_count, 1);
    CHECK(line(1));
    CHECK_EQ(claim(1), BELL);
    complete(1, BELL);
    CHECK_EQ(claim(1), 0);
}

TEST(vplic_level)
{
    boot();
    set_priority(UART, 1);
    enable(0, UART, true);
    raise_line(UART);
    CHECK(line(0));
    CHECK_EQ(claim(0), UART);
    CHECK(!line(0));
    complete(0, UART);
    CHECK(line(0)); /* the line is still high */
    CHECK_EQ(claim(0), UART);
    lower_line(UART);
    complete(0, UART);
    CHECK(!line(0));
    raise_line(UART);
    CHECK(line(0));
    lower_line(UART);
    CHECK(!line(0)); /* nobody came to claim it */
    CHECK_EQ(claim(0), 0);
}

TEST(vplic_level_while_claimed)
{
    boot();
    set_priority(UART, 1);
    enable(0, UART, true);
    raise_line(UART);
    CHECK_EQ(claim(0), UART);
    lower_line(UART);
    raise_line(UART);
    CHECK(!line(0));
    CHECK_EQ(claim(0), 0);
    complete(0, UART);
    CHECK(line(0));
}

TEST(vplic_priority_order)
{
    static const uint32_t order[] = {7, 38, 3, 5, 35};

    boot();
    put_as(0, 0x2000, 0xfffffffe);
    put_as(0, 0x2004, 0xff);
    set_priority(5, 1);
    set_priority(35, 1);
    set_priority(3, 2);
    set_priority(7, 7);
    set_priority(38, 7);
    set_priority(2, 0); /* never */
    virq_raise(&vms[0], 5);
    virq_raise(&vms[0], 35);
    virq_raise(&vms[0], 38);
    virq_raise(&vms[0], 3);
    virq_raise(&vms[0], 7);
    virq_raise(&vms[0], 2);
    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        CHECK(line(0));
        CHECK_EQ(claim(0), order[i]);
    }
    CHECK(!line(0));
    CHECK_EQ(claim(0), 0);
    set_priority(2, 1);
    CHECK(line(0));
    CHECK_EQ(claim(0), 2);
}

TEST(vplic_threshold)
{
    boot();
    enable(0, BELL, true);
    set_priority(BELL, 3);
    set_threshold(0, 3);
    CHECK_EQ(get_as(0, 0x200000), 3);
    virq_raise(&vms[0], BELL);
    CHECK(!line(0)); /* not above it */
    set_threshold(0, 2);
    CHECK(line(0));
    set_threshold(0, 7);
    CHECK(!line(0));
    CHECK_EQ(claim(0), BELL); /* a claim does not ask the threshold (chapter 8) */
    set_threshold(0, 0xfffffff9);
    CHECK_EQ(get_as(0, 0x200000), 1);
    CHECK_EQ(get_as(0, 0x201000), 0);
}

TEST(vplic_two_contexts)
{
    boot();
    enable(0, BELL, true);
    enable(1, BELL, true);
    set_priority(BELL, 1);
    virq_raise(&vms[0], BELL);
    CHECK(line(0));
    CHECK(line(1));
    CHECK_EQ(claim(1), BELL);
    CHECK(!line(0));
    CHECK(!line(1));
    CHECK_EQ(claim(0), 0);
    virq_raise(&vms[0], BELL);
    complete(0, BELL); /* any context that has it enabled may complete it */
    CHECK(line(0));
    CHECK(line(1));
    enable(1, BELL, false); /* the one that is told of new ones */
    CHECK(line(0));
    CHECK(!line(1));
    CHECK_EQ(claim(0), BELL);
    complete(0, BELL);
    virq_raise(&vms[0], BELL);
    CHECK(line(0));
    CHECK(!line(1));
}

TEST(vplic_disabled_while_pending)
{
    boot();
    set_priority(BELL, 1);
    virq_raise(&vms[0], BELL);
    CHECK(!line(0));
    enable(0, BELL, true);
    CHECK(line(0));
    enable(0, BELL, false);
    CHECK(!line(0));
    CHECK_EQ(claim(0), 0);
    enable(1, BELL, true);
    CHECK(line(1));
}

TEST(vplic_wrong_completions)
{
    boot();
    set_priority(BELL, 1);
    enable(0, BELL, true);
    virq_raise(&vms[0], BELL);
    CHECK_EQ(claim(0), BELL);
    virq_raise(&vms[0], BELL);
    complete(1, BELL); /* not enabled there (chapter 9) */
    CHECK(!line(0));
    complete(0, 0);
    complete(0, RTC);
    complete(0, SOURCES);
    complete(0, 64);
    complete(0, 0xffffffff);
    CHECK(!line(0));
    enable(0, BELL, false);
    complete(0, BELL);
    enable(0, BELL, true);
    CHECK(!line(0));
    complete(0, BELL);
    CHECK(line(0));
    CHECK_EQ(fake_completed_count, 0);
}

TEST(vplic_physical)
{
    boot();
    set_priority(RTC, 1);
    enable(0, RTC, true);
    fake_run_as(vcpu[0]);
    fake_interrupt(vcpu[0], 11);
    trap_interrupt(vcpu[0], 1ul << 63 | IRQ_S_EXT);
    CHECK_EQ(vcpu[0]->exits[EXIT_DEVICE], 1);
    CHECK(line(0));
    CHECK_EQ(fake_completed_count, 0);
    CHECK_EQ(claim(0), RTC);
    CHECK_EQ(fake_completed_count, 0);
    complete(0, RTC);
    CHECK_EQ(fake_completed_count, 1);
    CHECK_EQ(fake_completed[0], vcpu[0]->index << 16 | 11);
    CHECK(!line(0));
    complete(0, RTC); /* once */
    CHECK_EQ(fake_completed_count, 1);
}

TEST(vplic_vcpu_reset)
{
    boot();
    set_priority(RTC, 1);
    set_priority(BELL, 1);
    for (unsigned context = 0; context < 2; context++) {
        enable(context, RTC, true);
        enable(context, BELL, true);
        set_threshold(context, 0);
    }
    virq_raise(&vms[0], BELL);
    CHECK(line(1));
    set_threshold(1, 5);
    fake_run_as(vcpu[1]);
    virq_reset_vcpu(vcpu[1]);
    CHECK(!line(1));
    CHECK_EQ(get_as(1, 0x2080), 0);
    CHECK_EQ(get_as(1, 0x201000), 0);
    CHECK(!fake_enabled[vcpu[1]->index][11]);
    CHECK(line(0));
    CHECK(fake_enabled[vcpu[0]->index][11]);
}

/* A restart: nothing is left of what the VM did, and what it had claimed is completed. */
TEST(vplic_reset)
{
    boot();
    for (uint32_t source = 1; source < SOURCES; source++)
        set_priority(source, 1);
    put_as(0, 0x2000, 0xffffffff);
    put_as(0, 0x2004, 0xffffffff);
    put_as(0, 0x2080, 0xffffffff);
    raise_line(UART);
    virq_raise(&vms[0], BELL);
    virq_physical(vcpu[0], RTC);
    CHECK_EQ(claim(0), RTC);
    fake_run_as(vcpu[0]);
    virq_physical(vcpu[0], NIC);
    fake_run_as(vcpu[1]);
    virq_reset_vcpu(vcpu[1]);
    put_as(0, 0x2080, 0xffffffff); /* in a context that is off already */
    set_threshold(0, 3);
    fake_run_as(vcpu[0]);
    virq_reset_vcpu(vcpu[0]);
    virq_reset(vcpu[0]);
    CHECK_EQ(fake_completed_count, 2);
    CHECK_EQ(fake_completed[0] & 0xffff, 11);
    CHECK_EQ(fake_completed[1] & 0xffff, 34);
    CHECK(!line(0));
    CHECK(!line(1));
    for (uint32_t offset = 4; offset < SOURCES * 4; offset += 4)
        CHECK_EQ(get_as(0, offset), 0);
    CHECK_EQ(get_as(0, 0x1000) | get_as(0, 0x1004), 0);
    CHECK_EQ(get_as(0, 0x2000) | get_as(0, 0x2004), 0);
    CHECK_EQ(get_as(0, 0x2080) | get_as(0, 0x2084), 0);
    CHECK_EQ(get_as(0, 0x200000) | get_as(0, 0x201000), 0);
    for (unsigned cpu = 0; cpu < PLAN_CPUS; cpu++) {
        for (uint32_t source = 0; source < PLAN_IRQS; source++)
            CHECK(!fake_enabled[cpu][source]);
    }
    raise_line(UART);
    set_priority(UART, 1);
    enable(0, UART, true);
    CHECK(line(0));
}

/* --- A naive model, and both driven at random ------------------------------------------------------------------------ */

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
