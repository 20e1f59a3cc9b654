# SPDX-License-Identifier: Apache-2.0
"""The shape of a tree of translation tables: which nodes there are, where, and what their entries point at.

This is the one place that decides it; the plan takes the count and the addresses, the emitter encodes the entries. A
tree lies in memory breadth first: the root, then the nodes of each level below by ascending address. An entry is a leaf
where one extent covers all of it and virtual and physical address agree modulo its size; the largest leaves are taken.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Protocol, Sequence

from .arch import TableFormat


class Extent(Protocol):
    """What build() reads of a Mapping."""
    @property
    def ipa(self) -> int: ...
    @property
    def phys(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def access(self) -> str: ...
    @property
    def kind(self) -> str: ...


@dataclass(frozen=True)
class Entry:
    """A run of `count` consecutive entries. Leaf: each maps `size` bytes from `phys` on; table: count is 1."""
    index: int
    kind: str                       # 'leaf' or 'table'
    phys: int                       # of the first leaf, or of the node pointed at
    size: int                       # bytes that one entry translates
    access: str = ""                # leaf: 'r', 'rw', 'rx', 'rwx'
    memory: str = ""                # leaf: 'normal' or 'device'
    count: int = 1


@dataclass(frozen=True)
class Node:
    level: int                      # 0: its entries map pages
    base: int                       # first address that it translates
    phys: int                       # where it lies
    size: int                       # bytes of it
    entries: tuple[Entry, ...]      # by ascending index; those not named are invalid

    def slots(self) -> Iterator[Entry]:
        """Its entries one by one, runs taken apart."""
        for e in self.entries:
            for i in range(e.count):
                yield Entry(e.index + i, e.kind, e.phys + i * e.size, e.size, e.access, e.memory)


@dataclass(frozen=True)
class Tree:
    format: TableFormat
    nodes: tuple[Node, ...]         # in memory order; nodes[0] is the root

    @property
    def root(self) -> int:
        return self.nodes[0].phys

    @property
    def size(self) -> int:
        return sum(n.size for n in self.nodes)

    @property
    def end(self) -> int:
        return self.nodes[-1].phys + self.nodes[-1].size


def build(maps: Iterable[Extent], format: TableFormat, base: int) -> Tree:
    """The tree that translates exactly `maps` (page aligned, no overlap, inside the format's reach), its root at
    physical address `base`, which is aligned to the root's size."""
    if base % format.root_size:
        raise AssertionError(f"root of a {format.name} tree at {base:#x} is not aligned to {format.root_size:#x}")
    ordered = sorted(maps, key=lambda m: m.ipa)
    for before, after in zip(ordered, ordered[1:]):
        if before.ipa + before.size > after.ipa:
            raise AssertionError(f"mappings at {before.ipa:#x} and {after.ipa:#x} overlap")
    if ordered and ordered[-1].ipa + ordered[-1].size > format.reach:
        raise AssertionError(f"mapping at {ordered[-1].ipa:#x} is beyond the reach of {format.name}")

    nodes: list[Node] = []
    level = format.levels - 1
    whole = _coalesced(ordered)
    size = format.root_size
    here = base
    row: list[tuple[int, list[tuple[int, int, Extent]]]] = [(0, whole)]
    while row:
        below: list[tuple[int, list[tuple[int, int, Extent]]]] = []
        next_row = here + len(row) * size
        for node_base, parts in row:
            entries = []
            for entry, inside in _entries(node_base, parts, format.leaves[level], level):
                if inside is not None:
                    entry = Entry(entry.index, "table", next_row + len(below) * format.node_size, entry.size)
                    below.append((node_base + entry.index * entry.size, inside))
                entries.append(entry)
            nodes.append(Node(level, node_base, here, size, tuple(entries)))
            here += size
        row, size, level = below, format.node_size, level - 1
    return Tree(format, tuple(nodes))


def _coalesced(ordered: Sequence[Extent]) -> list[tuple[int, int, Extent]]:
    """(start, end, extent), neighbours joined that one leaf could map: the first extent then stands for all."""
    parts: list[tuple[int, int, Extent]] = []
    for m in ordered:
        if parts:
            start, end, first = parts[-1]
            if end == m.ipa and m.phys - m.ipa == first.phys - first.ipa and m.access == first.access \
                    and (m.kind == "device") == (first.kind == "device"):
                parts[-1] = (start, m.ipa + m.size, first)
                continue
        parts.append((m.ipa, m.ipa + m.size, m))
    return parts


def _entries(base: int, parts: Sequence[tuple[int, int, Extent]], size: int, level: int,
             ) -> Iterator[tuple[Entry, list[tuple[int, int, Extent]] | None]]:
    """Entries of one node; with a table entry comes the list of parts (start, end, extent) that lie below it."""
    table = -1
    inside: list[tuple[int, int, Extent]] = []
    for start, end, extent in parts:
        while start < end:
            index = (start - base) // size
            slot_end = base + (index + 1) * size
            phys = extent.phys + start - extent.ipa
            whole = (end - start) // size
            if whole and start % size == 0 and phys % size == 0:
                if table >= 0:
                    yield Entry(table, "table", 0, size), inside
                    table = -1
                memory = "device" if extent.kind == "device" else "normal"
                yield Entry(index, "leaf", phys, size, extent.access, memory, whole), None
                start += whole * size
                continue
            if level == 0:
                raise AssertionError(f"mapping at {extent.ipa:#x} is not page aligned")
            if index != table:
                if table >= 0:
                    yield Entry(table, "table", 0, size), inside
                table, inside = index, []
            inside.append((start, min(end, slot_end), extent))
            start = min(end, slot_end)
    if table >= 0:
        yield Entry(table, "table", 0, size), inside


@dataclass(frozen=True)
class Blob:
    """All trees of a system in the order of their memory: the hypervisor's, then each VM's. Bytes between are zeros."""
    base: int
    size: int
    trees: tuple[Tree, ...]


def blob(base: int, trees: Sequence[tuple[Iterable[Extent], TableFormat]]) -> Blob:
    """Lay the trees out one behind the other from `base` on, each root aligned to its size."""
    made = []
    here = base
    for maps, format in trees:
        here += -here % format.root_size
        made.append(build(maps, format, here))
        here = made[-1].end
    return Blob(base, here - base, tuple(made))
