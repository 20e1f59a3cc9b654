# SPDX-License-Identifier: Apache-2.0
"""Memory of a device tree: banks, and what of them is spoken for (specification, sections 3.4, 3.5 and 5.3)."""
from __future__ import annotations

from ..source import Span
from .address import Addresses
from .dts import DeviceTree, TreeError
from .model import MemoryBank, Reserved


def read_memory(tree: DeviceTree) -> tuple[MemoryBank, ...]:
    """Banks sorted by base. Banks of size 0, which firmware fills in, are left out. Raises TreeError."""
    addresses = Addresses()
    banks: list[MemoryBank] = []
    for node in tree.root.children:
        if node.string("device_type", "") != "memory" and node.unit_name != "memory":
            continue
        if not node.okay:
            continue
        prop = node.get("reg")
        banks += [MemoryBank(base, size, prop.span if prop else node.span, node.name)
                  for base, size in addresses.registers(node) or ()]
    banks.sort(key=lambda b: b.base)
    for below, above in zip(banks, banks[1:]):
        if above.base < below.end:
            raise TreeError(f"memory at {above.base:#x} overlaps the bank {below.base:#x} to {below.end:#x}",
                            above.span)
    merged: list[MemoryBank] = []
    for bank in banks:                              # banks that touch are one
        if merged and merged[-1].end == bank.base:
            last = merged.pop()
            bank = MemoryBank(last.base, last.size + bank.size, last.span, last.name)
        merged.append(bank)
    return tuple(merged)


def read_reserved(tree: DeviceTree) -> tuple[Reserved, ...]:
    """/memreserve/ and the fixed children of /reserved-memory, but not those that an operating system may use itself
    (`reusable`). Raises TreeError."""
    addresses = Addresses()
    found = [Reserved(f"memreserve@{at:x}", at, size, Span(tree.file)) for at, size in tree.reservations if size]
    top = tree.nodes.get("/reserved-memory")
    for node in top.children if top else ():
        if node.okay and not node.has("reusable"):
            prop = node.get("reg")
            found += [Reserved(node.name, base, size, prop.span if prop else node.span)
                      for base, size in addresses.registers(node) or ()]
    return tuple(found)


def usable(banks: tuple[MemoryBank, ...], reserved: tuple[Reserved, ...]) -> list[tuple[int, int]]:
    """(base, size) of what is left of the banks, in order."""
    left = [(b.base, b.end) for b in banks]
    for r in sorted(reserved, key=lambda r: r.base):
        left = [piece for base, end in left
                for piece in ((base, min(end, r.base)), (max(base, r.end), end)) if piece[0] < piece[1]]
    return [(base, end - base) for base, end in left]
