# SPDX-License-Identifier: Apache-2.0
"""Physical memory while it is being given away: what is free, who has the rest. First fit from low addresses."""
from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Iterable, Sequence

from .model import PAGE, Bank, Use


@dataclass(frozen=True)
class Taken:
    base: int
    end: int
    owner: str                      # 'control: memory.ram'
    planned: bool                   # given away by the plan, not by board or firmware


class Space:
    """Memory banks (base, size); nothing of them is taken at first. Banks that touch are one piece for placement."""

    def __init__(self, banks: Iterable[tuple[int, int]]) -> None:
        self.banks = sorted(banks)
        self._free: list[tuple[int, int]] = []      # (base, end), ascending, apart from each other
        for base, size in self.banks:
            if self._free and self._free[-1][1] == base:
                self._free[-1] = (self._free[-1][0], base + size)
            elif size:
                self._free.append((base, base + size))
        self.taken: list[Taken] = []

    @property
    def free(self) -> tuple[tuple[int, int], ...]:
        """(base, end) of all free pieces, whole pages only."""
        pieces = ((-(-base // PAGE) * PAGE, end // PAGE * PAGE) for base, end in self._free)
        return tuple(p for p in pieces if p[0] < p[1])

    def reserve(self, base: int, end: int, owner: str) -> None:
        """Memory that is nobody's; parts of it may lie outside the banks or be taken already."""
        pieces: list[tuple[int, int]] = []
        for free_base, free_end in self._free:
            low, high = max(base, free_base), min(end, free_end)
            if low >= high:
                pieces.append((free_base, free_end))
                continue
            self.taken.append(Taken(low, high, owner, False))
            pieces += [p for p in ((free_base, low), (high, free_end)) if p[0] < p[1]]
        self._free = pieces

    def is_free(self, base: int, size: int) -> bool:
        at = bisect_right(self._free, (base, 1 << 80)) - 1
        return at >= 0 and base >= self._free[at][0] and base + size <= self._free[at][1]

    def owners(self, base: int, size: int) -> list[Taken]:
        """Who has parts of it, by address."""
        return sorted((t for t in self.taken if t.base < base + size and base < t.end), key=lambda t: t.base)

    def take(self, base: int, size: int, owner: str) -> None:
        """It is free: is_free() said so, or find() found it."""
        at = bisect_right(self._free, (base, 1 << 80)) - 1
        if at < 0 or base < self._free[at][0] or base + size > self._free[at][1]:
            raise AssertionError(f"{base:#x} of {size:#x} bytes for {owner} is not free")
        free_base, free_end = self._free[at]
        self._free[at:at + 1] = [p for p in ((free_base, base), (base + size, free_end)) if p[0] < p[1]]
        self.taken.append(Taken(base, base + size, owner, True))

    def give_back(self, base: int, size: int) -> None:
        """Undo a take()."""
        self.taken = [t for t in self.taken if (t.base, t.end) != (base, base + size)]
        pieces: list[tuple[int, int]] = []
        for low, high in sorted(self._free + [(base, base + size)]):
            if pieces and pieces[-1][1] == low:
                pieces[-1] = (pieces[-1][0], high)
            else:
                pieces.append((low, high))
        self._free = pieces

    def find(self, size: int, align: int, residue: int = 0, low: int = 0) -> int | None:
        """The lowest free address from `low` on of `size` bytes that is `residue` modulo `align` (a multiple of the
        page size)."""
        for base, end in self._free:
            at = max(base, low)
            at += (residue - at) % align
            if at + size <= end:
                return at
        return None

    def find_largest(self, align: int, residue: int) -> tuple[int, int] | None:
        """(base, size) of the largest free piece whose base is `residue` modulo `align`, whole pages; the lowest of
        equals."""
        best: tuple[int, int] | None = None
        for base, end in self._free:
            at = base + (residue - base) % align
            size = (end - at) // PAGE * PAGE
            if size > 0 and (best is None or size > best[1]):
                best = (at, size)
        return best

    def uses(self) -> tuple[Use, ...]:
        """Every byte of every bank, in order; neighbours of one owner are joined."""
        pieces = [(t.base, t.end, t.owner) for t in self.taken] + [(base, end, "free") for base, end in self._free]
        found: list[Use] = []
        for base, end, owner in sorted(pieces):
            edge = any(base == bank for bank, _ in self.banks)
            if found and found[-1].owner == owner and found[-1].base + found[-1].size == base and not edge:
                found[-1] = Use(found[-1].base, end - found[-1].base, owner)
            else:
                found.append(Use(base, end - base, owner))
        return tuple(self._split(found))

    def _split(self, uses: Sequence[Use]) -> Iterable[Use]:
        """Cut at the borders of banks that touch."""
        for use in uses:
            base, end = use.base, use.base + use.size
            for bank, _ in self.banks:
                if base < bank < end:
                    yield Use(base, bank - base, use.owner)
                    base = bank
            yield Use(base, end - base, use.owner)

    def probes(self, word: int) -> tuple[Bank, ...]:
        """Each bank with the address of the last `word` bytes of it that the plan uses."""
        found = []
        for base, size in self.banks:
            used = max((min(t.end, base + size) for t in self.taken if t.planned and t.base < base + size
                        and base < t.end),
                       default=0)
            found.append(Bank(base, size, used - word if used else 0))
        return tuple(found)
