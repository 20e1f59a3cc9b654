# SPDX-License-Identifier: Apache-2.0
"""The allocator of physical memory against a model of it: one owner for each page."""
from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from configtool.plan.model import Bank, Use
from configtool.plan.space import Space

PAGE, MIB = 0x1000, 1 << 20


def test_first_fit_from_low_addresses() -> None:
    space = Space([(0x8000_0000, 16 * MIB)])
    space.reserve(0x8000_0000, 0x8008_0000, "OpenSBI")
    assert space.find(PAGE, PAGE) == 0x8008_0000
    assert space.find(2 * MIB, 2 * MIB) == 0x8020_0000
    assert space.find(2 * MIB, 2 * MIB, 0x3000) == 0x8020_3000
    assert space.find(PAGE, PAGE, low=0x8050_0000) == 0x8050_0000
    assert space.find(16 * MIB, PAGE) is None


def test_banks_that_touch_are_one_piece() -> None:
    space = Space([(0x9000_0000, 16 * MIB), (0x8f00_0000, 16 * MIB)])
    space.take(0x8f80_0000, 16 * MIB, "vm: memory.ram")
    assert space.uses() == (Use(0x8f00_0000, 8 * MIB, "free"), Use(0x8f80_0000, 8 * MIB, "vm: memory.ram"),
                            Use(0x9000_0000, 8 * MIB, "vm: memory.ram"), Use(0x9080_0000, 8 * MIB, "free"))
    assert space.probes(8) == (Bank(0x8f00_0000, 16 * MIB, 0x8fff_fff8), Bank(0x9000_0000, 16 * MIB, 0x907f_fff8))


def test_reserved_memory_is_not_probed() -> None:
    space = Space([(0x8000_0000, 16 * MIB), (0xa000_0000, 16 * MIB)])
    space.reserve(0xa0f0_0000, 0xb000_0000, "boot loader")
    space.take(0x8000_0000, PAGE, "hypervisor")
    assert space.probes(8) == (Bank(0x8000_0000, 16 * MIB, 0x8000_0ff8), Bank(0xa000_0000, 16 * MIB, 0))
    assert [(t.base, t.end) for t in space.owners(0xa0f0_0000, 0x10)] == [(0xa0f0_0000, 0xa100_0000)]


def test_reserved_memory_may_overlap_itself() -> None:
    space = Space([(0x8000_0000, 16 * MIB)])
    space.reserve(0x8000_0000, 0x8000_4000, "a")
    space.reserve(0x8000_2000, 0x8000_6000, "b")
    assert space.uses()[:2] == (Use(0x8000_0000, 0x4000, "a"), Use(0x8000_4000, 0x2000, "b"))


def test_what_is_taken_is_not_taken_again() -> None:
    space = Space([(0x8000_0000, 16 * MIB)])
    space.take(0x8010_0000, MIB, "a")
    for base, size in ((0x8010_0000, PAGE), (0x800f_f000, 0x2000), (0x801f_f000, 0x2000), (0x80ff_f000, 0x2000),
                       (0, PAGE)):
        assert not space.is_free(base, size)
        with pytest.raises(AssertionError):
            space.take(base, size, "b")
    space.give_back(0x8010_0000, MIB)
    assert space.free == ((0x8000_0000, 0x8100_0000),)


def test_the_largest_piece() -> None:
    space = Space([(0x8000_0000, 8 * MIB), (0x9000_0000, 16 * MIB)])
    assert space.find_largest(2 * MIB, 0x3000) == (0x9000_3000, 16 * MIB - 0x3000)
    space.take(0x9000_0000, 16 * MIB, "a")
    assert space.find_largest(2 * MIB, 0) == (0x8000_0000, 8 * MIB)
    space.take(0x8000_0000, 8 * MIB, "a")
    assert space.find_largest(PAGE, 0) is None


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), min_size=1, max_size=4),
       st.lists(st.tuples(st.integers(1, 12), st.sampled_from((1, 2, 4, 8)), st.integers(0, 7), st.booleans()),
                max_size=20))
def test_every_page_has_one_owner(gaps: list[tuple[int, int]], wishes: list[tuple[int, int, int, bool]]) -> None:
    banks, at = [], 0
    for gap, size in gaps:
        at += gap
        banks.append((at * PAGE, size * PAGE))
        at += size
    space = Space(banks)
    owner = {page: "free" for base, size in banks for page in range(base // PAGE, (base + size) // PAGE)}
    for number, (size, align, residue, keep) in enumerate(wishes):
        residue %= align
        fits = [p for p in owner if p % align == residue and all(owner.get(p + i) == "free" for i in range(size))]
        found = space.find(size * PAGE, align * PAGE, residue * PAGE)
        assert found == (min(fits) * PAGE if fits else None)
        if found is not None:
            space.take(found, size * PAGE, f"vm{number}")
            if keep:
                owner.update({found // PAGE + i: f"vm{number}" for i in range(size)})
            else:
                space.give_back(found, size * PAGE)
    shown = {use.base // PAGE + i: use.owner for use in space.uses() for i in range(use.size // PAGE)}
    assert shown == owner
    assert [u.base for u in space.uses()] == sorted(u.base for u in space.uses())
