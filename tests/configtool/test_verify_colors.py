# SPDX-License-Identifier: Apache-2.0
"""verify on images with cache colours: good ones pass, and each of these alterations is named by the check for it."""
from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from typing import Iterator

import pytest

from configtool.verify.elf import Elf, parse
from configtool.verify.facts import Facts, gather
from configtool.verify.judge import verify
from configtool.verify.walk import Extent
from verify_system import Verified, files, make, pattern

PAGE = 4096
_YAML = """\
# SPDX-License-Identifier: Apache-2.0
bulkhead: 1
name: colored
board: BOARD
hypervisor: {colors: HYPERVISOR}
channels:
  news: {size: 16KiB, from: alpha, to: [beta]}
  own: {size: 8KiB, between: [alpha, beta], colors: 15}
vms:
  alpha:
    criticality: 5
    colors: 4-7
    vcpus: 1
    memory: {ram: 1MiB, table: {size: 64KiB, colors: [12, 14], access: rw}}
    image: {file: alpha.bin, at: RAM}
    on_fault: {action: restart}
  beta:
    colors: 25%
    vcpus: 1
    memory: {ram: 512KiB}
    image: {file: beta.bin, at: RAM}
"""
BOARDS = {"qemu-riscv64-virt": ("0x80000000", "0-1"), "qemu-aarch64-virt-gicv3": ("0x40000000", "auto")}


@functools.lru_cache(maxsize=None)
def built(board: str) -> tuple[Verified, Elf, Facts]:
    ram, own = BOARDS[board]
    text = _YAML.replace("BOARD", board).replace("RAM", ram).replace("HYPERVISOR", own)
    made = make({**files(), "system.yaml": text.encode(), "alpha.bin": pattern(3, 30_000), "beta.bin": pattern(11, 9_000)})
    elf = parse(made.data)
    return made, elf, gather(elf, made.layout)


def failed(board: str, data: bytes) -> set[str]:
    made = built(board)[0]
    return {check.name for check in verify(data, "bulkhead.elf", made.system, made.board, made.layout).checks
            if check.findings}


@dataclass(frozen=True)
class Image:
    board: str

    def patch(self, physical: int, value: bytes) -> bytes:
        made, elf, _ = built(self.board)
        [segment] = elf.within(physical, physical + 1)
        at = segment.offset + physical - segment.base
        return made.data[:at] + value + made.data[at + len(value):]

    def leaf_of(self, walk: object, ipa: int) -> tuple[int, int]:
        """(physical address, value) of the entry that maps a page: it is found by what it maps."""
        _, elf, _ = built(self.board)
        extent: Extent = walk.at(ipa)                                       # type: ignore[attr-defined]
        number = (extent.phys + ipa - extent.ipa) // PAGE
        index = ipa // PAGE % 512
        for table, size in walk.tables:                                     # type: ignore[attr-defined]
            if size != PAGE:
                continue
            value = int.from_bytes(elf.read(table + 8 * index, 8) or b"", "little")
            found = value >> 10 & (1 << 44) - 1 if "riscv" in self.board else value >> 12 & (1 << 36) - 1
            if found == number and value & 1 and (value & 0xe if "riscv" in self.board else value & 2):
                return table + 8 * index, value
        raise AssertionError(f"no entry maps {ipa:#x}")

    def moved(self, walk: object, ipa: int, physical: int) -> bytes:
        """The page mapped elsewhere."""
        where, value = self.leaf_of(walk, ipa)
        if "riscv" in self.board:
            value = value & 0x3ff | physical // PAGE << 10
        else:
            value = value & ~(((1 << 36) - 1) << 12) | physical
        return self.patch(where, struct.pack("<Q", value))


def alterations(board: str) -> Iterator[tuple[str, str, bytes]]:
    """(what, the check that has to name it, the image)."""
    image, (made, _, facts) = Image(board), built(board)
    alpha, beta = facts.vms
    free = max(b.end for b in made.board.memory) // PAGE // 32 * 16 * PAGE      # color 0, nobody's, in the middle of RAM
    zero = alpha.entry + (512 << 10)
    yield "a page of alpha of a color of nobody's", "colors", image.moved(alpha.walk, zero, free + 13 * PAGE)
    yield "a page of alpha of the hypervisor's color", "colors", image.moved(alpha.walk, zero, free + PAGE)
    theirs = beta.walk.at(min(e.ipa for e in beta.walk.extents if "x" in e.access))
    assert theirs is not None
    yield "a page of alpha of beta's color", "colors", image.moved(alpha.walk, zero, free + theirs.phys // PAGE % 16 * PAGE)
    yield "a page of beta of one color more", "colors", image.moved(beta.walk, theirs.ipa + (256 << 10), free + 15 * PAGE)
    table = next(p for p in alpha.places if p.name == "memory.table")
    yield "a page of a region of its VM's color", "colors", image.moved(alpha.walk, table.ipa, free + 4 * PAGE)
    channel = next(p for p in alpha.places if p.name == "channels.news")
    yield "a page of a channel at one end alone", "channels", image.moved(alpha.walk, channel.ipa, free + 8 * PAGE)
    own = facts.own
    data = facts.sections[".data"][0]
    yield "the hypervisor's data elsewhere than it is loaded", "image-file", image.moved(own, data, free + PAGE)
    stack = facts.cpus[0].stack - PAGE
    yield "a stack of alpha's color", "colors", image.moved(own, stack, free + 4 * PAGE)
    copy = next(r.source for r in alpha.restores if r.source)
    yield "a pristine copy from elsewhere", "restart", image.moved(alpha.restart.walk if alpha.restart else own, copy,
                                                                   free + 4 * PAGE)
    # Program headers: where a piece of the image is loaded.
    offset, size, count = struct.unpack_from("<Q", made.data, 32)[0], *struct.unpack_from("<HH", made.data, 54)
    for i in range(0, count, max(1, count // 12)):
        at = offset + i * size + 24
        physical, = struct.unpack_from("<Q", made.data, at)
        changed = made.data[:at] + struct.pack("<Q", free + 3 * PAGE) + made.data[at + 8:]
        yield f"piece {i} at {physical:#x} loaded elsewhere", "", changed
    lost = made.data[:56] + struct.pack("<H", count - 1) + made.data[58:]
    yield "the last piece not loaded", "", lost


@pytest.mark.parametrize("board", BOARDS)
def test_good_image(board: str) -> None:
    made, _, facts = built(board)
    report = verify(made.data, "bulkhead.elf", made.system, made.board, made.layout)
    assert not [f.message for check in report.checks for f in check.findings]
    assert facts.scattered and len(facts.ranges[".text"]) > 2
    check = next(check for check in report.checks if check.name == "colors")
    assert check.evidence[-1] == "16 colors; 10 pairs of owners with none in common"


@pytest.mark.parametrize("board", BOARDS)
def test_alterations_are_named(board: str) -> None:
    wrong = []
    for what, name, data in alterations(board):
        found = failed_or_refused(board, data)
        if not found or name and name not in found:
            wrong.append((what, name, found))
    assert wrong == []


def failed_or_refused(board: str, data: bytes) -> set[str]:
    from configtool.verify.elf import NotAnImage

    try:
        return failed(board, data)
    except NotAnImage as reason:
        return {str(reason)}
