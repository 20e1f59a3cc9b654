# SPDX-License-Identifier: Apache-2.0
"""The shape of a tree of translation tables: which nodes there are, where, and what their entries point at.

This is the one place that decides it; the plan takes the count and the addresses, the emitter encodes the entries. A
tree lies in memory breadth first: the root, then the nodes of each level below by ascending address; with cache colours
in pages that are chosen for it, in the same order. An entry is a leaf
where one extent covers all of it and virtual and physical address agree modulo its size; the largest leaves are taken.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Protocol, Sequence

from .arch import TableFormat
from .model import Stripe


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
    def pieces(self) -> Iterator[tuple[int, int, int]]: ...


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


def build(maps: Iterable[Extent], format: TableFormat, base: int, places: Sequence[int] | None = None) -> Tree:
    """The tree that translates exactly `maps` (page aligned, no overlap, inside the format's reach), its root at
    physical address `base`, which is aligned to the root's size. `places`: addresses of the nodes below it, in their
    order, as far as they are known; None: they follow it."""
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

    def place(number: int) -> int:
        """Of a node by its number, the root being 0."""
        if not number:
            return base
        if places is None:
            return base + format.root_size + (number - 1) * format.node_size
        return places[number - 1] if number <= len(places) else 0       # this attempt at a plan is not the last
    row: list[tuple[int, list[_Part]]] = [(0, whole)]
    while row:
        below: list[tuple[int, list[_Part]]] = []
        next_row = len(nodes) + len(row)
        for node_base, parts in row:
            entries = []
            for entry, inside in _entries(node_base, parts, format.leaves[level], level):
                if inside is not None:
                    entry = Entry(entry.index, "table", place(next_row + len(below)), entry.size)
                    below.append((node_base + entry.index * entry.size, inside))
                entries.append(entry)
            nodes.append(Node(level, node_base, place(len(nodes)), size, tuple(entries)))
        row, size, level = below, format.node_size, level - 1
    return Tree(format, tuple(nodes))


_Part = tuple[int, int, int, Extent]        # (start, end, physical - address, the extent, or the first of several)


def _coalesced(ordered: Sequence[Extent]) -> list[_Part]:
    """The pieces of all extents, neighbours joined that one leaf could map."""
    parts: list[_Part] = []
    for m in ordered:
        for ipa, phys, size in m.pieces():
            if parts:
                start, end, shift, first = parts[-1]
                if end == ipa and phys - ipa == shift and m.access == first.access \
                        and (m.kind == "device") == (first.kind == "device"):
                    parts[-1] = (start, ipa + size, shift, first)
                    continue
            parts.append((ipa, ipa + size, phys - ipa, m))
    return parts


def _entries(base: int, parts: Sequence[_Part], size: int, level: int) -> Iterator[tuple[Entry, list[_Part] | None]]:
    """Entries of one node; with a table entry comes the list of parts that lie below it."""
    table = -1
    inside: list[_Part] = []
    for start, end, shift, extent in parts:
        while start < end:
            index = (start - base) // size
            slot_end = base + (index + 1) * size
            phys = start + shift
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
            inside.append((start, min(end, slot_end), shift, extent))
            start = min(end, slot_end)
    if table >= 0:
        yield Entry(table, "table", 0, size), inside


@dataclass(frozen=True)
class Blob:
    """All trees of a system in the order of their memory: the hypervisor's, then each VM's. Bytes between are zeros."""
    base: int
    size: int
    trees: tuple[Tree, ...]


def blob(base: int, trees: Sequence[tuple[Iterable[Extent], TableFormat]],
         places: Sequence[Sequence[Stripe]] = ()) -> Blob:
    """Lay the trees out one behind the other from `base` on, each root aligned to its size; or each in pages of its own,
    where `places` has them: then the blob's bytes are one node behind the other."""
    made = []
    here = base
    for number, (maps, format) in enumerate(trees):
        if places:
            pages = [page for stripe in places[number][1:] for at, size in stripe.runs()
                     for page in range(at, at + size, format.node_size)]
            made.append(build(maps, format, places[number][0].base, pages))
            here += made[-1].size
            continue
        here += -here % format.root_size
        made.append(build(maps, format, here))
        here = made[-1].end
    return Blob(base, here - base, tuple(made))
