# SPDX-License-Identifier: Apache-2.0
"""AArch64 translation tables of EL2 and of stage 2, granule 4 KiB, walked as the hardware walks them.

Source: Arm Architecture Reference Manual for A-profile, DDI 0487: D8.2 "Translation process" (levels, initial lookup,
concatenated tables), D8.3 "Translation table descriptor formats", D8.4 "Memory access control", D8.6 "Memory region
attributes"; TCR_EL2, TTBR0_EL2, VTCR_EL2, VTTBR_EL2, MAIR_EL2 in D23.2.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

from .walk import Flaw, Reader, Walk, joined

_AF = 1 << 10
_ADDRESS = (1 << 48) - (1 << 12)
_SHIFT = {0: 39, 1: 30, 2: 21, 3: 12}       # bits that an entry of a level leaves to what is below
_INNER = 3                                  # SH: inner shareable
_STAGE1_REST = 1 << 5 | 1 << 11 | 0x7 << 48 | 0x7 << 51 | 0x1f << 59    # NS, nG, RES0, DBM, Contiguous, PXN, 63..59
_STAGE2_REST = 1 << 11 | 0x7 << 48 | 1 << 51 | 1 << 52 | 0x1f << 59     # FnXS, RES0, DBM, Contiguous, 63..59
_POINTER_REST = 0xf << 48 | 0x1f << 59              # RES0, NSTable, APTable, XNTable, PXNTable


@dataclass(frozen=True)
class Regime:
    """How tables are walked: TCR_EL2 with MAIR_EL2, or VTCR_EL2. `problem`: why they say nothing that is understood."""
    name: str                   # 'el2, 39 bits', 'stage 2, 40 bits'
    guest: bool
    bits: int                   # of an address
    level: int                  # of the initial lookup
    mair: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Root:
    """VTTBR_EL2 or TTBR0_EL2 in its parts."""
    regime: Regime
    table: int
    id: int                     # VMID; 0 in EL2's own regime
    problem: str = ""


def stage1(tcr: int, mair: int) -> Regime:
    """EL2's own regime, HCR_EL2.E2H = 0."""
    bits = 64 - (tcr & 0x3f)
    problem = _common(tcr, bits)
    if tcr >> 32 & 1:
        problem = "TCR_EL2.DS is set: addresses of 52 bits"
    return Regime(f"el2, {bits} bits", False, bits, 0 if bits > 39 else 1 if bits > 30 else 2, mair,
                  problem and f"TCR_EL2 {tcr:#x}: {problem}")


def stage2(vtcr: int) -> Regime:
    bits = 64 - (vtcr & 0x3f)
    level = {0: 2, 1: 1, 2: 0}.get(vtcr >> 6 & 3, -1)
    problem = _common(vtcr, bits)
    if problem:
        pass
    elif level < 0:
        problem = "its SL0 is reserved"
    elif not _SHIFT[level] < bits <= _SHIFT[level] + 9 + 4:
        problem = f"addresses of {bits} bits cannot start at level {level}"
    elif vtcr >> 19 & 1:
        problem = "VMIDs of 16 bits"
    return Regime(f"stage 2, {bits} bits", True, bits, level, 0, problem and f"VTCR_EL2 {vtcr:#x}: {problem}")


def _common(value: int, bits: int) -> str:
    if value >> 14 & 3:
        return "its granule is not 4 KiB"
    if not 25 <= bits <= 48:
        return f"addresses of {bits} bits"
    if value >> 21 & 3:
        return "the hardware updates access and dirty bits, which writes the tables"
    return ""


def root(regime: Regime, value: int) -> Root:
    """Decode VTTBR_EL2 or TTBR0_EL2."""
    table, number = value & (1 << 48) - 2, value >> 48
    size = _root_size(regime) if not regime.problem else 0
    problem = regime.problem
    if not problem and value & 1:
        problem = "its CnP bit is set"
    elif not problem and (number >> 8 if regime.guest else number):
        problem = "bits above its VMID are set" if regime.guest else "it has an ASID, which EL2's regime has not"
    elif not problem and table % max(size, 64):
        problem = f"its root at {table:#x} is not aligned to the {size:#x} bytes of its first tables"
    return Root(regime, table, number & 0xff, problem)


def _root_size(regime: Regime) -> int:
    return 8 << regime.bits - _SHIFT[regime.level]


def walk(root_: Root, read: Reader) -> Walk:
    """Everything that the root reaches. Entries that are flawed map nothing and are listed in `flaws`."""
    found = Walk(root_.regime.name, root_.table)
    if not root_.problem:
        size = _root_size(root_.regime)
        found.extents = joined(_node(found, root_.regime, read, root_.table, size, root_.regime.level, 0))
    return found


def _node(found: Walk, regime: Regime, read: Reader, table: int, size: int, level: int,
          prefix: int) -> Iterator[tuple[int, int, int, str, str]]:
    data = read(table, size)
    if data is None:
        found.flaws.append(Flaw(table, 0, prefix, "is a table that the image does not hold"))
        return
    found.tables.append((table, size))
    entries = memoryview(data).cast("Q").tolist()
    span = 1 << _SHIFT[level]
    index = 0
    while index < len(entries):
        entry = entries[index]
        at, where = prefix + index * span, table + index * 8
        run = 1
        if not entry & 1:
            pass                                # the hardware looks at no other bit
        elif level < 3 and entry & 2:
            if entry & _POINTER_REST:
                found.flaws.append(Flaw(where, entry, at, "is a pointer with restrictions or reserved bits set"))
            else:
                yield from _node(found, regime, read, entry & _ADDRESS, 4096, level + 1, at)
        elif level == 3 and not entry & 2 or level == 0:
            found.flaws.append(Flaw(where, entry, at, "has a form that is reserved at its level"))
        else:
            while index + run < len(entries) and entries[index + run] == entry + run * span:
                run += 1
            why = _flaw(regime, entry, span) or _flaw(regime, entry + (run - 1) * span, span)
            if why:
                found.flaws.append(Flaw(where, entry, at, why))
            else:
                found.leaves[span] = found.leaves.get(span, 0) + run
                yield at, entry & _ADDRESS, run * span, _access(regime, entry), _memory(regime, entry)
        index += run


def _flaw(regime: Regime, entry: int, span: int) -> str:
    """Why an entry is no leaf that the hardware takes; '' where it is one."""
    if entry & (_STAGE2_REST if regime.guest else _STAGE1_REST):
        return "has reserved bits set, or hints that Bulkhead does not use"
    if (entry & _ADDRESS) % span:
        return f"is a block that is not aligned to its size: {entry & _ADDRESS:#x}"
    if not entry & _AF:
        return "lacks AF: the hardware would fault, or write the table"
    if regime.guest and entry >> 53 & 1:
        return "has an XN field that only some cores understand"
    if not regime.guest and not entry >> 6 & 1:
        return "has AP[1] clear, which is RES1 in EL2's regime"
    if _memory(regime, entry) == "normal" and entry >> 8 & 3 != _INNER:
        return "is normal memory that is not inner shareable: other CPUs might not see what is written"
    return ""


def _access(regime: Regime, entry: int) -> str:
    if regime.guest:
        rights = ((entry >> 6 & 1, "r"), (entry >> 7 & 1, "w"), (not entry >> 54 & 1, "x"))
    else:
        rights = ((True, "r"), (not entry >> 7 & 1, "w"), (not entry >> 54 & 1, "x"))
    return "".join(letter for there, letter in rights if there)


def _memory(regime: Regime, entry: int) -> str:
    """'normal': write-back, inner and outer; 'device'; else the attribute itself."""
    if regime.guest:
        kind = entry >> 2 & 0xf
        return "normal" if kind == 0xf else "device" if kind < 4 else f"MemAttr {kind:#x}"
    kind = regime.mair >> 8 * (entry >> 2 & 7) & 0xff
    return "normal" if kind == 0xff else "device" if kind < 0x10 else f"attribute {kind:#x}"
