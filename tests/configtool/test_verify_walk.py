# SPDX-License-Identifier: Apache-2.0
"""The parts of verify by themselves: walkers, the constant of satp, device trees."""
from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from configtool.verify import code_riscv, fdt, walk_riscv
from configtool.verify.elf import NotAnImage, parse
from configtool.verify.walk import Extent, common, joined, minus, union

MIB = 1 << 20
R, W, X, U, G, A, D = (1 << bit for bit in range(1, 8))
GUEST = 1 | U | A | D


class Memory:
    """Tables by address."""

    def __init__(self, width: int = 8) -> None:
        self.words: dict[int, int] = {}
        self.width = width

    def set(self, table: int, index: int, physical: int, flags: int) -> None:
        self.words[table + index * self.width] = physical >> 12 << 10 | flags

    def read(self, address: int, size: int) -> bytes | None:
        if not 0x8000_0000 <= address < 0x9000_0000:
            return None
        form = "<Q" if self.width == 8 else "<I"
        return b"".join(struct.pack(form, self.words.get(at, 0)) for at in range(address, address + size, self.width))


def test_sv39x4_with_every_page_size() -> None:
    memory = Memory()
    memory.set(0x8000_0000, 2047, 0x40_0000_0000, GUEST | R | W)                # the last 1 GiB of 2 TiB
    memory.set(0x8000_0000, 2, 0x8000_4000, 1)
    memory.set(0x8000_4000, 0, 0x8000_5000, 1)
    memory.set(0x8000_4000, 1, 0x8820_0000, GUEST | R | W | X)
    for i in range(512):
        memory.set(0x8000_5000, i, 0x8800_0000 + i * 4096, GUEST | R | W | X)
    root = walk_riscv.root(8 << 60 | 5 << 44 | 0x80000, 64, guest=True)
    found = walk_riscv.walk(root, memory.read)
    assert (root.id, root.problem, found.format) == (5, "", "sv39x4")
    assert found.extents == [Extent(0x8000_0000, 0x8800_0000, 4 * MIB, "rwx"),
                             Extent(0x1ff_c000_0000, 0x40_0000_0000, 1 << 30, "rw")]
    assert found.tables == [(0x8000_0000, 0x4000), (0x8000_4000, 0x1000), (0x8000_5000, 0x1000)]
    assert found.leaves == {1 << 30: 1, 2 * MIB: 1, 4096: 512} and found.flaws == []


def test_sv48x4_has_four_levels() -> None:
    memory = Memory()
    for level, (table, index) in enumerate(((0x8000_0000, 2047), (0x8000_4000, 511), (0x8000_5000, 511))):
        memory.set(table, index, (0x8000_4000, 0x8000_5000, 0x8000_6000)[level], 1)
    memory.set(0x8000_6000, 511, 0x8123_4000, GUEST | R)
    found = walk_riscv.walk(walk_riscv.root(9 << 60 | 1 << 44 | 0x80000, 64, guest=True), memory.read)
    assert found.extents == [Extent((1 << 50) - 4096, 0x8123_4000, 4096, "r")]


def test_sv32x4_has_34_bits_of_address() -> None:
    memory = Memory(4)
    memory.set(0x8000_0000, 4095, 0x3_ffc0_0000, GUEST | R | X)                 # 4 MiB at the top of 16 GiB
    memory.set(0x8000_0000, 512, 0x8000_4000, 1)
    memory.set(0x8000_4000, 1023, 0x8100_0000, GUEST | R | W)
    found = walk_riscv.walk(walk_riscv.root(1 << 31 | 3 << 22 | 0x80000, 32, guest=True), memory.read)
    assert found.extents == [Extent(0x803f_f000, 0x8100_0000, 4096, "rw"),
                             Extent(0x3_ffc0_0000, 0x3_ffc0_0000, 4 * MIB, "rx")]
    assert found.flaws == []


def test_the_upper_half_of_a_stage_1_address_space() -> None:
    memory = Memory()
    memory.set(0x8000_0000, 256, 0x40_0000_0000, 1 | R | A)
    found = walk_riscv.walk(walk_riscv.root(8 << 60 | 0x80000, 64, guest=False), memory.read)
    assert found.extents == [Extent(0xffff_ffc0_0000_0000, 0x40_0000_0000, 1 << 30, "r")]


@pytest.mark.parametrize("entry, text", [
    (0xc000_0000 >> 2 | GUEST | W, "is writable but not readable, which is reserved"),
    (0x8820_1000 >> 2 | GUEST | R, "is a superpage that is not aligned to its size: 0x88201000"),
    (0xc000_0000 >> 2 | 1 | A | R, "lacks U: all accesses of a guest count as user-mode ones in the G stage"),
    (0xc000_0000 >> 2 | GUEST | G | R, "has G set, which is reserved in the G stage"),
    (0xc000_0000 >> 2 | 1 | U | R, "lacks A or D: the hardware would fault, or write the table"),
    (0xc000_0000 >> 2 | 1 | U | A | R | W, "lacks A or D: the hardware would fault, or write the table"),
    (1 << 63 | 0xc000_0000 >> 2 | GUEST | R, "has reserved bits set"),
    (0x8000_4000 >> 2 | 1 | A, "is a pointer with flags or reserved bits set"),
    (0x7000_4000 >> 2 | 1, "is a table that the image does not hold"),
])
def test_flaws(entry: int, text: str) -> None:
    memory = Memory()
    memory.words[0x8000_0008] = entry
    found = walk_riscv.walk(walk_riscv.root(8 << 60 | 1 << 44 | 0x80000, 64, guest=True), memory.read)
    assert [(flaw.ipa, flaw.text) for flaw in found.flaws] == [(1 << 30, text)]
    assert found.extents == []


def test_a_pointer_at_the_last_level() -> None:
    memory = Memory()
    memory.set(0x8000_0000, 0, 0x8000_4000, 1)
    memory.set(0x8000_4000, 0, 0x8000_5000, 1)
    memory.set(0x8000_5000, 7, 0x8000_6000, 1)
    found = walk_riscv.walk(walk_riscv.root(8 << 60 | 1 << 44 | 0x80000, 64, guest=True), memory.read)
    assert [(f.where, f.ipa, f.text) for f in found.flaws] == [
        (0x8000_5038, 0x7000, "is a pointer to a further table at the last level")]


@pytest.mark.parametrize("value, bits, guest, problem", [
    (0x80000, 64, True, "its MODE is Bare: addresses are not translated at all"),
    (7 << 60 | 0x80000, 64, True, "its MODE 7 is reserved"),
    (8 << 60 | 1 << 58 | 0x80000, 64, True, "reserved bits above its VMID are set"),
    (8 << 60 | 0x80001, 64, True, "its root at 0x80001000 is not aligned to 16 KiB"),
    (8 << 60 | 0x80001, 64, False, ""),
    (1 << 31 | 1 << 29 | 0x80000, 32, True, "reserved bits above its VMID are set"),
    (1 << 40, 32, True, "it has more than 32 bits"),
])
def test_registers(value: int, bits: int, guest: bool, problem: str) -> None:
    assert walk_riscv.root(value, bits, guest).problem == problem


def linked(tmp_path: Path, source: str, bits: int) -> bytes:
    (tmp_path / "a.S").write_text(source)
    march, mabi = ("rv64imac_zicsr", "lp64") if bits == 64 else ("rv32imac_zicsr", "ilp32")
    subprocess.run(["riscv64-unknown-elf-gcc", f"-march={march}", f"-mabi={mabi}", "-nostdlib", "-Wl,-Ttext=0x80200000",
                    "-Wl,--no-relax", "-o", "a.elf", "a.S"], cwd=tmp_path, check=True)
    return (tmp_path / "a.elf").read_bytes()


def test_satp_from_the_code(tmp_path: Path) -> None:
    before = "csrw sie, zero; lla t0, hart_start; csrw stvec, t0; csrw sscratch, a1; ld sp, 264(a1); sw a0, 8(sp)"
    for bits, constants in ((64, (0x8000000000080219, 0x8000000000000001, 0x90000000_0fedcba9, 0x8000000000080800,
                                  8 << 60)),
                            (32, (0x80080219, 0x80000001, 0xfffff800))):
        for constant in constants:
            first = before if bits == 64 else before.replace("ld sp, 264", "lw sp, 132")
            data = linked(tmp_path, ".globl _start, hart_start\n_start: nop\nhart_start: " + first +
                          f"; li t0, {constant:#x}; csrw satp, t0; sfence.vma; j _start\n", bits)
            assert code_riscv.satp(parse(data)) == constant


@pytest.mark.parametrize("code", [
    "hart_start: mv t0, a1; csrw satp, t0",                             # no constant
    "hart_start: li t0, 1; beqz a0, hart_start; csrw satp, t0",         # not straight
    "hart_start: li t0, 1; csrs satp, t0",                              # not all of it
    "hart_start: li t0, 1; csrw satp, t0; other: csrw satp, a0",        # another place
    "hart_start: li t0, 1; ret",
])
def test_satp_that_cannot_be_told(tmp_path: Path, code: str) -> None:
    data = linked(tmp_path, f".globl _start, hart_start\n_start: {code}\n ret\n", 64)
    with pytest.raises(NotAnImage, match="the constant that 'hart_start' writes to satp cannot be told"):
        code_riscv.satp(parse(data))


def test_reading_satp_is_no_write(tmp_path: Path) -> None:
    data = linked(tmp_path, ".globl _start, hart_start\n_start:\nhart_start: li t0, 77; csrw satp, t0; csrr a0, satp\n",
                  64)
    assert code_riscv.satp(parse(data)) == 77


def tree(tmp_path: Path, source: str) -> bytes:
    made = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb"], input=source.encode(), capture_output=True,
                          check=True)
    return made.stdout


def test_a_device_tree(tmp_path: Path) -> None:
    root = fdt.parse(tree(tmp_path, """/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;
        soc { #address-cells = <1>; #size-cells = <1>; ranges; uart@10 { reg = <0x10 4 0x20 8>; names = "a", "b"; }; };
        memory@80000000 { device_type = "memory"; reg = <0 0x80000000 1 0>; }; };"""))
    assert [n.path for n in root.walk()] == ["/", "/soc", "/soc/uart@10", "/memory@80000000"]
    uart, memory = root.children[0].children[0], root.children[1]
    assert uart.reg() == [(0x10, 4), (0x20, 8)] and uart.strings("names") == ["a", "b"]
    assert memory.reg() == [(0x8000_0000, 1 << 32)]


def test_damaged_device_trees_are_told(tmp_path: Path) -> None:
    good = tree(tmp_path, '/dts-v1/; / { a { b { c = "d"; }; }; };')
    for at in range(0, len(good)):
        for bit in (0, 7):
            data = bytearray(good)
            data[at] ^= 1 << bit
            try:
                list(fdt.parse(bytes(data)).walk())
            except fdt.BadTree:
                pass
    with pytest.raises(fdt.BadTree, match="there is no device tree blob"):
        fdt.parse(b"\0" * 100)
    with pytest.raises(fdt.BadTree, match="ends too early"):
        fdt.parse(good[:-1])


def test_ranges() -> None:
    assert union([(5, 7), (1, 3), (3, 4), (6, 9), (2, 2)]) == [(1, 4), (5, 9)]
    assert minus([(0, 10), (20, 30)], [(2, 3), (9, 21), (29, 40)]) == [(0, 2), (3, 9), (21, 29)]
    assert common([(0, 10), (20, 30)], [(5, 25)]) == [(5, 10), (20, 25)]
    assert joined([(0, 8, 1, "r", ""), (1, 9, 1, "r", ""), (2, 10, 1, "rw", ""), (3, 12, 1, "rw", "")]) == [
        Extent(0, 8, 2, "r"), Extent(2, 10, 1, "rw"), Extent(3, 12, 1, "rw")]
