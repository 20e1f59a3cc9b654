# SPDX-License-Identifier: Apache-2.0
"""RISC-V translation tables, walked as the hardware walks them.

Source: The RISC-V Instruction Set Manual, Volume II, Privileged Architecture: "Supervisor Address Translation and
Protection Register", "Virtual Address Translation Process", "Sv32", "Sv39", "Sv48", "Sv57"; for the G stage "Hypervisor
Guest Address Translation and Protection Register" and "Guest Physical Address Translation".
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

from .walk import Flaw, Reader, Walk, joined

_V, _R, _W, _X, _U, _G, _A, _D = (1 << bit for bit in range(8))
_SOFTWARE = 0b11 << 8               # RSW: the hardware ignores it
_PPN = 10                           # first bit of the physical page number
_RESERVED64 = 0x3ff << 54           # 60..54 reserved, 62..61 PBMT (Svpbmt), 63 N (Svnapot): Bulkhead uses none of them
_ACCESS = {bits: "".join(name for bit, name in ((_R, "r"), (_W, "w"), (_X, "x")) if bits & bit) for bits in range(16)}


@dataclass(frozen=True)
class Format:
    name: str
    entry: int                      # bytes
    bits: tuple[int, ...]           # index bits of each level from the lowest on
    guest: bool                     # G stage

    def table_size(self, level: int) -> int:
        return self.entry << self.bits[level]

    def leaf_size(self, level: int) -> int:
        return 1 << 12 + sum(self.bits[:level])


# MODE of satp and of hgatp, by register width.
_STAGE1 = {64: {8: Format("sv39", 8, (9, 9, 9), False), 9: Format("sv48", 8, (9,) * 4, False),
                10: Format("sv57", 8, (9,) * 5, False)},
           32: {1: Format("sv32", 4, (10, 10), False)}}
_STAGE2 = {64: {8: Format("sv39x4", 8, (9, 9, 11), True), 9: Format("sv48x4", 8, (9, 9, 9, 11), True),
                10: Format("sv57x4", 8, (9, 9, 9, 9, 11), True)},
           32: {1: Format("sv32x4", 4, (10, 12), True)}}
_NONE = {True: "hgatp", False: "satp"}


@dataclass(frozen=True)
class Root:
    """hgatp or satp in its parts. `problem`: why the register does not name a root, else ''."""
    format: Format | None
    table: int
    id: int                         # VMID or ASID
    problem: str = ""


def root(value: int, bits: int, guest: bool) -> Root:
    """Decode hgatp (guest) or satp."""
    if bits == 64:
        mode, number, page = value >> 60, value >> 44 & 0xffff, value & (1 << 44) - 1
        widest = 14 if guest else 16
    else:
        mode, number, page = value >> 31 & 1, value >> 22 & 0x1ff, value & (1 << 22) - 1
        widest = 7 if guest else 9
    format = (_STAGE2 if guest else _STAGE1)[bits].get(mode)
    table = page << 12
    problem = ""
    if value >> bits:
        problem = f"it has more than {bits} bits"
    elif mode == 0:
        problem = "its MODE is Bare: addresses are not translated at all"
    elif format is None:
        problem = f"its MODE {mode} is reserved"
    elif number >> widest:
        problem = f"reserved bits above its {'VMID' if guest else 'ASID'} are set"
    elif guest and page & 3:
        problem = f"its root at {table:#x} is not aligned to 16 KiB"
    return Root(format, table, number & (1 << widest) - 1, problem)


def walk(root_: Root, read: Reader) -> Walk:
    """Everything that the root reaches. Entries that are flawed map nothing and are listed in `flaws`."""
    format = root_.format
    found = Walk(format.name if format else "", root_.table)
    if format is None or root_.problem:
        return found
    found.extents = joined(_node(found, format, read, root_.table, len(format.bits) - 1, 0))
    return found


def _node(found: Walk, format: Format, read: Reader, table: int, level: int, prefix: int) -> Iterator[tuple[int, int,
                                                                                                            int, str,
                                                                                                            str]]:
    size = format.table_size(level)
    data = read(table, size)
    if data is None:
        found.flaws.append(Flaw(table, 0, prefix, "is a table that the image does not hold"))
        return
    found.tables.append((table, size))
    entries = memoryview(data).cast("Q" if format.entry == 8 else "I").tolist()
    span = format.leaf_size(level)
    # Where the upper half of a stage-1 address space begins, and what lifts it to the end of 64 bits.
    reach = span * len(entries)
    upper = not format.guest and format.entry == 8 and level == len(format.bits) - 1
    top, high = (reach // 2, (1 << 64) - reach) if upper else (1 << 65, 0)

    step = span >> 12 << _PPN           # from one entry to the next, where what they map goes on
    index = 0
    while index < len(entries):
        entry = entries[index]
        if not entry & _V:              # the hardware looks at no other bit
            index += 1
            continue
        at, where = prefix + index * span, table + index * format.entry
        if at >= top:                   # virtual addresses are sign-extended
            at += high
        run = 1
        if entry & (_R | _W | _X):
            while not upper and index + run < len(entries) and entries[index + run] == entry + run * step:
                run += 1
            last = run - 1              # what is right for the first and the last of a run is so for all
            if _leaf(found, format, entry, where, at, span) and (not last or _leaf(
                    found, format, entry + last * step, where + last * format.entry, at + last * span, span)):
                found.leaves[span] = found.leaves.get(span, 0) + run
                yield at, _physical(format, entry), run * span, _ACCESS[entry & 0b1110], ""
        elif level == 0:
            found.flaws.append(Flaw(where, entry, at, "is a pointer to a further table at the last level"))
        elif entry & (_U | _A | _D | (_G if format.guest else 0)) or format.entry == 8 and entry & _RESERVED64:
            found.flaws.append(Flaw(where, entry, at, "is a pointer with flags or reserved bits set"))
        else:
            yield from _node(found, format, read, _physical(format, entry), level - 1, at)
        index += run


def _physical(format: Format, entry: int) -> int:
    return (entry & (1 << 54) - 1 if format.entry == 8 else entry) >> _PPN << 12


def _leaf(found: Walk, format: Format, entry: int, where: int, ipa: int, span: int) -> bool:
    """Whether an entry is a leaf that the hardware takes; if not, the flaw is noted."""
    why = ""
    if format.entry == 8 and entry & _RESERVED64:
        why = "has reserved bits set"
    elif entry & _W and not entry & _R:
        why = "is writable but not readable, which is reserved"
    elif _physical(format, entry) % span:
        why = f"is a superpage that is not aligned to its size: {_physical(format, entry):#x}"
    elif format.guest and not entry & _U:
        why = "lacks U: all accesses of a guest count as user-mode ones in the G stage"
    elif format.guest and entry & _G:
        why = "has G set, which is reserved in the G stage"
    elif not format.guest and entry & _U:
        why = "has U set: the hypervisor itself could not use it"
    elif not entry & _A or entry & _W and not entry & _D:
        why = "lacks A or D: the hardware would fault, or write the table"
    if why:
        found.flaws.append(Flaw(where, entry, ipa, why))
    return not why
