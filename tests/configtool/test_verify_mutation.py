# SPDX-License-Identifier: Apache-2.0
"""verify is itself tested: an image is altered in thousands of ways of known effect, and each has to be found.

Beside that random bits are flipped, BULKHEAD_FLIPS of them, from BULKHEAD_SEED on; a second judge says which of them
matter.
"""
from __future__ import annotations

import os
import random
from collections import Counter
from typing import Callable

import pytest

import verify_naive as naive
from configtool.verify.elf import NotAnImage
from configtool.verify.judge import verify
from verify_mutations import GROUPS, PAGE, config_fields, good, harmless, harmless_field, offset, slots
from verify_system import build


def found(data: bytes) -> set[str]:
    """Checks that fail; 'refused' where the file is no image."""
    system = build()
    try:
        report = verify(data, "bulkhead.elf", system.system, system.board, system.layout)
    except NotAnImage:
        return {"refused"}
    return {check.name for check in report.checks if not check.passed}


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says something at the end of the whole run (tests/conftest.py)."""
    return lambda text: record_property("tally", f"verify, {text}")


def test_the_image_itself_is_isolated() -> None:
    assert found(build().data) == set()


@pytest.mark.parametrize("group", GROUPS)
def test_every_mutation_is_caught(group: str, tell: Callable[[str], None]) -> None:
    missed, by, total = [], set(), 0
    for name, data in GROUPS[group]():
        if data == build().data:
            continue
        total += 1
        checks = found(data)
        by.update(checks)
        if not checks:
            missed.append(name)
    tell(f"{group}: {total:,} mutations, {total - len(missed):,} caught, by {len(by)} checks")
    assert missed == []


def test_what_does_not_matter_is_not_refused(tell: Callable[[str], None]) -> None:
    total, refused = 0, []
    for name, data in harmless():
        total += 1
        if checks := found(data):
            refused.append((name, checks))
    tell(f"harmless: {total:,} mutations, {len(refused)} refused")
    assert refused == []


def truth() -> naive.Truth:
    """What the second judge has to know of the good image."""
    _, facts = good()
    sections = facts.sections
    where = {f.path: f.address for f in config_fields()}
    copies = [page for vm in facts.vms for r in vm.restores if r.source
              for page in range(r.source, r.source + r.size, PAGE)]
    fixed = [page for vm in facts.vms for e in vm.walk.extents if e.ipa < 0x8000_0000 or vm.restores
             for page in range(e.phys, e.phys_end, PAGE)]
    compared = [(f.address, f.size) for f in config_fields() if not harmless_field(f) and ".stage2" not in f.path]
    return naive.Truth(
        guests=tuple(where[f"vms[{i}].stage2"] for i in range(len(facts.vms))), own_root=facts.own.root,
        blob=sections[".tables"], window=(sections[".text"][0], sections[".tables"][1]),
        free=(0x8008_0000, 0xffe0_0000),
        taken=frozenset(copies), compared=tuple(compared + [(page, PAGE) for page in copies]), fixed=frozenset(fixed),
        top=max(e.phys_end for vm in facts.vms for e in vm.walk.extents) - PAGE)


def test_random_bits_are_judged_as_by_the_second_judge(tell: Callable[[str], None]) -> None:
    seed = int(os.environ.get("BULKHEAD_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    count = int(os.environ.get("BULKHEAD_FLIPS", "200"))
    chance = random.Random(seed)
    elf, facts = good()
    known = truth()
    state = naive.state(build().data, known)
    trees = [e.phys + vm.dtb - e.ipa for vm in facts.vms if (e := vm.walk.at(vm.dtb)) is not None]
    places = {"tables": [known.blob],
              "configuration": [(f.address, f.address + f.size) for f in config_fields() if f.path != "console.cpu"],
              "contents": [(s.base, s.end) for s in elf.segments if s.base >= known.blob[1]
                           and not any(s.base <= tree < s.end for tree in trees)],
              "entries": [(where, where + 8) for walk in (facts.own, *(vm.walk for vm in facts.vms))
                          for where, _, _, _ in slots(walk)]}
    tally: Counter[str] = Counter()
    for _ in range(count):
        kind = chance.choice(sorted(places))
        address = chance.randrange(*chance.choice(places[kind]))
        data = bytearray(build().data)
        data[offset(address)] ^= 1 << chance.randrange(8)
        harm = naive.judge(bytes(data), build().data, state, known)
        checks = found(bytes(data))
        tally["harmful" if harm else "harmless"] += 1
        assert bool(harm) == bool(checks), (f"seed {seed}: byte {address:#x} ({kind}): the second judge says "
                                            f"{harm or 'harmless'!r}, verify {checks or 'isolated'}")
    tell(f"random bits: {count:,} flipped (seed {seed}), {tally['harmful']:,} harmful and caught, "
         f"{tally['harmless']:,} harmless and accepted")
