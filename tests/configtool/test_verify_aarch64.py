# SPDX-License-Identifier: Apache-2.0
"""verify on AArch64: images for both kinds of GIC, and altered ones, each alteration of known effect."""
from __future__ import annotations

import struct
from typing import Callable, Iterator

import pytest

from configtool.verify.walk import Walk
from verify_boards import SPIN, build, configuration, found, good, meaningful, patched
from verify_fields import fields, number

PAGE = 4096


def slots(board: str, walk: Walk, level: int) -> Iterator[tuple[int, int, int]]:
    """(address, entry, level) of every valid entry."""
    def visit(table: int, size: int, at: int) -> Iterator[tuple[int, int, int]]:
        for where in range(table, table + size, 8):
            entry = number(good(board)[0], where, 8)
            if entry & 1:
                yield where, entry, at
                if entry & 2 and at < 3:
                    yield from visit(entry & 0xfffffffff000, PAGE, at + 1)

    return visit(walk.root, walk.tables[0][1], level)


BOARDS = ("qemu-aarch64-virt-gicv2", "qemu-aarch64-virt-gicv3", "qemu-aarch64-virt-gicv3 direct", SPIN)


@pytest.mark.parametrize("board", BOARDS)
def test_good_images(board: str) -> None:
    assert found(board, build(board).data) == set()


def _ignored(entry: int, level: int, guest: bool) -> set[int]:
    """Bits of an entry that change nothing that matters."""
    if level < 3 and entry & 2:
        return {*range(2, 12), *range(52, 59)}
    if guest:                           # the kind of device; where in free RAM empty memory lies
        return {55, 56, 57, 58, *range(20, 31)} | ({2, 3, 8, 9} if not entry >> 4 & 3 else set())
    return {55, 56, 57, 58} | ({3, 4, 8, 9} if not entry >> 2 & 7 else set())       # device by another name


def _entries(board: str) -> Iterator[tuple[str, bytes]]:
    facts = good(board)[1]
    trees = [("own", facts.own, False)] + [(vm.name, vm.walk, True) for vm in facts.vms]
    trees += [(f"restart of {vm.name}", vm.restart.walk, False) for vm in facts.vms if vm.restart]
    sections = [facts.sections[name] for name in (".text", ".rodata", ".data")]
    for name, walk, guest in trees:
        used = list(slots(board, walk, 1))
        for where, entry, level in used[::max(1, len(used) // 4)] + used[-1:]:
            page = entry & 0xfffffffff000
            if not guest and level == 3 and page >= facts.sections[".text"][0] and not any(
                    low <= page < high for low, high in sections):
                continue                # a page of a window that its section does not fill
            for bit in sorted(set(range(64)) - _ignored(entry, level, guest)):
                yield f"{name} {where:#x} level {level}: bit {bit}", patched(board, where,
                                                                             struct.pack("<Q", entry ^ 1 << bit))
            yield f"{name} {where:#x}: removed", patched(board, where, bytes(8))
    alpha, beta = facts.vms
    for vm, other in ((alpha, beta), (beta, alpha)):
        mine = [s for s in slots(board, vm.walk, 1) if s[2] == 3]
        theirs = [s for s in slots(board, other.walk, 1) if s[2] == 3]
        for (where, _, _), (_, entry, _) in zip(mine[3::150], theirs[5::150]):
            yield f"{vm.name} {where:#x}: page of {other.name}", patched(board, where, struct.pack("<Q", entry))


def _registers(board: str) -> Iterator[tuple[str, bytes]]:
    where = {f.path: f.address for f in meaningful(board)}
    alpha, beta = good(board)[1].vms
    for i, vm, other in ((0, alpha, beta), (1, beta, alpha)):
        at, value = where[f"vms[{i}].stage2"], vm.tables.register
        for bit in range(64):
            if bit not in range(48, 56):        # another VMID, which may be nobody's
                yield f"vttbr of {i}: bit {bit}", patched(board, at, struct.pack("<Q", value ^ 1 << bit))
        yield f"vttbr of {i}: the other's", patched(board, at, struct.pack("<Q", other.tables.register))
        yield f"VMID of {i}: the other's", patched(board, at, struct.pack(
            "<Q", value & (1 << 48) - 1 | other.tables.register >> 48 << 48))


def _lines(board: str) -> Iterator[tuple[str, bytes]]:
    """Whose a virtual line is, of VMs that have their interrupts themselves: it is somebody else's, a device's, nobody's."""
    elf, facts = good(board)
    where = {f.path: f for f in fields(elf, build(board).layout)}
    alpha, beta = facts.vms
    for vm, other in ((alpha, beta), (beta, alpha)):
        lines = [n for n, source in enumerate(vm.irq_physical) if source == n >= 32 and n != 34]
        assert len(lines) == 2 and vm.uart_irq in lines
        for line in lines:
            owner = where[f"irq_owner[{line}].vm"].address
            yield f"line {line} of {vm.name} is nobody's", patched(board, owner, struct.pack("<HH", 0xffff, 0))
            yield f"line {line} of {vm.name} is {other.name}'s", patched(board, owner, struct.pack("<HH", other.index, line))
            yield f"line {line} of {vm.name} is another one there", patched(board, owner + 2, struct.pack("<H", line + 1))
            yield f"line {line} of {vm.name} is the hypervisor's", patched(board, owner, struct.pack("<HH", 0xfffe, 0))
        uart = where[f"vms[{vm.index}].uart_irq"].address
        for name, wrong in (("the RTC's", 34), ("the console's", 33), ("its timer's", 27), ("of the other VM", other.uart_irq)):
            yield f"the UART's line of {vm.name} is {name}", patched(board, uart, struct.pack("<H", wrong))
    for source in (27, 34):
        word = where[f"irq_edges[{source // 32}]"].address
        value = facts.irq_edges[source // 32]
        yield f"{source} is an edge", patched(board, word, struct.pack("<I", value | 1 << source % 32))


def _releases(board: str) -> Iterator[tuple[str, bytes]]:
    """The word that releases a CPU from the spin table: none, its neighbour's, one of no CPU, one across a page, somewhere
    in RAM, a device; and those of two CPUs exchanged."""
    cpus = good(board)[1].cpus
    assert [cpu.release for cpu in cpus] == [0xd8, 0xe0, 0xe8]
    where = {f.path: f.address for f in fields(good(board)[0], build(board).layout)}
    for index, cpu in enumerate(cpus):
        for value in {0, 0xd8, 0xe0, 0xe8, 0xf0, 0xf8, 0x1000, 0xfffc, cpu.release ^ 4, cpu.release | 1 << 32,
                      0x4000_0000, 0xfe20_1000, 1 << 63} - {cpu.release}:
            yield (f"the release word of {cpu.name} is {value:#x}",
                   patched(board, where[f"cpus[{index}].release"], struct.pack("<Q", value)))
    data = bytearray(patched(board, where["cpus[1].release"], struct.pack("<Q", cpus[2].release)))
    segment = next(s for s in good(board)[0].segments if s.base <= where["cpus[2].release"] < s.end)
    at = segment.offset + where["cpus[2].release"] - segment.base
    data[at:at + 8] = struct.pack("<Q", cpus[1].release)
    yield "two release words exchanged", bytes(data)


@pytest.mark.parametrize("board, kind, mutations", [
    (SPIN, "releases", _releases), (BOARDS[1], "entries", _entries), (BOARDS[1], "registers", _registers),
    (BOARDS[1], "configuration", configuration),
    (BOARDS[0], "registers", _registers), (BOARDS[2], "configuration", configuration),
    (BOARDS[2], "lines", _lines)])
def test_every_mutation_is_caught(board: str, kind: str, mutations: Callable[[str], Iterator[tuple[str, bytes]]],
                                  record_property: Callable[[str, object], None]) -> None:
    total, missed = 0, []
    for name, data in mutations(board):
        total += 1
        if not found(board, data):
            missed.append(name)
    record_property("tally", f"verify, {board}, {kind}: {total:,} mutations, {total - len(missed):,} caught")
    assert missed == []


def test_nothing_else_runs_with_the_mmu_off():
    """Each instruction from the write that switches it off, turned into a NOP or a return."""
    board = "qemu-aarch64-virt-gicv3"
    start = next(s.value for s in good(board)[0].symbols if s.name == "reach_word")
    behind = start + 4 * 4              # ADR, two MOVs, MSR
    for at in range(behind, behind + 4 * 12, 4):
        for instruction in (0xd503201f, 0xd65f03c0):
            if (at, instruction) != (behind + 4 * 11, 0xd65f03c0):      # the return that stands there
                assert found(board, patched(board, at, struct.pack("<I", instruction))) == {"refused"}, hex(at - start)
