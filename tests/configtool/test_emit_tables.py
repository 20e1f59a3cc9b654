# SPDX-License-Identifier: Apache-2.0
"""The translation tables, decoded by a walker that knows the Privileged specification and nothing of the encoder."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configtool.emit import tables_riscv
from configtool.emit.files import table_blob, tables_bin
from configtool.plan.arch import FORMATS
from configtool.plan.model import Mapping, Range
from configtool.plan.own import hypervisor_maps
from configtool.plan.tables import build
from sample_plan import sample

PAGE = 4096
# Format: entry bytes, index bits of each level from the lowest on (the root of an x4 format has two more).
SHAPES = {"sv32": (4, (10, 10)), "sv32x4": (4, (10, 12)), "sv39": (8, (9, 9, 9)), "sv39x4": (8, (9, 9, 11)),
          "sv48": (8, (9, 9, 9, 9)), "sv48x4": (8, (9, 9, 9, 11))}
RIGHTS = {"r": 0b001, "rw": 0b011, "rx": 0b101, "rwx": 0b111}


def walk(blob: bytes, base: int, root: int, shape: str) -> dict[int, tuple[int, int]]:
    """Every page that the tree at `root` translates: address -> (physical address, flag bits 0 to 9)."""
    width, index_bits = SHAPES[shape]
    pages: dict[int, tuple[int, int]] = {}

    def node(where: int, level: int, prefix: int) -> None:
        for index in range(1 << index_bits[level]):
            at = where - base + index * width
            entry = int.from_bytes(blob[at:at + width], "little")
            if not entry & 1:
                assert entry == 0, "an invalid entry holds bits"
                continue
            address = prefix + (index << 12 + sum(index_bits[:level]))
            physical = entry >> 10 << 12
            assert physical < 1 << 56, "reserved bits 54 to 63 are set"
            if not entry & 0b1110:
                assert entry & 0x3ff == 1, "a pointer has flags"
                assert level > 0
                node(physical, level - 1, address)
                continue
            span = 1 << 12 + sum(index_bits[:level])
            assert physical % span == 0, "misaligned superpage"
            for offset in range(0, span, PAGE):
                pages[address + offset] = (physical + offset, entry & 0x3ff)

    node(root, len(index_bits) - 1, 0)
    return pages


def wanted(maps: list[Mapping] | tuple[Mapping, ...], guest: bool) -> dict[int, tuple[int, int]]:
    """The same from the mappings: V, A and D always, U in the G stage."""
    always = 0b11000001 | (0b10000 if guest else 0)
    return {m.ipa + at: (m.phys + at, RIGHTS[m.access] << 1 | always) for m in maps for at in range(0, m.size, PAGE)}


@pytest.mark.parametrize("arch, stage1, stage2", [("riscv64", "sv39", "sv39x4"), ("riscv64", "sv48", "sv48x4"),
                                                  ("riscv32", "sv32", "sv32x4")])
def test_tables_hold_exactly_the_plan(arch: str, stage1: str, stage2: str) -> None:
    plan = sample(arch, stage1, stage2)
    blob = tables_bin(plan, table_blob(plan))
    base = plan.hypervisor.tables.base
    assert len(blob) == plan.hypervisor.tables.size
    own = hypervisor_maps(plan.hypervisor, plan.cpus)
    assert walk(blob, base, plan.hypervisor.root, stage1) == wanted(own, guest=False)
    for vm in plan.vms:
        assert walk(blob, base, vm.table, stage2) == wanted(vm.maps, guest=True)


def test_hypervisor_maps_no_guest_memory_no_tables_and_nothing_writable_and_executable() -> None:
    plan = sample()
    own = hypervisor_maps(plan.hypervisor, plan.cpus)
    assert [m.access for m in own if m.kind != "device"] == ["rx", "r", "rw", "rw", "rw", "rw"]
    forbidden = [plan.hypervisor.tables]
    forbidden += [Range(m.phys, m.size) for vm in plan.vms for m in vm.maps if m.kind in ("image", "ram", "channel")]
    for m in own:
        for other in forbidden:
            assert m.phys + m.size <= other.base or other.end <= m.phys
    guards = {cpu.stack.base - PAGE for cpu in plan.cpus}
    assert not guards & set(wanted(own, guest=False))


def test_leaves_are_superpages_where_addresses_agree() -> None:
    maps = [Mapping(0x8000_0000, 0xc000_0000, 1 << 30, "rwx", "ram", "ram"),
            Mapping(0xc020_0000, 0x8820_0000, 2 << 20, "rw", "ram", "ram2")]
    tree = build(maps, FORMATS["sv39x4"], 0x8000_0000)
    blob = tables_riscv.encode(tree)
    assert len(blob) == 16384 + 4096                       # the root and one node, no table of pages
    assert int.from_bytes(blob[2 * 8:3 * 8], "little") == 0xc000_0000 >> 2 | 0xdf
    assert int.from_bytes(blob[16384 + 8:16384 + 16], "little") == 0x8820_0000 >> 2 | 0xd7


@pytest.mark.parametrize("format, root, value", [
    ("sv39", 0x8020_c000, 8 << 60 | 0x8020c), ("sv48", 0x1000, 9 << 60 | 1), ("sv32", 0x8020_c000, 1 << 31 | 0x8020c)])
def test_satp(format: str, root: int, value: int) -> None:
    assert tables_riscv.satp(format, root) == value


@pytest.mark.parametrize("format, value", [
    ("sv39x4", 8 << 60 | 3 << 44 | 0x80210), ("sv48x4", 9 << 60 | 3 << 44 | 0x80210),
    ("sv32x4", 1 << 31 | 3 << 22 | 0x80210)])
def test_hgatp(format: str, value: int) -> None:
    assert tables_riscv.hgatp(format, 0x8021_0000, 3) == value


def test_hgatp_refuses_a_root_that_is_not_aligned() -> None:
    with pytest.raises(AssertionError, match="not aligned to 16 KiB"):
        tables_riscv.hgatp("sv39x4", 0x8021_1000, 1)


# Gap before it and size in pages, physical page, rights.
PIECES = st.tuples(st.integers(1, 700), st.integers(1, 1300), st.integers(0, 1 << 20), st.sampled_from(sorted(RIGHTS)))


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(PIECES, max_size=6), st.sampled_from(["sv39x4", "sv32x4", "sv39"]))
def test_any_mappings(pieces: list[tuple[int, int, int, str]], format: str) -> None:
    """Mappings of any page-aligned place and size: the walker finds each page once, with its rights, and no other."""
    maps, here = [], 0
    for gap, pages, frame, access in pieces:
        here += gap * PAGE
        if frame & 1:                                       # every other one agrees with its address modulo 4 MiB
            frame = frame // 1024 * 1024 + here // PAGE % 1024
        maps.append(Mapping(here, frame * PAGE, pages * PAGE, access, "ram", "ram"))
        here += pages * PAGE
    tree = build(maps, FORMATS[format], 0x8000_0000)
    assert walk(tables_riscv.encode(tree), tree.root, tree.root, format) == wanted(maps, format.endswith("x4"))
