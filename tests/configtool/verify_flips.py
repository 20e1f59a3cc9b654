# SPDX-License-Identifier: Apache-2.0
"""Random bits of an image, flipped one at a time: verify and the second judge (verify_naive) have to agree on each."""
from __future__ import annotations

import os
import random
from collections import Counter
from typing import Callable, Iterable

import verify_naive as naive
from configtool.verify import code_aarch64
from configtool.verify.elf import Elf
from configtool.verify.expect import expect
from configtool.verify.facts import Facts
from configtool.verify.walk import Walk
from verify_fields import Field, number
from verify_system import Verified

PAGE = 4096


def truth(system: Verified, elf: Elf, facts: Facts, fields: Iterable[Field], harmless: Callable[[Field], bool]) -> naive.Truth:
    """What the second judge has to know of the good image."""
    sections, every = facts.sections, list(fields)
    where = {f.path: f.address for f in every}
    bank = system.board.memory[0].base
    restarts = [vm.restart.walk for vm in facts.vms if vm.restart is not None]
    copies = [walk for vm in facts.vms for r in vm.restores if r.source for walk in [
        (vm.restart.walk if vm.restart else facts.own).within(r.source, r.size)]]
    taken = [page for parts in copies for e in parts for page in range(e.phys, e.phys_end, PAGE)]
    fixed = [page for vm in facts.vms for e in vm.walk.extents if e.ipa < bank or vm.restores
             for page in range(e.phys, e.phys_end, PAGE)]
    compared = [(f.address, f.size) for f in every if not harmless(f) and ".stage2" not in f.path]
    arm = facts.arch == "aarch64"
    return naive.Truth(
        guests=tuple(where[f"vms[{i}].stage2"] for i in range(len(facts.vms))), own_root=facts.own.root,
        blob=sections[".tables"], window=(sections[".text"][0], sections[".tables"][1]), free=tuple(expect(system.system, system.board).ram),
        taken=frozenset(taken), compared=tuple(compared + [(page, PAGE) for page in taken]), fixed=frozenset(fixed),
        top=max(e.phys_end for vm in facts.vms for e in vm.walk.extents) - PAGE,
        kind="aarch64" if arm else {"riscv64": "sv39", "riscv32": "sv32"}[facts.arch],
        others=tuple(walk.root for walk in restarts),
        start=(_start(facts.vms[0].walk), _start(facts.own)) if arm else (),
        mair=code_aarch64.constants(elf).mair if arm else 0)


def _start(walk: Walk) -> tuple[int, int]:
    """(level, bytes) of an Arm root: 'stage 2, 40 bits'."""
    bits, size = int(walk.format.split()[-2]), walk.tables[0][1]
    return 3 - (bits - (size // 8).bit_length() + 1 - 12) // 9, size


def agree(system: Verified, image: tuple[Elf, Facts], fields: Iterable[Field], harmless: Callable[[Field], bool], count: int,
          found: Callable[[bytes], set[str]]) -> str:
    """Flips bits and compares; the tally."""
    seed = int(os.environ.get("BULKHEAD_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    chance = random.Random(seed)
    (elf, facts), every = image, list(fields)
    known = truth(system, elf, facts, every, harmless)
    state = naive.state(system.data, known)
    assert naive.judge(system.data, system.data, state, known) == ""
    trees = [e.phys + vm.dtb - e.ipa for vm in facts.vms if (e := vm.walk.at(vm.dtb)) is not None]
    width = 4 if facts.arch == "riscv32" else 8
    nodes = [node for walk in (facts.own, *(vm.walk for vm in facts.vms),
                               *(vm.restart.walk for vm in facts.vms if vm.restart)) for node in walk.tables]
    places = {"tables": [known.blob],
              "configuration": [(f.address, f.address + f.size) for f in every if f.path != "console.cpu"],
              "contents": [(s.base, s.end) for s in elf.segments if s.base >= known.blob[1]
                           and not any(s.base <= tree < s.end for tree in trees)],
              "entries": [(at, at + width) for base, size in nodes for at in range(base, base + size, width)
                          if number(elf, at, width) & 1]}
    tally: Counter[str] = Counter()
    for _ in range(count):
        kind = chance.choice(sorted(places))
        address = chance.randrange(*chance.choice(places[kind]))
        segment = next(s for s in elf.segments if s.base <= address < s.end)
        data = bytearray(system.data)
        data[segment.offset + address - segment.base] ^= 1 << chance.randrange(8)
        harm = naive.judge(bytes(data), system.data, state, known)
        checks = found(bytes(data))
        tally["harmful" if harm else "harmless"] += 1
        assert bool(harm) == bool(checks), (f"seed {seed}: byte {address:#x} ({kind}): the second judge says "
                                            f"{harm or 'harmless'!r}, verify {checks or 'isolated'}")
    return (f"random bits of {system.board.name}: {count:,} flipped (seed {seed}), {tally['harmful']:,} harmful and caught, "
            f"{tally['harmless']:,} harmless and accepted")
