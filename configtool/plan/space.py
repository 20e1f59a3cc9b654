# SPDX-License-Identifier: Apache-2.0
"""Physical memory while it is being given away: what is free, who has the rest. First fit from low addresses.

With cache colours, pages of some colours of a piece may be taken and those of others free. A set of colours is a mask: a
one for each.
"""
from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Iterable, Sequence

from .model import PAGE, Bank, Stripe, Use


@dataclass(frozen=True)
class Taken:
    base: int
    end: int
    owner: str                      # 'control: memory.ram'
    planned: bool                   # given away by the plan, not by board or firmware
    mask: int = 0                   # colours of the pages that are meant; 0: all


class Space:
    """Memory banks (base, size); nothing of them is taken at first. Banks that touch are one piece for placement.
    `colors`: how many there are, 1: pages are alike."""

    def __init__(self, banks: Iterable[tuple[int, int]], colors: int = 1) -> None:
        self.banks = sorted(banks)
        self.colors = colors
        self._all = (1 << colors) - 1
        pieces = [(base, base + size, self._all) for base, size in self.banks if size]
        self._parts = _joined(pieces)           # (base, end, mask of free colours), ascending, apart from each other
        self._free = self._whole()
        self.taken: list[Taken] = []

    def _whole(self) -> list[tuple[int, int]]:
        """(base, end) of what is free in all colours."""
        return [(base, end) for base, end, mask in self._parts if mask == self._all]

    @property
    def free(self) -> tuple[tuple[int, int], ...]:
        """(base, end) of all free pieces, whole pages only."""
        pieces = ((-(-base // PAGE) * PAGE, end // PAGE * PAGE) for base, end in self._free)
        return tuple(p for p in pieces if p[0] < p[1])

    def free_of(self, color: int) -> int:
        """Bytes of free pages of a colour."""
        return sum(Stripes(self.colors, 1 << color & mask).count(base, end) * PAGE for base, end, mask in self._parts)

    def reserve(self, base: int, end: int, owner: str) -> None:
        """Memory that is nobody's; parts of it may lie outside the banks or be taken already."""
        for free_base, free_end, _ in list(self._parts):
            low, high = max(base, free_base), min(end, free_end)
            if low < high:
                self.taken.append(Taken(low, high, owner, False))
        self._remove(base, end, self._all)

    def is_free(self, base: int, size: int) -> bool:
        at = bisect_right(self._free, (base, 1 << 80)) - 1
        return at >= 0 and base >= self._free[at][0] and base + size <= self._free[at][1]

    def owners(self, base: int, size: int) -> list[Taken]:
        """Who has parts of it, by address."""
        return sorted((t for t in self.taken if t.base < base + size and base < t.end), key=lambda t: t.base)

    def take(self, base: int, size: int, owner: str) -> None:
        """It is free: is_free() said so, or find() found it."""
        if not self.is_free(base, size):
            raise AssertionError(f"{base:#x} of {size:#x} bytes for {owner} is not free")
        self._remove(base, base + size, self._all)
        self.taken.append(Taken(base, base + size, owner, True))

    def give_back(self, base: int, size: int) -> None:
        """Undo a take()."""
        self.taken = [t for t in self.taken if (t.base, t.end) != (base, base + size)]
        self._parts = _joined(sorted(self._parts + [(base, base + size, self._all)]))
        self._free = self._whole()

    def _remove(self, base: int, end: int, mask: int) -> None:
        pieces: list[tuple[int, int, int]] = []
        for low, high, free in self._parts:
            if low >= end or high <= base or not free & mask:
                pieces.append((low, high, free))
                continue
            pieces += [(a, b, m) for a, b, m in ((low, base, free), (max(low, base), min(high, end), free & ~mask),
                                                 (end, high, free)) if a < b and m]
        self._parts = _joined(pieces)
        self._free = self._whole()

    def take_colored(self, size: int, colors: Sequence[int], owner: str, low: int = 0) -> tuple[Stripe, ...] | None:
        """Take the lowest free pages of these colours from `low` on, `size` bytes in all; None: there are too few."""
        wanted = sum(1 << c for c in colors)
        found: list[Stripe] = []
        left = size // PAGE
        for base, end, mask in self._parts:
            stripes = Stripes(self.colors, mask & wanted)
            first, last = max(-(-base // PAGE), -(-low // PAGE)), end // PAGE
            count = stripes.count(first * PAGE, last * PAGE) if first < last else 0
            if not count or not left:
                continue
            found.append(stripes.stripe(first, min(count, left)))
            left -= min(count, left)
        if left:
            return None
        for stripe in found:
            self._remove(stripe.base, stripe.end, sum(1 << c for c in stripe.colors))
            self.taken.append(Taken(stripe.base, stripe.end, owner, True, sum(1 << c for c in stripe.colors)))
        return tuple(found)

    def take_row(self, count: int, colors: Sequence[int], owner: str, low: int = 0) -> Stripe | None:
        """Take the lowest free pages of these colours that are so many in a row, from a multiple of as many pages."""
        wanted = sum(1 << c for c in colors)
        for base, end, mask in self._parts:
            page = max(-(-base // PAGE), -(-low // PAGE))
            page += -page % count
            for _ in range(self.colors // count + 1):
                if (page + count) * PAGE > end:
                    break
                if all((mask & wanted) >> ((page + i) % self.colors) & 1 for i in range(count)):
                    row = tuple(sorted((page + i) % self.colors for i in range(count)))
                    stripe = Stripe(page * PAGE, count * PAGE, row, self.colors)
                    bits = sum(1 << c for c in row)
                    self._remove(stripe.base, stripe.end, bits)
                    self.taken.append(Taken(stripe.base, stripe.end, owner, True, bits))
                    return stripe
                page += count
        return None

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
        pieces = [(t.base, t.end, t.owner, t.mask or self._all) for t in self.taken]
        pieces += [(base, end, "free", mask) for base, end, mask in self._parts]
        found: list[Use] = []
        for base, end, owner, mask in sorted(pieces):
            if mask != self._all:
                found += self._colored(base, end, owner, mask)
                continue
            edge = any(base == bank for bank, _ in self.banks)
            if found and found[-1].owner == owner and not found[-1].colors and not edge \
                    and found[-1].base + found[-1].size == base:
                found[-1] = Use(found[-1].base, end - found[-1].base, owner)
            else:
                found.append(Use(base, end - base, owner))
        return tuple(self._split(found))

    def _colored(self, base: int, end: int, owner: str, mask: int) -> Iterable[Use]:
        """The part of it in each bank."""
        for bank, size in self.banks:
            stripes, low, high = Stripes(self.colors, mask), max(base, bank), min(end, bank + size)
            count = stripes.count(low, high) if low < high else 0
            if count:
                stripe = stripes.stripe(-(-low // PAGE), count)
                yield Use(stripe.base, stripe.size, owner, stripe.colors, stripe.end)

    def _split(self, uses: Sequence[Use]) -> Iterable[Use]:
        """Cut at the borders of banks that touch."""
        for use in uses:
            if use.colors:
                yield use
                continue
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


class Stripes:
    """Arithmetic on pages of the colours in a mask."""

    def __init__(self, among: int, mask: int) -> None:
        self.among = among
        self.colors = tuple(c for c in range(among) if mask >> c & 1)

    def _below(self, page: int) -> int:
        """Pages of these colours with a smaller number."""
        return page // self.among * len(self.colors) + sum(c < page % self.among for c in self.colors)

    def count(self, base: int, end: int) -> int:
        """Whole pages of them between two addresses."""
        first, last = -(-base // PAGE), end // PAGE
        return self._below(last) - self._below(first) if first < last and self.colors else 0

    def stripe(self, first: int, count: int) -> Stripe:
        """So many of them from page `first` on."""
        period, place = divmod(self._below(first), len(self.colors))
        start = period * self.among + self.colors[place]
        return Stripe(start * PAGE, count * PAGE, self.colors, self.among)


def _joined(pieces: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Neighbours that are free alike are one."""
    found: list[tuple[int, int, int]] = []
    for base, end, mask in pieces:
        if found and found[-1][1] == base and found[-1][2] == mask:
            found[-1] = (found[-1][0], end, mask)
        else:
            found.append((base, end, mask))
    return found
