# SPDX-License-Identifier: Apache-2.0
"""A second judge of an image, for the tests of verify: page by page, entry by entry, with nothing of configtool in it.

It knows an image that is good, and says of an altered one whether a guest could reach or lack anything for it. It is
slow and small. Sources: The RISC-V Instruction Set Manual, Volume II, Privileged Architecture (Sv39, Sv32, hgatp); Arm
Architecture Reference Manual, DDI 0487, D8.3 and D8.6 (descriptors of 4 KiB granules, stage 1 of EL2 and stage 2).
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
        if data[4] == 2:        # ELFCLASS64
            start, step, count, width, fields = word(data, 32, 8), word(data, 54, 2), word(data, 56, 2), 8, (24, 32, 8)
        else:
            start, step, count, width, fields = word(data, 28, 4), word(data, 42, 2), word(data, 44, 2), 4, (12, 16, 4)
        for i in range(count):
            at = start + i * step
            if word(data, at, 4) == 1:
                base, size, offset = (word(data, at + field, width) for field in fields)
                self.parts.append((base, size, offset))

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


# address -> (physical address, rights: R, W, X as 1, 2, 4; on Arm 8 for memory that is not a device's)
Pages = dict[int, tuple[int, int]]


def pages(image: Image, root: int, guest: bool, truth: Truth) -> Pages:
    """Every page of a tree. Raises Harm where the hardware would fault, or read beyond the blob."""
    return {"sv39": sv39, "sv32": sv32, "aarch64": aarch64}[truth.kind](image, root, guest, truth)


def table_at(image: Image, table: int, size: int, blob: tuple[int, int]) -> int:
    """Where a table lies in the file."""
    start = image.offset(table)
    if not blob[0] <= table <= blob[1] - size or start is None:
        raise Harm(f"table at {table:#x}")
    return start


def sv32(image: Image, root: int, guest: bool, truth: Truth) -> Pages:
    """Two levels of entries of 32 bits: the first has 1,024, of a guest 4,096."""
    found: Pages = {}
    for high in range(4096 if guest else 1024):
        first = table_at(image, root, 16384 if guest else 4096, truth.blob)
        upper = word(image.data, first + 4 * high, 4)
        if not upper % 2:
            continue
        if upper & 0b1110:
            for low in range(1024):         # a page of 4 MiB
                if upper >> 10 & 1023:
                    raise Harm("misaligned")
                found[high << 22 | low << 12] = (upper >> 10 << 12) + (low << 12), sv32_rights(upper, guest)
            continue
        if upper & 0b11010000 or guest and upper & 0b100000:
            raise Harm("bad pointer")
        second = table_at(image, upper >> 10 << 12, 4096, truth.blob)
        for low in range(1024):
            lower = word(image.data, second + 4 * low, 4)
            if lower % 2:
                found[high << 22 | low << 12] = lower >> 10 << 12, sv32_rights(lower, guest)
    return found


def sv32_rights(entry: int, guest: bool) -> int:
    read, write, execute, user, everyone, accessed, dirty = (bool(entry & 1 << bit) for bit in range(1, 8))
    if write and not read or not (read or write or execute) or user != guest or guest and everyone:
        raise Harm("bad leaf")
    if not accessed or write and not dirty:
        raise Harm("a leaf that the hardware would write")
    return read + 2 * write + 4 * execute


def aarch64(image: Image, root: int, guest: bool, truth: Truth) -> Pages:
    """Levels down to 3; the first tables have as many bytes as the registers say, and begin at the level that they say."""
    found: Pages = {}
    first_level, first_size = truth.start[0 if guest else 1]

    def visit(table: int, size: int, level: int, address: int) -> None:
        start = table_at(image, table, size, truth.blob)
        span = 1 << 12 + 9 * (3 - level)
        for index in range(size // 8):
            entry, here = word(image.data, start + 8 * index, 8), address + index * span
            form = entry & 3
            if form in (0, 2):
                continue
            if form == 3 and level < 3:
                if entry >> 59 or entry >> 48 & 15:
                    raise Harm("bad pointer")
                visit(entry & 0xfffffffff000, 4096, level + 1, here)
                continue
            if form == 1 and level in (0, 3):
                raise Harm("reserved form")
            rights = stage2_rights(entry) if guest else el2_rights(entry, truth.mair)
            target = entry & 0xfffffffff000
            if target % span:
                raise Harm("misaligned")
            for offset in range(0, span, PAGE):
                found[here + offset] = target + offset, rights

    visit(root, first_size, first_level, 0)
    return found


def stage2_rights(entry: int) -> int:
    if entry >> 59 or entry >> 48 & 0x3f or entry >> 11 & 1:
        raise Harm("bits that no entry has")
    if not entry & 1 << 10:
        raise Harm("AF")
    attributes = entry >> 2 & 15
    if attributes == 15 and entry >> 8 & 3 != 3 or 4 <= attributes < 15:
        raise Harm("attributes of memory")
    return (entry >> 6 & 3) + (0 if entry & 1 << 54 else 4) + (8 if attributes == 15 else 0)


def el2_rights(entry: int, mair: int) -> int:
    if entry >> 59 or entry >> 48 & 0x3f or entry >> 11 & 1 or entry >> 5 & 1 or not entry >> 6 & 1:
        raise Harm("bits that no entry has")
    if not entry & 1 << 10:
        raise Harm("AF")
    attributes = mair >> 8 * (entry >> 2 & 7) & 255
    if attributes == 255 and entry >> 8 & 3 != 3 or 16 <= attributes < 255:
        raise Harm("attributes of memory")
    return 1 + (0 if entry & 1 << 7 else 2) + (0 if entry & 1 << 54 else 4) + (8 if attributes == 255 else 0)


def sv39(image: Image, root: int, guest: bool, truth: Truth) -> Pages:
    """Three levels."""
    found: Pages = {}
    blob = truth.blob

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
    guests: tuple[int, ...]             # addresses of the words that hold each VM's hgatp, vttbr_el2
    own_root: int
    blob: tuple[int, int]               # section .tables
    window: tuple[int, int]             # the hypervisor's memory
    free: tuple[tuple[int, int], ...]   # RAM of which guests may have any
    taken: frozenset[int]               # pages in it that no guest may have: pristine copies
    compared: tuple[tuple[int, int], ...]       # ranges (physical address, bytes) that mean something, byte for byte
    fixed: frozenset[int]               # pages that the configuration names, too: channels, devices, restored memory
    top: int                            # the highest page that guests have: memory is probed up to there
    kind: str = "sv39"                  # 'sv32', 'aarch64'
    others: tuple[int, ...] = ()        # Arm: roots of the hypervisor's tables while a VM is restarted
    start: tuple[tuple[int, int], ...] = ()     # Arm: level and bytes of the first tables, of guests and of EL2
    mair: int = 0                       # Arm


def register_root(register: int, kind: str) -> tuple[int, int]:
    """(root, VMID) of a register."""
    if kind == "sv39":
        if register >> 58 != 8 << 2 or register & 3:
            raise Harm("hgatp")
        return (register & (1 << 44) - 1) * PAGE, register >> 44 & 0x3fff
    if kind == "sv32":
        if register >> 29 != 4 or register & 3:
            raise Harm("hgatp")
        return (register & (1 << 22) - 1) * PAGE, register >> 22 & 0x7f
    if register >> 56 or register & 1:
        raise Harm("vttbr_el2")
    return register & 0xffffffffffff, register >> 48


def state(data: bytes, truth: Truth) -> tuple[list[Pages], list[Pages], Image]:
    image = Image(data)
    guests = []
    numbers = set()
    for where in truth.guests:
        offset = image.offset(where)
        assert offset is not None
        root, number = register_root(word(data, offset, 8), truth.kind)
        if number == 0 or number in numbers:
            raise Harm("VMID")
        if truth.kind == "aarch64" and root % max(truth.start[0][1], 64):
            raise Harm("root")
        numbers.add(number)
        guests.append(pages(image, root, True, truth))
    return guests, [pages(image, root, False, truth) for root in (truth.own_root, *truth.others)], image


def judge(data: bytes, good: bytes, good_state: tuple[list[Pages], list[Pages], Image], truth: Truth) -> str:
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
                if not any(low <= physical < high for low, high in truth.free) or truth.window[0] <= physical < truth.window[1]:
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
