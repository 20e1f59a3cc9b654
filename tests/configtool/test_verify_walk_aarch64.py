# SPDX-License-Identifier: Apache-2.0
"""verify's parts for AArch64 by themselves: the walker, and the constants in the code."""
from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from configtool.verify import code_aarch64, walk_aarch64
from configtool.verify.elf import NotAnImage, parse
from configtool.verify.walk import Extent

MAIR = 0xff00                       # 0: device, 1: normal
TCR = 1 << 31 | 1 << 23 | 2 << 16 | 3 << 12 | 5 << 8
VTCR = 1 << 31 | 2 << 16 | 3 << 12 | 5 << 8 | 1 << 6
AF, INNER, TABLE = 1 << 10, 3 << 8, 3
NORMAL, DEVICE, READ, WRITE, NEVER = 0xf << 2, 1 << 2, 1 << 6, 1 << 7, 1 << 54


def reader(words: dict[int, int]) -> "walk_aarch64.Reader":
    def read(address: int, size: int) -> bytes | None:
        if not 0x4000_0000 <= address < 0x5000_0000:
            return None
        return b"".join(struct.pack("<Q", words.get(at, 0)) for at in range(address, address + size, 8))
    return read


def test_stage_2_of_39_bits() -> None:
    regime = walk_aarch64.stage2(VTCR | 64 - 39)
    root = walk_aarch64.root(regime, 3 << 48 | 0x4000_0000)
    found = walk_aarch64.walk(root, reader({
        0x4000_0008: 0x4000_1000 | TABLE,                                           # 1 GiB to 2 GiB
        0x4000_1000: 0x4800_0000 | AF | INNER | NORMAL | READ | WRITE | 1,          # a block of 2 MiB
        0x4000_1008: 0x4000_2000 | TABLE,
        0x4000_2000: 0x4820_0000 | AF | INNER | NORMAL | READ | WRITE | 3,
        0x4000_2008: 0x4820_1000 | AF | INNER | NORMAL | READ | NEVER | 3,
        0x4000_2010: 0x0900_0000 | AF | DEVICE | READ | WRITE | NEVER | 3,
        0x4000_0010: 0x8000_0000 | AF | INNER | NORMAL | READ | 1}))                # a block of 1 GiB
    assert (root.id, root.problem, found.flaws) == (3, "", [])
    assert found.extents == [
        Extent(0x4000_0000, 0x4800_0000, 0x20_1000, "rwx", "normal"),
        Extent(0x4020_1000, 0x4820_1000, 0x1000, "r", "normal"), Extent(0x4020_2000, 0x0900_0000, 0x1000, "rw",
                                                                        "device"),
        Extent(0x8000_0000, 0x8000_0000, 1 << 30, "rx", "normal")]
    assert found.tables == [(0x4000_0000, 0x1000), (0x4000_1000, 0x1000), (0x4000_2000, 0x1000)]


def test_concatenated_tables() -> None:
    root = walk_aarch64.root(walk_aarch64.stage2(VTCR | 64 - 40), 1 << 48 | 0x4000_2000)
    found = walk_aarch64.walk(root, reader({0x4000_3ff8: 0xc000_0000 | AF | INNER | NORMAL | READ | 1}))
    assert found.tables == [(0x4000_2000, 0x2000)]
    assert found.extents == [Extent((1 << 40) - (1 << 30), 0xc000_0000, 1 << 30, "rx", "normal")]
    assert walk_aarch64.root(walk_aarch64.stage2(VTCR | 64 - 40), 1 << 48 | 0x4000_1000).problem == \
        "its root at 0x40001000 is not aligned to the 0x2000 bytes of its first tables"


def test_el2_of_48_bits_starts_at_level_0() -> None:
    regime = walk_aarch64.stage1(TCR | 64 - 48, MAIR)
    found = walk_aarch64.walk(walk_aarch64.root(regime, 0x4000_0000), reader({
        0x4000_0000: 0x4000_1000 | TABLE,
        0x4000_1000: 0x4000_2000 | TABLE,
        0x4000_2000: 0x0 | AF | 1 << 6 | NEVER | 1,                                 # attribute 0
        0x4000_2008: 0x20_0000 | AF | INNER | 1 << 6 | 1 << 2 | 1 << 7 | 1}))       # attribute 1, read-only
    assert found.extents == [Extent(0, 0, 0x20_0000, "rw", "device"), Extent(0x20_0000, 0x20_0000, 0x20_0000, "rx",
                                                                             "normal")]


@pytest.mark.parametrize("entry, text", [
    (0x8000_0000 | INNER | NORMAL | READ | 1, "lacks AF: the hardware would fault, or write the table"),
    (0x8020_0000 | AF | INNER | NORMAL | READ | 1, "is a block that is not aligned to its size: 0x80200000"),
    (0x8000_0000 | AF | NORMAL | READ | 1,
     "is normal memory that is not inner shareable: other CPUs might not see what is written"),
    (0x8000_0000 | AF | INNER | NORMAL | READ | 1 << 53 | 1, "has an XN field that only some cores understand"),
    (0x8000_0000 | AF | INNER | NORMAL | READ | 1 << 52 | 1,
     "has reserved bits set, or hints that Bulkhead does not use"),
    (0x4000_1000 | 1 << 60 | TABLE, "is a pointer with restrictions or reserved bits set"),
    (0x7000_0000 | TABLE, "is a table that the image does not hold"),
])
def test_flaws(entry: int, text: str) -> None:
    found = walk_aarch64.walk(walk_aarch64.root(walk_aarch64.stage2(VTCR | 25), 1 << 48 | 0x4000_0000),
                              reader({0x4000_0008: entry}))
    assert [(flaw.ipa, flaw.text) for flaw in found.flaws] == [(1 << 30, text)] and found.extents == []


@pytest.mark.parametrize("vtcr, problem", [
    (VTCR | 1 << 14 | 25, "its granule is not 4 KiB"),
    (VTCR | 1 << 21 | 25, "the hardware updates access and dirty bits, which writes the tables"),
    (VTCR | 1 << 19 | 25, "VMIDs of 16 bits"),
    (VTCR | 3 << 6 | 25, "its SL0 is reserved"),
    (VTCR | 16, "addresses of 48 bits cannot start at level 1"),
    (VTCR | 50, "addresses of 14 bits"),
])
def test_registers(vtcr: int, problem: str) -> None:
    assert walk_aarch64.stage2(vtcr).problem == f"VTCR_EL2 {vtcr:#x}: {problem}"


CODE = """
    .globl _start
_start:
    mov x9, #0xff00
    msr mair_el2, x9
    ldr x9, =0x80823519
    msr tcr_el2, x9
    b 1f
1:  adr x1, _start
    mov x3, #0x80000000         // a mask
    movk x3, #0x2345
    mov x2, x3
    msr vtcr_el2, x2
    movz x0, #0x4010, lsl #16
    movk x0, #0x3000
    cbz x5, 2f
    msr ttbr0_el2, x0
2:  ldr x1, =0x18070000b
    msr hcr_el2, x1
    ldr x4, =0x30cd183d
    isb
    ldr x4, =0x30cd183d
    msr sctlr_el2, x4
    ret
    .type arch_guest_fill, %function
arch_guest_fill:
    msr ttbr0_el2, x7
    ret
    .size arch_guest_fill, . - arch_guest_fill
"""


def constants(tmp_path: Path, source: str) -> code_aarch64.Constants:
    (tmp_path / "a.S").write_text(source)
    subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x40200000", "-Wl,--build-id=none",
                    "-o",
                    "a.elf", "a.S"], cwd=tmp_path, check=True)
    return code_aarch64.constants(parse((tmp_path / "a.elf").read_bytes()))


def test_constants_in_the_code(tmp_path: Path) -> None:
    assert constants(tmp_path, CODE) == code_aarch64.Constants(0xff00, 0x80823519, 0x4010_3000, 0x8000_2345)


@pytest.mark.parametrize("old, new, text", [
    ("msr mair_el2, x9", "nop", "its code writes nothing to mair_el2"),
    ("    ret\n    .type", "    mov x9, #1\n    msr mair_el2, x9\n    ret\n    .type",
     "its code writes 0x1, 0xff00 to mair_el2"),
    ("movk x0, #0x3000", "ldr x0, [x1]", "the value that its code writes to ttbr0_el2 at .* cannot be told"),
    ("    cbz x5, 2f\n", "    cbz x5, 2f\n3:  cbz x6, 3b\n",
     "the value that its code writes to ttbr0_el2 at .* cannot be told"),
    ("=0x18070000b", "=0x180700002", "its hcr_el2 0x180700002 does not switch stage 2 on"),
    ("arch_guest_fill", "another", "the value that its code writes to ttbr0_el2 at .* cannot be told"),
])
def test_constants_that_cannot_be_told(tmp_path: Path, old: str, new: str, text: str) -> None:
    with pytest.raises(NotAnImage, match=text):
        constants(tmp_path, CODE.replace(old, new))
