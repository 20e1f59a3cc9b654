# SPDX-License-Identifier: Apache-2.0
"""A second judge of an image, for the tests of verify: page by page, entry by entry, with nothing of configtool in it.

It knows an image that is good, and says of an altered one whether a guest could reach or lack anything for it. It is
slow and small. Source: The RISC-V Instruction Set Manual, Volume II, Privileged Architecture.
"""
from __future__ import annotations

from dataclasses import dataclass

PAGE = 4096


class Harm(Exception):
    """What a guest could notice, or could do."""


class Image:
    """Bytes by physical address, from the program headers alone."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.parts: list[tuple[int, int, int]] = []     # physical address, bytes, offset in the file
        start, step, count = word(data, 32, 8), word(data, 54, 2), word(data, 56, 2)
        for i in range(count):
            at = start + i * step
            if word(data, at, 4) == 1:
                self.parts.append((word(data, at + 24, 8), word(data, at + 32, 8), word(data, at + 8, 8)))

    def offset(self, address: int) -> int | None:
        for base, size, offset in self.parts:
            if base <= address < base + size:
                return offset + address - base
        return None

    def page(self, address: int) -> bytes:
        """A page's bytes; zeros where the image does not reach."""
        for base, size, offset in self.parts:
            if base <= address < base + size:
                return self.data[offset + address - base:offset + min(address - base + PAGE, size)].ljust(PAGE, b"\0")
        return bytes(PAGE)


def word(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at:at + size], "little")


Pages = dict[int, tuple[int, int]]      # address -> (physical address, flags R, W, X as 1, 2, 4)


def pages(image: Image, root: int, guest: bool, blob: tuple[int, int]) -> Pages:
    """Every page of a tree of three levels. Raises Harm where the hardware would fault, or read beyond the blob."""
    found: Pages = {}

    def visit(table: int, level: int, address: int) -> None:
        count = 2048 if guest and level == 2 else 512
        if not blob[0] <= table <= blob[1] - count * 8:
            raise Harm(f"table at {table:#x}")
        start = image.offset(table)
        assert start is not None
        span = PAGE << 9 * level
        for index in range(count):
            entry = word(image.data, start + index * 8, 8)
            if entry & 1 == 0:
                continue
            if entry >> 54:
                raise Harm("reserved bits")
            target, here = (entry >> 10) * PAGE, address + index * span
            rights = entry >> 1 & 7
            if rights == 0:
                if level == 0 or entry & 0b11010000 or guest and entry & 0b100000:
                    raise Harm("bad pointer")
                visit(target, level - 1, here)
                continue
            user, global_, accessed, dirty = (entry >> bit & 1 for bit in (4, 5, 6, 7))
            if rights & 3 == 2 or target % span or user != guest or guest and global_:
                raise Harm("bad leaf")
            if not accessed or rights & 2 and not dirty:
                raise Harm("a leaf that the hardware would write")
            for offset in range(0, span, PAGE):
                found[here + offset] = (target + offset, rights)

    visit(root, 2, 0)
    return found


@dataclass(frozen=True)
class Truth:
    """What is known of the good image."""
    guests: tuple[int, ...]             # addresses of the words that hold each VM's hgatp
    own_root: int
    blob: tuple[int, int]               # section .tables
    window: tuple[int, int]             # the hypervisor's memory
    free: tuple[int, int]               # RAM of which guests may have any
    taken: frozenset[int]               # pages in it that no guest may have: pristine copies
    compared: tuple[tuple[int, int], ...]       # ranges (physical address, bytes) that mean something, byte for byte
    fixed: frozenset[int]               # pages that the configuration names, too: channels, devices, restored memory
    top: int                            # the highest page that guests have: memory is probed up to there


def state(data: bytes, truth: Truth) -> tuple[list[Pages], Pages, Image]:
    image = Image(data)
    guests = []
    numbers = set()
    for where in truth.guests:
        offset = image.offset(where)
        assert offset is not None
        register = word(data, offset, 8)
        number = register >> 44 & 0x3fff
        if register >> 58 != 8 << 2 or register & 3 or number == 0 or number in numbers:
            raise Harm("hgatp")
        numbers.add(number)
        guests.append(pages(image, (register & (1 << 44) - 1) * PAGE, True, truth.blob))
    return guests, pages(image, truth.own_root, False, truth.blob), image


def judge(data: bytes, good: bytes, good_state: tuple[list[Pages], Pages, Image], truth: Truth) -> str:
    """'' for an image that does what the good one does; else the harm. The two differ in bytes of segments alone."""
    try:
        guests, own, image = state(data, truth)
        good_guests, good_own, good_image = good_state
        if own != good_own:
            raise Harm("the hypervisor's address space")
        for start, size in truth.compared:
            offset = good_image.offset(start)
            assert offset is not None
            if data[offset:offset + size] != good[offset:offset + size]:
                raise Harm(f"constants at {start:#x}")
        owners: dict[int, int] = {}
        for number, (now, before) in enumerate(zip(guests, good_guests)):
            if now.keys() != before.keys():
                raise Harm("pages that a guest has or lacks")
            for address, (physical, rights) in now.items():
                meant, meant_rights = before[address]
                if rights != meant_rights:
                    raise Harm("rights")
                if image.page(physical) != good_image.page(meant):
                    raise Harm("contents")
                if meant in truth.fixed:
                    if physical != meant:
                        raise Harm("something moved that the configuration tells of")
                    continue
                if not truth.free[0] <= physical < truth.free[1] or truth.window[0] <= physical < truth.window[1]:
                    raise Harm("memory that is no guest's")
                if physical in truth.taken or physical in truth.fixed:
                    raise Harm("memory that is somebody's")
                if owners.setdefault(physical, number) != number:
                    raise Harm("memory of two")
            if len({p for p, _ in now.values()}) != len(now):
                raise Harm("memory twice")
        if max(page for now in guests for page, _ in now.values()) != truth.top:
            raise Harm("memory that is not probed")
        return ""
    except Harm as harm:
        return str(harm)
