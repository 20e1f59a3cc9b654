# SPDX-License-Identifier: Apache-2.0
"""AArch64 translation tables, decoded by a walker that knows the Architecture Reference Manual and nothing of the
encoder."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configtool.emit import tables_aarch64
from configtool.emit.files import table_blob, tables_bin
from configtool.plan.arch import FORMATS
from configtool.plan.model import Mapping
from configtool.plan.own import hypervisor_maps
from configtool.plan.tables import build
from sample_plan import sample

PAGE = 4096
# Format: level of the root, bits of the index there.
SHAPES = {"el2-39bit": (1, 9), "el2-48bit": (0, 9), "stage2-39bit": (1, 9), "stage2-40bit": (1, 10)}
ACCESSES = ("r", "rw", "rx", "rwx")


def walk(blob: bytes, base: int, root: int, format: str) -> dict[int, tuple[int, int]]:
    """Every page that the tree at `root` translates: address -> (physical address, attribute bits 2 to 11 and 51 to
    63)."""
    start, root_bits = SHAPES[format]
    pages: dict[int, tuple[int, int]] = {}

    def node(where: int, level: int, prefix: int) -> None:
        span = 1 << 12 + 9 * (3 - level)
        for index in range(1 << (root_bits if level == start else 9)):
            at = where - base + index * 8
            entry = int.from_bytes(blob[at:at + 8], "little")
            if not entry & 1:
                assert entry == 0, "an invalid entry holds bits"
                continue
            address, output = prefix + index * span, entry & (1 << 48) - PAGE
            if level < 3 and entry & 2:
                assert entry == output | 3, "a table entry has attributes"
                node(output, level + 1, address)
                continue
            assert level == 3 and entry & 2 or level in (1, 2), "a block at level 0, or no page at level 3"
            assert output % span == 0, "an output address is not aligned to what it maps"
            for offset in range(0, span, PAGE):
                pages[address + offset] = (output + offset, entry & ~((1 << 48) - PAGE | 3))

    node(root, start, 0)
    return pages


def stage1(access: str, device: bool) -> int:
    """Attributes in the tables of EL2 (DDI 0487, D8.3.1): AttrIndx, AP[1] RES1, AP[2] read-only, SH, AF, XN."""
    bits = 1 << 10 | 1 << 6 | (0 if device else 1 << 2 | 3 << 8)
    return bits | (0 if "w" in access else 1 << 7) | (0 if "x" in access else 1 << 54)


def stage2(access: str, device: bool) -> int:
    """Attributes of stage 2: MemAttr, S2AP, SH, AF, XN[1:0]."""
    bits = 1 << 10 | (0b0001 << 2 if device else 0b1111 << 2 | 3 << 8)
    return bits | 1 << 6 | (1 << 7 if "w" in access else 0) | (0 if "x" in access else 0b10 << 53)


def wanted(maps: list[Mapping] | tuple[Mapping, ...], guest: bool) -> dict[int, tuple[int, int]]:
    attributes = stage2 if guest else stage1
    return {m.ipa + at: (m.phys + at, attributes(m.access, m.kind == "device"))
            for m in maps for at in range(0, m.size, PAGE)}


@pytest.mark.parametrize("own_format, guest_format", [("el2-39bit", "stage2-39bit"), ("el2-48bit", "stage2-40bit")])
def test_tables_hold_exactly_the_plan(own_format: str, guest_format: str) -> None:
    plan = sample("aarch64", own_format, guest_format)
    blob = tables_bin(plan, table_blob(plan))
    base = plan.hypervisor.tables.base
    own = hypervisor_maps(plan.hypervisor, plan.cpus)
    assert walk(blob, base, plan.hypervisor.root, own_format) == wanted(own, guest=False)
    for vm in plan.vms:
        assert walk(blob, base, vm.table, guest_format) == wanted(vm.maps, guest=True)


def test_leaves_are_blocks_where_addresses_agree() -> None:
    maps = [Mapping(0x4000_0000, 0x8000_0000, 1 << 30, "rwx", "ram", "ram"),
            Mapping(0x8020_0000, 0x4820_0000, 2 << 20, "rw", "ram", "ram2")]
    tree = build(maps, FORMATS["stage2-39bit"], 0x4000_0000)
    blob = tables_aarch64.encode(tree)
    assert len(blob) == 2 * 4096                            # the root and one node, no table of pages
    assert int.from_bytes(blob[8:16], "little") == 0x8000_0000 | 0x7fd
    assert int.from_bytes(blob[4096 + 8:4096 + 16], "little") == 0x4820_0000 | 2 << 53 | 0x7fd


def test_root_of_40_bits_is_two_tables_in_one_piece() -> None:
    maps = [Mapping((1 << 39) + 0x4000_0000, 0x4000_0000, 1 << 30, "rwx", "ram", "ram")]
    tree = build(maps, FORMATS["stage2-40bit"], 0x4000_2000)
    blob = tables_aarch64.encode(tree)
    assert len(blob) == 2 * 4096 and not any(blob[:4096 + 8])
    with pytest.raises(AssertionError, match="not aligned to 0x2000"):
        build(maps, FORMATS["stage2-40bit"], 0x4000_1000)


def test_registers() -> None:
    """TCR_EL2: bits 31 and 23 RES1, PS 40 bits, TG0 4 KiB, SH0 inner, ORGN0 and IRGN0 write-back, T0SZ. VTCR_EL2: bit 31
    RES1, the same, and SL0 = 1 for level 1."""
    assert tables_aarch64.registers("el2-39bit", 0x4021_0000, "stage2-39bit") == {
        "PLAN_STAGE1": 0x4021_0000, "PLAN_TCR": 0x8082_3519, "PLAN_VTCR": 0x8002_3559}
    assert tables_aarch64.registers("el2-48bit", 0x4021_0000, "stage2-40bit") == {
        "PLAN_STAGE1": 0x4021_0000, "PLAN_TCR": 0x8082_3510, "PLAN_VTCR": 0x8002_3558}


def test_vttbr_holds_the_vmid_and_wants_the_root_aligned() -> None:
    assert tables_aarch64.vttbr("stage2-39bit", 0x4021_3000, 3) == 3 << 48 | 0x4021_3000
    with pytest.raises(AssertionError, match="no root of stage 2"):
        tables_aarch64.vttbr("stage2-40bit", 0x4021_3000, 3)


PIECES = st.tuples(st.integers(1, 700), st.integers(1, 1300), st.integers(0, 1 << 20), st.sampled_from(ACCESSES),
                   st.sampled_from(["ram", "device"]))


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(PIECES, max_size=6), st.sampled_from(sorted(SHAPES)))
def test_any_mappings(pieces: list[tuple[int, int, int, str, str]], format: str) -> None:
    """Mappings of any page-aligned place and size: the walker finds each page once, with its attributes, and no
    other."""
    maps, here = [], 0
    for gap, pages, frame, access, kind in pieces:
        here += gap * PAGE
        if frame & 1:                                       # every other one agrees with its address modulo 2 MiB
            frame = frame // 512 * 512 + here // PAGE % 512
        maps.append(Mapping(here, frame * PAGE, pages * PAGE, access, kind, "thing"))
        here += pages * PAGE
    tree = build(maps, FORMATS[format], 0x8000_0000)
    assert walk(tables_aarch64.encode(tree), tree.root, tree.root, format) == wanted(maps, format.startswith("stage2"))
