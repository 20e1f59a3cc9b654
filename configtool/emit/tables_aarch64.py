# SPDX-License-Identifier: Apache-2.0
"""AArch64 translation tables as bytes, and the register values that name their roots and say how to walk them.

Source: Arm Architecture Reference Manual for A-profile, DDI 0487J, D8.3 "Translation table descriptor formats" (entries),
D8.4.1 "Stage 1 data accesses", D8.4.2 "Stage 2 data accesses" and D8.4.5 (execute-never), D8.5 (attributes),
D8.2.7 "Concatenated translation tables", D17.2: TCR_EL2, VTCR_EL2, TTBR0_EL2, VTTBR_EL2.
"""
from __future__ import annotations

from ..plan.tables import Entry, Tree

# Bits of an entry.
_VALID = 1 << 0
_TABLE = 1 << 1                 # at level 3 of a page: the only valid form there
_ACCESSED = 1 << 10             # AF: set, so that no walker writes it
_INNER = 3 << 8                 # SH: inner shareable

# Stage 1. Indexes into MAIR_EL2, which hypervisor/arch/aarch64/entry.S sets: 0 device-nGnRnE, 1 normal write-back.
_DEVICE_1, _NORMAL_1 = 0 << 2, 1 << 2
_AP1 = 1 << 6                   # RES1 in a regime of one exception level
_READ_ONLY_1 = 1 << 7           # AP[2]
_XN = 1 << 54

# Stage 2. MemAttr[3:0]: the guest's own attributes can make normal memory weaker, never a device normal.
_DEVICE_2, _NORMAL_2 = 0b0001 << 2, 0b1111 << 2         # device-nGnRE; normal, inner and outer write-back
_READ_2, _WRITE_2 = 1 << 6, 1 << 7                      # S2AP
_XN_2 = 2 << 53                 # XN[1:0]; without FEAT_XNX bit 54 alone

_PAGE_SHIFT = 12
_STAGE2 = "stage2-"

# Fields that TCR_EL2 and VTCR_EL2 share: TG0 = 0 (4 KiB), walks inner shareable and cacheable, PS.
_WALKS = 3 << 12 | 1 << 10 | 1 << 8
_PS_40BIT = 2 << 16             # every core that has EL2 has these, and larger ones no more are used


def encode(tree: Tree) -> bytes:
    """The tree's nodes one behind the other, little-endian."""
    guest = tree.format.name.startswith(_STAGE2)
    width = tree.format.entry_size
    out = bytearray(tree.size)
    start = 0
    for node in tree.nodes:
        for entry in node.entries:
            if entry.kind == "leaf" and node.level > 2:
                raise AssertionError("level 0 has no blocks with a granule of 4 KiB")
            bits = _VALID | _TABLE if entry.kind == "table" else _leaf(entry, guest) | (_TABLE if node.level == 0 else 0)
            at = start + entry.index * width
            for number in range(entry.count):
                out[at:at + width] = (entry.phys + number * entry.size | bits).to_bytes(width, "little")
                at += width
        start += node.size
    return bytes(out)


def _leaf(entry: Entry, guest: bool) -> int:
    access, device = entry.access, entry.memory == "device"
    if "r" not in access:
        raise AssertionError(f"access {access!r}: the language has no memory that cannot be read")
    bits = _VALID | _ACCESSED | (0 if device else _INNER)
    if guest:
        bits |= (_DEVICE_2 if device else _NORMAL_2) | _READ_2
        return bits | (_WRITE_2 if "w" in access else 0) | (0 if "x" in access else _XN_2)
    bits |= (_DEVICE_1 if device else _NORMAL_1) | _AP1
    return bits | (0 if "w" in access else _READ_ONLY_1) | (0 if "x" in access else _XN)


def registers(stage1: str, root: int, stage2: str) -> dict[str, int]:
    """Constants of plan.h."""
    return {"PLAN_STAGE1": ttbr0(stage1, root), "PLAN_TCR": tcr(stage1), "PLAN_VTCR": vtcr(stage2)}


def stage2(format: str, root: int, vmid: int) -> int:
    """The value that names a VM's tables."""
    return vttbr(format, root, vmid)


def _size(format: str) -> int:
    """Bits of address that a format translates: 'stage2-39bit' -> 39."""
    return int(format.rpartition("-")[2].removesuffix("bit"))


def ttbr0(format: str, root: int) -> int:
    """Value of TTBR0_EL2 for a stage-1 tree at physical address `root`."""
    if format.startswith(_STAGE2) or root % 0x1000:
        raise AssertionError(f"no root of stage 1: {format} at {root:#x}")
    return root


def vttbr(format: str, root: int, vmid: int) -> int:
    """Value of VTTBR_EL2 for a stage-2 tree at physical address `root`, which is aligned to all of its first tables.
    VMIDs have 8 bits at least."""
    if root % (0x1000 << max(_size(format) - 39, 0)) or not 0 < vmid < 256:
        raise AssertionError(f"no root of stage 2: {format} at {root:#x}, VMID {vmid}")
    return vmid << 48 | root


def tcr(format: str) -> int:
    """Value of TCR_EL2 (E2H = 0). Bits 31 and 23 are RES1. Addresses of 39 bits start at level 1, longer ones at 0."""
    return 1 << 31 | 1 << 23 | _PS_40BIT | _WALKS | 64 - _size(format)


def vtcr(format: str) -> int:
    """Value of VTCR_EL2: bit 31 is RES1, SL0 = 1 starts at level 1, whatever of it is concatenated."""
    return 1 << 31 | _PS_40BIT | _WALKS | 1 << 6 | 64 - _size(format)
