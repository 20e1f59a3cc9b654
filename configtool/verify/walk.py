# SPDX-License-Identifier: Apache-2.0
"""What every walker of translation tables gives, whatever the architecture."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Iterable

PAGE = 4096

Reader = Callable[[int, int], "bytes | None"]     # (physical address, size) -> bytes of the image; None: not all in it


@dataclass(frozen=True)
class Extent:
    """Neighbouring addresses that translate alike. `ipa` is the address that is translated: guest-physical in stage 2,
    the hypervisor's virtual one in its own tables."""
    ipa: int
    phys: int
    size: int
    access: str                     # what the hardware lets pass: 'r', 'rw', 'rx', 'rwx', 'x'
    memory: str = ""                # its attribute, where tables give one: 'normal', 'device'

    @property
    def end(self) -> int:
        return self.ipa + self.size

    @property
    def phys_end(self) -> int:
        return self.phys + self.size


@dataclass(frozen=True)
class Flaw:
    """An entry, or a root, that the hardware would not take, or that the architecture forbids."""
    where: int                      # physical address of the entry
    value: int
    ipa: int                        # first address that it translates
    text: str                       # reads on after 'entry ... at ...': 'has reserved bits set'


@dataclass
class Walk:
    """Everything that one root reaches."""
    format: str                     # 'sv39x4', '' where the root's register names none
    root: int
    extents: list[Extent] = field(default_factory=list)     # sorted by ipa, never overlapping
    tables: list[tuple[int, int]] = field(default_factory=list)     # (physical address, size) of each node, as visited
    leaves: dict[int, int] = field(default_factory=dict)    # page size -> entries
    flaws: list[Flaw] = field(default_factory=list)

    @property
    def pages(self) -> int:
        """4 KiB pages that are mapped."""
        return sum(e.size for e in self.extents) // PAGE

    def at(self, ipa: int) -> Extent | None:
        from bisect import bisect_right
        i = bisect_right(self.extents, ipa, key=lambda e: e.ipa) - 1
        return self.extents[i] if i >= 0 and ipa < self.extents[i].end else None

    def within(self, ipa: int, size: int) -> list[Extent]:
        """The parts of extents that lie in a range."""
        from bisect import bisect_left, bisect_right
        first = max(bisect_right(self.extents, ipa, key=lambda e: e.ipa) - 1, 0)
        last = bisect_left(self.extents, ipa + size, key=lambda e: e.ipa)
        return [cut(e, max(e.ipa, ipa), min(e.end, ipa + size)) for e in self.extents[first:last] if ipa < e.end]

    def physical(self, ipa: int, size: int) -> "Ranges":
        """What physical memory a range is."""
        return union((e.phys, e.phys_end) for e in self.within(ipa, size))


def cut(extent: Extent, start: int, end: int) -> Extent:
    """The part of an extent between two of its addresses."""
    return Extent(start, extent.phys + start - extent.ipa, end - start, extent.access, extent.memory)


def cut_phys(extent: Extent, low: int, high: int) -> Extent:
    """The part of an extent between two of its physical addresses."""
    return Extent(extent.ipa + low - extent.phys, low, high - low, extent.access, extent.memory)


def joined(pieces: Iterable[tuple[int, int, int, str, str]]) -> list[Extent]:
    """Extents from (ipa, phys, size, access, memory), ascending by ipa: neighbours that go on alike are one."""
    found: list[Extent] = []
    ipa = phys = size = 0
    access = memory = ""
    for piece in pieces:
        if size and piece[0] == ipa + size and piece[1] == phys + size and piece[3] == access and piece[4] == memory:
            size += piece[2]
            continue
        if size:
            found.append(Extent(ipa, phys, size, access, memory))
        ipa, phys, size, access, memory = piece
    if size:
        found.append(Extent(ipa, phys, size, access, memory))
    return found


# Ranges as sorted lists of (start, end) that neither touch nor overlap.

Ranges = list[tuple[int, int]]


def union(pieces: Iterable[tuple[int, int]]) -> Ranges:
    found: Ranges = []
    for start, end in sorted(p for p in pieces if p[0] < p[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def minus(ranges: Ranges, holes: Ranges) -> Ranges:
    """What of `ranges` no hole covers."""
    found: Ranges = []
    holes = sorted(holes)
    first = 0
    for start, end in sorted(ranges):
        while first < len(holes) and holes[first][1] <= start:
            first += 1
        at = first
        while at < len(holes) and holes[at][0] < end and start < end:
            low, high = holes[at]
            if low > start:
                found.append((start, low))
            start = max(start, high)
            at += 1
        if start < end:
            found.append((start, end))
    return found


def common(one: Ranges, other: Ranges) -> Ranges:
    found = []
    one, other = sorted(one), sorted(other)
    i = j = 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if low < high:
            found.append((low, high))
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    return union(found)


def inside(ranges: Ranges, low: int, high: int) -> Ranges:
    """What of sorted ranges lies between two addresses."""
    from bisect import bisect_left, bisect_right
    first = max(bisect_right(ranges, (low, 1 << 80)) - 1, 0)
    found = [(max(start, low), min(end, high)) for start, end in ranges[first:bisect_left(ranges, (high, 0))]]
    return [(start, end) for start, end in found if start < end]


def length(ranges: Ranges) -> int:
    return sum(end - start for start, end in ranges)
