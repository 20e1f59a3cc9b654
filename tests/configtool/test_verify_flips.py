# SPDX-License-Identifier: Apache-2.0
"""Random bits of images of the other architectures, judged by verify and by the second judge; and RISC-V of 32 bits altered
in ways of known effect, as test_verify_mutation.py does for 64 bits and test_verify_aarch64.py for Arm."""
from __future__ import annotations

import os
import struct
from typing import Callable, Iterator

import pytest

from configtool.verify.walk import Walk
from verify_boards import build, configuration, found, good, harmless, meaningful, patched
from verify_fields import fields, number
from verify_flips import agree

RV32 = "qemu-riscv32-virt"
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
PAGE = 4096


@pytest.mark.parametrize("board", [RV32, "qemu-aarch64-virt-gicv2", "qemu-aarch64-virt-gicv3",
                                   "qemu-aarch64-virt-gicv3 direct", "qemu-riscv64-virt-aia"])
def test_random_bits_are_judged_as_by_the_second_judge(board: str, record_property: Callable[[str, object], None]) -> None:
    count = int(os.environ.get("BULKHEAD_FLIPS", "100"))
    every = fields(good(board)[0], build(board).layout)
    record_property("tally", "verify, " + agree(build(board), good(board), every, lambda field: harmless(board, field), count,
                                                lambda data: found(board, data)))


def slots(walk: Walk) -> Iterator[tuple[int, int, int]]:
    """(address, entry, level) of every valid entry of Sv32."""
    root = walk.tables[0]
    for where in range(root[0], root[0] + root[1], 4):
        entry = number(good(RV32)[0], where, 4)
        if entry & V:
            yield where, entry, 1
            if not entry & (R | W | X):
                below = (entry >> 10) * PAGE
                yield from ((at, low, 0) for at in range(below, below + PAGE, 4) if (low := number(good(RV32)[0], at, 4)) & V)


def _entries(board: str) -> Iterator[tuple[str, bytes]]:
    facts = good(board)[1]
    sections = [facts.sections[name] for name in (".text", ".rodata", ".data")]
    for name, walk, guest in [("own", facts.own, False)] + [(vm.name, vm.walk, True) for vm in facts.vms]:
        used = list(slots(walk))
        small = [s for s in used if s[2] == 0]
        for where, entry, level in [s for s in used if s[2] == 1] + small[::max(1, len(small) // 8)] + small[-1:]:
            page = (entry >> 10) * PAGE
            if not guest and level == 0 and page >= facts.sections[".text"][0] and not any(
                    low <= page < high for low, high in sections):
                continue                # a page of a window that its section does not fill
            leaf = bool(entry & (R | W | X))
            ignored = {8, 9} | ({5} if not guest else set())        # for software; G of the hypervisor's own
            ignored |= {D.bit_length() - 1} if leaf and not entry & W else set()
            if guest and leaf:          # where in free RAM empty memory lies
                ignored |= set(range(20, 30))
            for bit in sorted(set(range(32)) - ignored):
                yield f"{name} {where:#x} level {level}: bit {bit}", patched(board, where, struct.pack("<I", entry ^ 1 << bit))
            yield f"{name} {where:#x}: removed", patched(board, where, bytes(4))
            if guest and leaf and level == 0:
                for what, physical in (("code", facts.sections[".text"][0]), ("tables", facts.sections[".tables"][0]),
                                       ("firmware", 0x8000_0000), ("the console", 0x1000_0000), ("a virtio device", 0x1000_1000),
                                       ("the interrupt controller", 0x0c00_0000), ("above 4 GiB", 0x3_0000_0000)):
                    yield (f"{name} {where:#x}: {what}",
                           patched(board, where, struct.pack("<I", physical // PAGE << 10 | entry & 0x3ff)))
    alpha, beta = facts.vms
    for vm, other in ((alpha, beta), (beta, alpha)):
        mine, theirs = ([s for s in slots(tree) if s[2] == 0] for tree in (vm.walk, other.walk))
        for (where, entry, _), (_, taken, _) in zip(mine[3::60], theirs[5::60]):
            yield f"{vm.name} {where:#x}: page of {other.name}", patched(board, where, struct.pack("<I", taken))


def _registers(board: str) -> Iterator[tuple[str, bytes]]:
    where = {f.path: f.address for f in meaningful(board)}
    alpha, beta = good(board)[1].vms
    for i, vm, other in ((0, alpha, beta), (1, beta, alpha)):
        at, value = where[f"vms[{i}].stage2"], vm.tables.register
        for bit in range(64):
            if bit not in range(22, 29):        # another VMID, which may be nobody's
                yield f"hgatp of {i}: bit {bit}", patched(board, at, struct.pack("<Q", value ^ 1 << bit))
        yield f"hgatp of {i}: the other's", patched(board, at, struct.pack("<Q", other.tables.register))
        yield f"VMID of {i}: none", patched(board, at, struct.pack("<Q", value & ~(0x7f << 22)))
        yield f"VMID of {i}: the other's", patched(board, at, struct.pack(
            "<Q", value & ~(0x7f << 22) | other.tables.register & 0x7f << 22))


@pytest.mark.parametrize("kind, mutations", [("entries", _entries), ("registers", _registers),
                                             ("configuration", configuration)])
def test_every_mutation_is_caught(kind: str, mutations: Callable[[str], Iterator[tuple[str, bytes]]],
                                  record_property: Callable[[str, object], None]) -> None:
    assert found(RV32, build(RV32).data) == set()
    total, missed = 0, []
    for name, data in mutations(RV32):
        if data == build(RV32).data:
            continue
        total += 1
        if not found(RV32, data):
            missed.append(name)
    record_property("tally", f"verify, {RV32}, {kind}: {total:,} mutations, {total - len(missed):,} caught")
    assert missed == []
