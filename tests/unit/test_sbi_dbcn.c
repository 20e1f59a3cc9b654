// SPDX-License-Identifier: Apache-2.0
/* The debug console. */
#include "sbi_test.h"

TEST(sbi_dbcn_write)
{
    boot();
    fill_memory();
    CALL(SBI_DBCN, 0, 6, 0x80000000, 0, SBI_SUCCESS, 6);
    CHECK_TEXT(fake_screen(), "[alpha] hello\r\n");
    CALL(SBI_DBCN, 0, 0, 0x80000000, 0, SBI_SUCCESS, 0);
    CALL(SBI_DBCN, 0, 15, 0x50000000, 0, SBI_SUCCESS, 15);
    CHECK_TEXT(fake_screen(), "[alpha] read only data\r\n");
}

/* The call is long, but takes 256 bytes at a time. */
TEST(sbi_dbcn_write_length)
{
    boot();
    fill_memory();
    CALL(SBI_DBCN, 0, 257, 0x80000010, 0, SBI_SUCCESS, 256);
    CALL(SBI_DBCN, 0, 256, 0x80000010, 0, SBI_SUCCESS, 256);
    CALL(SBI_DBCN, 0, 1ul << 32, 0x80000010, 0, SBI_SUCCESS, 256);
    CALL(SBI_DBCN, 0, (ureg_t)-1, 0x80000010, 0, SBI_SUCCESS, 256);
    CALL(SBI_DBCN, 0, 20, 0x80000000 + 590, 0, SBI_SUCCESS, 10); /* the memory's end */
}

TEST(sbi_dbcn_write_not_its_memory)
{
    struct fake_csrs before;

    boot();
    fill_memory();
    csrs->sepc = 0x80000040;
    csrs->sstatus = 0x100;
    csrs->hstatus = HSTATUS_SPV;
    csrs->vsatp = 0x8000000000012345;
    before = *csrs;
    CALL(SBI_DBCN, 0, 1, 0x7fffffff, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 1, 0x80000258, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 1, 0, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 1, 0x10000000, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 100, (ureg_t)-1, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, (ureg_t)-1, (ureg_t)-1, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 6, 0x80000000, 1, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 0, 6, 0x80000000, (ureg_t)-1, SBI_INVALID_PARAM, 0);
    CHECK_TEXT(fake_screen(), "");
    /* The registers of the call under way are as they were, but for its pc. */
    CHECK_EQ(csrs->sepc, before.sepc + 8 * 4);
    CHECK_EQ(csrs->sstatus, before.sstatus);
    CHECK_EQ(csrs->hstatus, before.hstatus);
    CHECK_EQ(csrs->vsatp, before.vsatp);
    CHECK_EQ(self->arch.fixup, 0);
}

TEST(sbi_dbcn_read)
{
    boot();
    fill_memory();
    CALL(SBI_DBCN, 1, 10, 0x80000100, 0, SBI_SUCCESS, 0);
    CHECK_EQ(fake_memory[0].bytes[0x100], 'm'); /* nothing typed, nothing changed */
    fake_type("abc");
    CALL(SBI_DBCN, 1, 2, 0x80000100, 0, SBI_SUCCESS, 2);
    CHECK_EQ(memcmp(&fake_memory[0].bytes[0x100], "abmm", 4), 0);
    CALL(SBI_DBCN, 1, 10, 0x80000110, 0, SBI_SUCCESS, 1);
    CHECK_EQ(fake_memory[0].bytes[0x110], 'c');
    CALL(SBI_DBCN, 1, 0, 0x80000100, 0, SBI_SUCCESS, 0);
}

TEST(sbi_dbcn_read_loses_nothing)
{
    boot();
    fill_memory();
    fake_type("abc");
    CALL(SBI_DBCN, 1, 3, 0x50000000, 0, SBI_INVALID_PARAM, 0); /* read-only */
    CALL(SBI_DBCN, 1, 3, 0x40000000, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 1, 3, 0x80000000, 1, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 1, 3, (ureg_t)-1, 0, SBI_INVALID_PARAM, 0);
    CALL(SBI_DBCN, 1, 3, 0x80000257, 0, SBI_SUCCESS, 1); /* the memory's last byte */
    CHECK_EQ(fake_memory[0].bytes[0x257], 'a');
    CALL(SBI_DBCN, 1, (ureg_t)-1, 0x80000000, 0, SBI_SUCCESS, 2);
    CHECK_EQ(memcmp(fake_memory[0].bytes, "bc", 2), 0);
    CHECK_EQ(memcmp(fake_memory[1].bytes, "read only data\n\n", 16), 0);
}

TEST(sbi_dbcn_write_byte)
{
    boot();
    CALL(SBI_DBCN, 2, 'x', 0, 0, SBI_SUCCESS, 0);
    CALL(SBI_DBCN, 2, 0xffffff00 | 'y', 0, 0, SBI_SUCCESS, 0);
    CALL(SBI_DBCN, 2, '\n', 0, 0, SBI_SUCCESS, 0);
    CHECK_TEXT(fake_screen(), "[alpha] xy\r\n");
}

TEST(sbi_dbcn_without_uart)
{
    fake_config()->vms[0].uart_irq = 0;
    boot();
    fill_memory();
    CALL(SBI_BASE, 3, SBI_DBCN, 0, 0, SBI_SUCCESS, 0);
    CALL(SBI_DBCN, 0, 6, 0x80000000, 0, SBI_NOT_SUPPORTED, 0);
    CALL(SBI_DBCN, 1, 6, 0x80000000, 0, SBI_NOT_SUPPORTED, 0);
    CALL(SBI_DBCN, 2, 'x', 0, 0, SBI_NOT_SUPPORTED, 0);
    CHECK_TEXT(fake_screen(), "");
}
