// SPDX-License-Identifier: Apache-2.0
/* The virtual APLIC's registers, whichever way it delivers. */
#include "vaplic_test.h"

TEST(vaplic_modes)
{
    static const struct {
        uint32_t written, read;
    } cases[] = {{1, 1}, {4, 4}, {5, 5},     {6, 6},     {7, 7},         {2, 0},
                 {3, 0}, {0, 0}, {0x400, 0}, {0x406, 0}, {0xfffffbfe, 6}};

    boot();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_mode(RTC, cases[i].written);
        CHECK_EQ(get(APLIC_SOURCECFG + (RTC - 1) * 4), cases[i].read);
        CHECK_EQ(fake_aplic[11].mode, cases[i].read);
    }
}

/* Nothing of an inactive source can be set, and of one that becomes inactive nothing stays. */
TEST(vaplic_inactive)
{
    boot();
    put(APLIC_SETIENUM, RTC);
    set_target(RTC, 1, 7);
    put(APLIC_SETIPNUM, BELL);
    CHECK(!get_bit(APLIC_SETIE, RTC));
    CHECK_EQ(get(APLIC_TARGET + (RTC - 1) * 4), 0);
    CHECK(!get_bit(APLIC_SETIP, BELL));
    set_mode(RTC, MODE_HIGH);
    set_mode(BELL, MODE_RISING);
    put(APLIC_SETIENUM, RTC);
    set_target(RTC, 1, 7);
    put(APLIC_SETIPNUM, BELL);
    CHECK(get_bit(APLIC_SETIE, RTC) && get_bit(APLIC_SETIP, BELL));
    CHECK_EQ(get(APLIC_TARGET + (RTC - 1) * 4), 1 << 18 | 7);
    CHECK(fake_aplic[11].enabled);
    set_mode(RTC, MODE_INACTIVE);
    set_mode(BELL, MODE_INACTIVE);
    CHECK(!get_bit(APLIC_SETIE, RTC) && !get_bit(APLIC_SETIP, BELL));
    CHECK_EQ(get(APLIC_TARGET + (RTC - 1) * 4), 0);
    CHECK(!fake_aplic[11].enabled);
}

/* Sources that are not the VM's read 0 and ignore writes, and nothing reaches the physical APLIC. */
TEST(vaplic_not_its_own)
{
    boot();
    for (uint32_t source = SOURCES; source < 1024; source++) {
        set_mode(source, MODE_HIGH);
        CHECK_EQ(get(APLIC_SOURCECFG + (source - 1) * 4), 0);
        set_target(source, 0, 1);
        CHECK_EQ(get(APLIC_TARGET + (source - 1) * 4), 0);
        put(APLIC_SETIENUM, source);
        put(APLIC_SETIPNUM, source);
        put(APLIC_SETIPNUM_LE, source);
        put(APLIC_CLRIPNUM, source);
    }
    for (uint32_t word = SOURCES / 32; word < 32; word++) {
        put(APLIC_SETIE + word * 4, ~0u);
        put(APLIC_SETIP + word * 4, ~0u);
        CHECK_EQ(get(APLIC_SETIE + word * 4), 0);
        CHECK_EQ(get(APLIC_SETIP + word * 4), 0);
        CHECK_EQ(get(APLIC_CLRIP + word * 4), 0);
    }
    put(APLIC_SETIENUM, 0);
    put(APLIC_SETIPNUM_LE, UINT32_MAX);
    CHECK_EQ(get(APLIC_SETIE), 0);
    CHECK_EQ(fake_retriggered.count + fake_cleared.count, 0);
    for (uint32_t source = 1; source < 64; source++) {
        if (source != 10)
            CHECK(fake_aplic[source].mode == 0 && !fake_aplic[source].enabled);
    }
    CHECK_EQ(fake_aplic[10].mode, MODE_HIGH); /* the console's */
}

/* Of another VM's source 12 and of its own 20, which is 34 physically: numbers are the guest's own. */
TEST(vaplic_numbers_are_translated)
{
    boot();
    set_mode(12, MODE_HIGH);
    CHECK_EQ(get(APLIC_SOURCECFG + 11 * 4), MODE_HIGH); /* a virtual one, and nothing behind it */
    CHECK_EQ(fake_aplic[12].mode, 0);
    set_mode(NIC, MODE_RISING);
    CHECK_EQ(fake_aplic[NIC_PHYSICAL].mode, MODE_RISING);
    CHECK_EQ(fake_aplic[NIC].mode, 0);
    put(APLIC_SETIE, 1u << NIC);
    CHECK(fake_aplic[NIC_PHYSICAL].enabled);
    put(APLIC_CLRIE, 1u << NIC);
    CHECK(!fake_aplic[NIC_PHYSICAL].enabled);
}

TEST(vaplic_lines)
{
    boot();
    set_mode(RTC, MODE_HIGH);
    set_mode(LAST, MODE_LOW);
    set_mode(UART, MODE_HIGH);
    CHECK(!get_bit(APLIC_CLRIP, RTC) && get_bit(APLIC_CLRIP, LAST) && !get_bit(APLIC_CLRIP, UART));
    fake_line(11, true);
    fake_line(LAST_PHYSICAL, true);
    set_level(true);
    CHECK(get_bit(APLIC_CLRIP, RTC) && !get_bit(APLIC_CLRIP, LAST) && get_bit(APLIC_CLRIP, UART));
    CHECK(get_bit(APLIC_SETIP, RTC));
    CHECK(get_bit(APLIC_SETIP, UART));
}

TEST(vaplic_refused)
{
    boot();
    for (uint64_t offset = 0; offset < 0x8000; offset++) {
        for (uint32_t width = 1; width <= 8; width *= 2) {
            struct vdev_access access = {offset, width, false, 0};

            if (offset % 4 != 0 || width != 4)
                CHECK(!virq_access(vcpu[0], &access));
        }
    }
}

TEST(vaplic_restart)
{
    boot();
    for (uint32_t source = 1; source < SOURCES; source++) {
        set_mode(source, MODE_HIGH);
        set_target(source, 1, 3);
        put(APLIC_SETIENUM, source);
    }
    set_level(true);
    fake_line(11, true);
    fake_interrupts();
    put(APLIC_IDC + APLIC_IDC_STRIDE + IDC_THRESHOLD, 5);
    put(APLIC_IDC + APLIC_IDC_STRIDE + IDC_FORCE, 1);
    for (unsigned i = 0; i < 2; i++) {
        fake_run_as(vcpu[i]);
        virq_reset_vcpu(vcpu[i]);
    }
    put(APLIC_IDC + IDC_FORCE, 1); /* of one that is off already */
    virq_reset(vcpu[1]);
    fake_interrupts();
    for (uint32_t offset = 4; offset < APLIC_IDC + 2 * APLIC_IDC_STRIDE; offset += 4) {
        if (offset != APLIC_DOMAINCFG)
            CHECK_EQ(get(offset), 0);
    }
    CHECK(!(get(APLIC_DOMAINCFG) & DOMAINCFG_IE));
    for (uint32_t source = 1; source < 64; source++)
        CHECK(!fake_aplic[source].enabled && (fake_aplic[source].mode == 0 || source == 10));
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(fake_harts[vcpu[i]->index].hvip, 0);
}
