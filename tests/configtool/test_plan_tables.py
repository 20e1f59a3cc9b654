# SPDX-License-Identifier: Apache-2.0
"""Trees of translation tables, walked as hardware does: every mapped byte translates right, nothing else is mapped."""
from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from configtool.plan.arch import FORMATS, TableFormat
from configtool.plan.model import Mapping
from configtool.plan.tables import Node, Tree, blob, build

MIB, GIB = 1 << 20, 1 << 30
BASE = 0x8040_0000


def ram(ipa: int, phys: int, size: int, access: str = "rwx", kind: str = "ram") -> Mapping:
    return Mapping(ipa, phys, size, access, kind, "memory.ram")


def walk(tree: Tree, address: int) -> tuple[int, str] | None:
    """Physical address and access, by index arithmetic alone."""
    nodes = {n.phys: n for n in tree.nodes}
    at, level = tree.root, tree.format.levels - 1
    while True:
        node = nodes[at]
        count = tree.format.root_entries if level == tree.format.levels - 1 else tree.format.entries
        index = address // tree.format.leaves[level] % (1 << 62 if level == tree.format.levels - 1 else count)
        entry = next((e for e in node.slots() if e.index == index), None)
        if entry is None:
            return None
        if entry.kind == "leaf":
            return entry.phys + address % entry.size, entry.access
        at, level = entry.phys, level - 1


def shape(tree: Tree) -> list[tuple[int, int, int, int]]:
    """(level, first address, offset from the root, entries) of each node."""
    return [(n.level, n.base, n.phys - tree.root, len(list(n.slots()))) for n in tree.nodes]


def test_the_largest_leaves_that_fit() -> None:
    tree = build([ram(0x8000_0000, 0x8000_0000, 2 * GIB)], FORMATS["sv39x4"], BASE)
    assert shape(tree) == [(2, 0, 0, 2)]
    tree = build([ram(0x8000_0000, 0x8020_0000, 16 * MIB)], FORMATS["sv39x4"], BASE)
    assert shape(tree) == [(2, 0, 0, 1), (1, 0x8000_0000, 0x4000, 8)]
    tree = build([ram(0x8000_0000, 0x8000_1000, 2 * MIB)], FORMATS["sv39x4"], BASE)
    assert shape(tree) == [(2, 0, 0, 1), (1, 0x8000_0000, 0x4000, 1), (0, 0x8000_0000, 0x5000, 512)]


def test_breadth_first_by_address() -> None:
    tree = build([ram(0x1000, 0x9000_0000, 0x1000), ram(GIB + 0x1000, 0x9000_1000, 0x1000),
                  ram(2 * MIB, 0x9000_2000, 0x1000)], FORMATS["sv39x4"], BASE)
    assert shape(tree) == [(2, 0, 0, 2), (1, 0, 0x4000, 2), (1, GIB, 0x5000, 1), (0, 0, 0x6000, 1),
                           (0, 2 * MIB, 0x7000, 1), (0, GIB, 0x8000, 1)]
    assert tree.size == 0x9000 and tree.end == BASE + 0x9000


def test_neighbours_that_agree_share_a_leaf() -> None:
    parts = [ram(0x8000_0000, 0x9000_0000, 0x3000), ram(0x8000_3000, 0x9000_3000, 2 * MIB - 0x3000)]
    assert shape(build(parts, FORMATS["sv39x4"], BASE)) == [(2, 0, 0, 1), (1, 0x8000_0000, 0x4000, 1)]
    parts[1] = ram(0x8000_3000, 0x9000_3000, 2 * MIB - 0x3000, "rw")
    assert len(build(parts, FORMATS["sv39x4"], BASE).nodes) == 3


def test_four_gigabyte_root_of_sv32x4() -> None:
    tree = build([ram(0x8000_0000, 0x8040_0000, 4 * MIB), ram(0x3_0000_0000, 0x8080_0000, 0x1000)], FORMATS["sv32x4"],
                 BASE)
    assert shape(tree) == [(1, 0, 0, 2), (0, 0x3_0000_0000, 0x4000, 1)]


def test_roots_of_a_blob_are_aligned() -> None:
    maps = [ram(0x8000_0000, 0x9000_0000, 0x1000)]
    trees = blob(0x8021_5000, [(maps, FORMATS["sv39"]), (maps, FORMATS["sv39x4"]), ([], FORMATS["sv39x4"])])
    assert [t.root for t in trees.trees] == [0x8021_5000, 0x8021_8000, 0x8022_0000]
    assert trees.size == 0xf000


def test_what_cannot_be_a_tree() -> None:
    sv39x4 = FORMATS["sv39x4"]
    with pytest.raises(AssertionError, match="aligned"):
        build([], sv39x4, BASE + 0x1000)
    with pytest.raises(AssertionError, match="overlap"):
        build([ram(0, 0, 0x2000), ram(0x1000, 0, 0x1000)], sv39x4, BASE)
    with pytest.raises(AssertionError, match="reach"):
        build([ram(1 << 41, 0, 0x1000)], sv39x4, BASE)
    with pytest.raises(AssertionError, match="page aligned"):
        build([ram(0x800, 0, 0x1000)], sv39x4, BASE)


@st.composite
def address_spaces(draw: st.DrawFn) -> tuple[TableFormat, list[Mapping]]:
    format = FORMATS[draw(st.sampled_from(sorted(FORMATS)))]
    maps: list[Mapping] = []
    at = 0
    for _ in range(draw(st.integers(0, 6))):
        unit = draw(st.sampled_from(format.leaves[:3]))
        at += -at % unit + unit * draw(st.integers(0, 3)) + draw(st.sampled_from((0, 0x1000, 0x5000)))
        size = unit * draw(st.integers(1, 3)) + draw(st.sampled_from((0, 0x1000, 0x7000)))
        phys = at + draw(st.sampled_from((0, unit, 0x1000, 0x40_0000)))
        if at + size > format.reach:
            break
        maps.append(Mapping(at, phys, size, draw(st.sampled_from(("r", "rw", "rx", "rwx"))), "ram", "x"))
        at += size
    return format, maps


@settings(max_examples=60, deadline=None)
@given(address_spaces(), st.data())
def test_translates_exactly_what_is_mapped(space: tuple[TableFormat, list[Mapping]], data: st.DataObject) -> None:
    format, maps = space
    tree = build(maps, format, BASE)
    edges = [a for m in maps for a in (m.ipa - 1, m.ipa, m.end - 1, m.end)] + [0, format.reach - 1]
    inside = [data.draw(st.integers(m.ipa, m.end - 1)) for m in maps]
    anywhere = [data.draw(st.integers(0, format.reach - 1)) for _ in range(4)]
    for address in edges + inside + anywhere:
        if 0 <= address < format.reach:
            owner = next((m for m in maps if m.ipa <= address < m.end), None)
            assert walk(tree, address) == (None if owner is None else (owner.phys + address - owner.ipa, owner.access))
    leaf_bytes = sum(e.size for n in tree.nodes for e in n.slots() if e.kind == "leaf")
    assert leaf_bytes == sum(m.size for m in maps)


@settings(max_examples=40, deadline=None)
@given(address_spaces())
def test_lies_in_one_piece_in_order(space: tuple[TableFormat, list[Mapping]]) -> None:
    tree = build(space[1], space[0], BASE)
    here = tree.root
    for node in tree.nodes:
        assert node.phys == here
        here += node.size
    assert here == tree.end
    assert [n.level for n in tree.nodes] == sorted((n.level for n in tree.nodes), reverse=True)
    pointed: list[int] = [e.phys for n in tree.nodes for e in n.slots() if e.kind == "table"]
    assert sorted(pointed) == [n.phys for n in tree.nodes[1:]]
    assert all(isinstance(n, Node) and list(n.slots()) == sorted(n.slots(), key=lambda e: e.index) for n in tree.nodes)
