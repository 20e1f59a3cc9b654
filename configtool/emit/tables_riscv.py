# SPDX-License-Identifier: Apache-2.0
"""RISC-V translation tables as bytes, and the register values that name their roots.

Source: The RISC-V Instruction Set Manual, Volume II, Privileged Architecture: "Sv32" and "Sv39" for the entries and
satp, "Two-Stage Address Translation" for what differs in the G stage, "Hypervisor Guest Address Translation and
Protection Register" for hgatp.
"""
from __future__ import annotations

from ..plan.tables import Entry, Tree

# Bits of an entry.
V, R, W, X, U, A, D = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 6, 1 << 7
_PPN_SHIFT = 10         # of the physical page number inside an entry
_PAGE_SHIFT = 12

# MODE field of satp (stage 1) and hgatp (G stage), by format.
_MODES = {"sv32": 1, "sv39": 8, "sv48": 9, "sv32x4": 1, "sv39x4": 8, "sv48x4": 9}
_G_STAGE = ("sv32x4", "sv39x4", "sv48x4")


def encode(tree: Tree) -> bytes:
    """The tree's nodes one behind the other, little-endian."""
    guest = tree.format.name in _G_STAGE
    width = tree.format.entry_size
    out = bytearray(tree.size)
    start = 0
    for node in tree.nodes:
        for entry in node.entries:
            bits = _bits(entry, guest)
            at = start + entry.index * width
            for number in range(entry.count):
                value = (entry.phys + number * entry.size) >> _PAGE_SHIFT << _PPN_SHIFT | bits
                out[at:at + width] = value.to_bytes(width, "little")
                at += width
        start += node.size
    return bytes(out)


def _bits(entry: Entry, guest: bool) -> int:
    """An entry's flags.

    A pointer has V alone. A leaf has A and D set always, so that no walker ever writes the tables; in the G stage U as
    well, because all guest accesses count as U-mode's there. W without R is reserved by the architecture, and the
    language has no such access. Devices need no attribute of their own: without Svpbmt the platform's attributes of the
    address hold.
    """
    if entry.kind == "table":
        return V
    access = entry.access
    if "w" in access and "r" not in access:
        raise AssertionError(f"access {access!r}: writable but not readable is a reserved encoding")
    flags = V | A | D | (U if guest else 0)
    return flags | (R if "r" in access else 0) | (W if "w" in access else 0) | (X if "x" in access else 0)


def registers(stage1: str, root: int, stage2: str) -> dict[str, int]:
    """Constants of plan.h: how the tables are walked is in satp and hgatp themselves."""
    return {"PLAN_STAGE1": satp(stage1, root)}


def stage2(format: str, root: int, vmid: int) -> int:
    """The value that names a VM's tables."""
    return hgatp(format, root, vmid)


def satp(format: str, root: int) -> int:
    """Value of satp for a stage-1 tree at physical address `root`, ASID 0. `format`: 'sv32', 'sv39', 'sv48'."""
    shift = 31 if format == "sv32" else 60
    return _MODES[format] << shift | root >> _PAGE_SHIFT


def hgatp(format: str, root: int, vmid: int) -> int:
    """Value of hgatp for a G-stage tree at physical address `root`, which is aligned to 16 KiB."""
    if root % 0x4000:
        raise AssertionError(f"G-stage root at {root:#x} is not aligned to 16 KiB")
    if format == "sv32x4":
        return _MODES[format] << 31 | vmid << 22 | root >> _PAGE_SHIFT
    return _MODES[format] << 60 | vmid << 44 | root >> _PAGE_SHIFT
