# SPDX-License-Identifier: Apache-2.0
"""Cache colours: how many a board has, who gets which, where memory of them lies, and the messages to the letter."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from board_cases import realise
from configtool.board.caches import coloring
from configtool.board.model import Cache
from configtool.pipeline import Result, analyse
from configtool.plan.colors import palette, row_of
from configtool.plan.model import PAGE, Stripe, cut
from configtool.plan.space import Space
from configtool.system import Colors
from plan_cases import MIB, channel, span, system, virt, vm

_VM = "    vcpus: 1\n    memory: {ram: SIZE}\n    image: {file: guest.elf}\n"


def cache(name: str, level: int, sets: int, cpus: tuple[int, ...], ways: int = 16, index: str = "modulo") -> Cache:
    return Cache(name, level, sets * 64 * ways, 64, sets, cpus, True, span(1, "board.dts"), index)


L2 = cache("l2", 2, 1024, (0, 1, 2, 3))


def test_the_cache_with_the_fewest_colors_decides_of_those_that_cpus_share() -> None:
    board = replace(virt(), caches=(cache("cpu@0 data", 1, 64, (0,)), cache("l2a", 2, 512, (0, 1)),
                                    cache("l2b", 2, 1024, (2, 3)), cache("l3", 3, 4096, (0, 1, 2, 3)),
                                    cache("own", 2, 256, (3,))))
    made = coloring(board)
    assert (made.count, made.how) == (8, "8 colors: a way of l2a has 32KiB (512 sets of 64 bytes, 16 ways) and a page "
                                      "4KiB; the fewest of 3 shared caches")


@pytest.mark.parametrize("caches, problem", [
    ((), "neither its device tree nor its board.yaml describes a cache"),
    ((cache("l2", 2, 1024, (0,)), cache("m2", 2, 1024, (1,))), "all caches that are known belong to one CPU each: l2, m2; "
     "what VMs could disturb is a cache that they share"),
    ((cache("l2", 2, 1024, (0, 1), index="hashed"),), "l2 does not take its sets from address bits as they are, but from "
     "a hash of them: pages have no colors there"),
    ((replace(L2, sets=0),), "cache-sets of l2 is not known"),
    ((cache("l3", 3, 3072, (0, 1)),), "l3 has 3072 sets of 64 bytes: no power of two, so its index is no part of the "
     "address"),
    ((cache("l2", 2, 64, (0, 1)),), "a way of l2 has 4096 bytes, no more than a page: all pages share all of its sets"),
])
def test_why_a_board_has_no_colors(caches: tuple[Cache, ...], problem: str) -> None:
    assert coloring(replace(virt(), caches=caches)).problem == problem


def colors(*listed: int, share: int | None = None) -> Colors:
    return Colors(span(7), tuple((c, c, span(7)) for c in listed), share)


BOARD = replace(virt(), caches=(L2,))


def test_auto_weighs_by_criticality_and_gives_colors_in_a_row() -> None:
    auto = colors()
    made = palette(system(vm("a", criticality=7, colors=auto), vm("b", colors=auto), colors=auto), BOARD)
    assert made.findings == ()
    assert (made.hypervisor, made.vms) == ((0,), {"a": tuple(range(1, 11)), "b": tuple(range(11, 16))})


def test_each_vm_has_four_in_a_row_for_the_root_of_its_tables() -> None:
    auto = colors()
    names = ("a", "b", "c")
    made = palette(system(*(vm(n, criticality=3, colors=auto) for n in names), colors=auto), BOARD)
    assert made.findings == () and made.hypervisor == (12,)
    assert made.vms == {"a": (0, 1, 2, 3, 13), "b": (4, 5, 6, 7, 14), "c": (8, 9, 10, 11, 15)}
    assert all(row_of(mine, 4) is not None for mine in made.vms.values())


def test_the_hypervisor_has_the_color_of_its_second_page_on_arm() -> None:
    arm = replace(BOARD, arch="aarch64", load=0x4020_0000)
    made = palette(system(vm("a", colors=colors()), colors=colors()), arm)
    assert (made.findings, made.hypervisor, made.vms["a"]) == ((), (1,), (0, *range(2, 16)))
    [wrong] = palette(system(vm("a", colors=colors(4, 5)), colors=colors(0, 2)), arm).findings
    assert (wrong.code, wrong.message) == ("BH1061", "the hypervisor has to have color 1 on board qemu-riscv64-virt")


def test_what_is_listed_goes_first_then_shares_then_auto() -> None:
    made = palette(system(vm("a", colors=colors(0, 1, 2, 3)), vm("b", colors=colors(share=50)), vm("c", colors=colors())),
                   BOARD)
    assert made.vms == {"a": (0, 1, 2, 3), "b": tuple(range(4, 12)), "c": (12, 13, 14, 15)}


def test_auto_gives_as_many_as_hold_the_memory() -> None:
    made = palette(system(vm("a", 500 * MIB, colors=colors()), vm("b", criticality=7, colors=colors())), BOARD)
    assert [len(mine) for mine in made.vms.values()] == [9, 7]


def test_a_channel_lies_in_the_colors_of_its_least_critical_vm() -> None:
    both = system(vm("a", criticality=7, colors=colors(4, 5, 6, 7)), vm("b", colors=colors(8, 9, 10, 11)),
                  channels=(channel("c", MIB, "a", "b"), channel("d", MIB, "b", "a", colors=colors(12))))
    assert palette(both, BOARD).channels == {"c": (8, 9, 10, 11), "d": (12,)}
    without = system(vm("a", colors=colors(4, 5, 6, 7)), vm("b"), channels=(channel("c", MIB, "a", "b"),))
    assert palette(without, BOARD).channels == {}


@given(st.integers(1, 5).flatmap(lambda bits: st.tuples(st.just(1 << bits), st.integers(1, (1 << (1 << bits)) - 1),
                                                       st.integers(0, 60), st.integers(1, 90))))
def test_stripes_against_pages_one_by_one(case: tuple[int, int, int, int]) -> None:
    among, mask, first, count = case
    mine = tuple(c for c in range(among) if mask >> c & 1)
    pages = [p for p in range(first, first + among * (count + 1)) if p % among in mine][:count]
    stripe = Stripe(pages[0] * PAGE, count * PAGE, mine, among)
    assert [p for base, size in stripe.runs() for p in range(base // PAGE, (base + size) // PAGE)] == pages
    assert stripe.end == (pages[-1] + 1) * PAGE
    half = cut((stripe,), count // 2 * PAGE, PAGE)
    assert [s.base // PAGE for s in half] == pages[count // 2:][:1]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 255), st.integers(1, 40)), max_size=12))
def test_space_with_colors_against_a_model(steps: list[tuple[int, int, int]]) -> None:
    space = Space([(0x8000_0000, 512 * PAGE)], 8)
    model: dict[int, str] = {}
    first = 0x8000_0000 // PAGE
    for number, (kind, mask, count) in enumerate(steps):
        owner = str(number)
        mine = [c for c in range(8) if mask >> c & 1]
        free = [p for p in range(first, first + 512) if p not in model and p % 8 in mine]
        if kind == 0:
            stripes = space.take_colored(count * PAGE, mine, owner)
            assert (stripes is not None) == (len(free) >= count)
            took = [p for s in stripes or () for base, size in s.runs() for p in range(base // PAGE, (base + size) // PAGE)]
            assert took == (free[:count] if stripes else [])
        elif kind == 1:
            row = space.take_row(4, mine, owner)
            starts = [p for p in range(first, first + 509, 4) if all(p + i in free for i in range(4))]
            assert (row.base // PAGE if row else None) == (starts[0] if starts else None)
            took = list(range(row.base // PAGE, row.base // PAGE + 4)) if row else []
        else:
            at = space.find(count * PAGE, PAGE)
            took = list(range(at // PAGE, at // PAGE + count)) if at is not None else []
            assert not set(took) & set(model)
            if at is not None:
                space.take(at, count * PAGE, owner)
        model.update((p, owner) for p in took)
    assert sum(u.size for u in space.uses()) == 512 * PAGE
    for use in space.uses():
        stripe = Stripe(use.base, use.size, use.colors, 8 if use.colors else 0)
        pages = [p for base, size in stripe.runs() for p in range(base // PAGE, (base + size) // PAGE)]
        assert {model.get(p, "free") for p in pages} == {use.owner}
    for color in range(8):
        assert space.free_of(color) // PAGE == sum(p % 8 == color for p in range(first, first + 512) if p not in model)


def checked(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    realise(text.replace("VM", _VM.replace("SIZE", "16MiB")), folder)
    monkeypatch.chdir(folder)
    return analyse("system.yaml")


@pytest.mark.parametrize("text, expected", [
    ("vms:\n  a:\n    colors: 4-16\nVM", ["BH1052 6:13 VM 'a' is to have color 16, and board qemu-riscv64-virt has 16: 0 "
                                       "to 15"]),
    ("vms:\n  a:\n    colors: 7-4\nVM", ["BH1052 6:13 the range of colors 7-4 of VM 'a' runs backwards"]),
    ("vms:\n  a:\n    colors: [4-7, 6]\nVM", ["BH1052 6:19 color 6 is twice in the colors of VM 'a'"]),
    ("vms:\n  a:\n    colors: 5-8\nVM", ["BH1060 6:13 VM 'a' has no 4 cache colors in a row for the root of its tables"]),
    ("vms:\n  a:\n    colors: 20%\nVM", ["BH1055 6:13 20% of 16 colors is less than the 4 colors in a row that the root "
                                       "of its tables takes, which VM 'a' needs"]),
    ("vms:\n  a:\n    colors: 75%\nVM  b:\n    colors: 50%\nVM", [
        "BH1055 11:13 the shares of the cache colors come to more than there is: 75% + 50%"]),
    ("vms:\n  a:\n    colors: 0-11\nVM  b:\n    colors: auto\nVM  c:\n    colors: auto\nVM", [
        "BH1055 16:13 there are too few cache colors for all who have `colors: auto`: 8 are needed, 4 are left"]),
    ("hypervisor: {colors: 0-1}\nvms:\n  a:\n    colors: 4-7\nVM  b:\nVM", [
        "BH1057 11:3 VM 'b' has no colors, and the hypervisor has some: its memory lies in those as well"]),
    ("hypervisor: {colors: 3-4}\nvms:\n  a:\n    colors: 4-7\nVM  b:\n    colors: [6, 8-11]\nVM", [
        "BH1056 7:13 VM 'a' and the hypervisor both have color 4",
        "BH1056 12:13 VM 'b' and VM 'a' both have color 6"]),
    ("hypervisor: {colors: 0}\nvms:\n  a:\n    colors: 4-7\n    vcpus: 1\n    memory: {ram: {size: 16MiB, at: identity}}\n"
     "    image: {file: guest.elf}\n", [
         "BH1054 9:37 memory.ram of VM 'a' is to have colors, and its physical place is fixed"]),
    ("# with this in board.yaml: caches: [{name: l2, size: 1MiB, ways: 16, line: 64, index: hashed}]\nvms:\n  a:\n"
     "    colors: auto\nVM", ["BH1053 7:13 board board has no cache colors, and VM 'a' is to have some"]),
    ("# with this in board.yaml: caches: [{name: l2, size: 1MiB, ways: 16, line: 64, cpus: [cpu@9]}]\nvms:\n  a:\nVM", [
        "BH1050 the device tree has no CPU 'cpu@9'"]),
    ("# with this in board.yaml: caches: [{name: l2, size: 1MiB, ways: 16, line: 64, cpus: [cpu@0]}]\nvms:\n  a:\n"
     "    colors: auto\nVM", ["BH1053 7:13 board board has no cache colors, and VM 'a' is to have some"]),
])
def test_messages(text: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(tmp_path, text, monkeypatch).sink.diagnostics
    places = [f" {d.primary.span.line}:{d.primary.span.column}" if d.primary.span.file == "system.yaml" else "" for d in found]
    assert [f"{d.code}{place} {d.message}" for d, place in zip(found, places)] == expected


def test_too_little_memory_is_shown_color_by_color(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "hypervisor: {colors: 0-1}\nvms:\n  a:\n    colors: 4-7\n" + _VM.replace("SIZE", "1GiB")
    [found] = checked(tmp_path, text, monkeypatch).sink.diagnostics
    assert found.code == "BH1058"
    assert found.message == "not enough memory of colors 4-7 for memory.ram of VM 'a'"
    assert found.notes == ("the board's memory has 128MiB of each of 16 colors; free of each:",
                           "  127.8MiB  colors 4-7", "  127.8MiB  colors 0-3, 8-15, not its own")
    assert "are missing; give it" in found.help[0]


def test_memory_lies_in_its_colors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = ("hypervisor: {colors: 0-1}\nchannels:\n  c: {size: 64KiB, between: [a, b], colors: 3}\n"
            "vms:\n  a:\n    colors: 4-7\n    vcpus: 1\n    image: {file: guest.elf}\n    on_fault: {action: restart}\n"
            "    memory: {ram: 16MiB, table: {size: 1MiB, colors: [12, 14]}}\n  b:\n    colors: 25%\nVM")
    result = checked(tmp_path, text, monkeypatch)
    plan = result.plan
    assert plan is not None and result.sink.diagnostics == []
    wanted = {"memory.table": {12, 14}, "channels.c": {3}}
    for made in plan.vms:
        own = {4, 5, 6, 7} if made.name == "a" else {8, 9, 10, 11}
        for m in made.maps:
            if m.kind != "device":
                found = {phys // PAGE % 16 for _, phys, size in m.pieces() for phys in range(phys, phys + size, PAGE)}
                assert found <= wanted.get(m.name, own), m.name
    hypervisor = plan.hypervisor
    entry, *others = hypervisor.parts
    assert (entry.phys, entry.size) == (hypervisor.load, PAGE)
    assert {p // PAGE % 16 for m in others for _, base, size in m.pieces() for p in range(base, base + size, PAGE)} == {0, 1}
    trees = [{p // PAGE % 16 for s in tree for base, size in s.runs() for p in range(base, base + size, PAGE)}
             for tree in hypervisor.trees]
    assert trees[0] <= {0, 1} and trees[1] <= {4, 5, 6, 7} and trees[2] <= {8, 9, 10, 11}
    assert sum(use.size for use in plan.uses) == 2048 * MIB
