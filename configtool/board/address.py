# SPDX-License-Identifier: Apache-2.0
"""Addresses of device-tree nodes as the CPU sees them: `reg` through every `ranges` on the way to the root.

Devicetree Specification v0.4, sections 2.3.6 (reg) and 2.3.8 (ranges). A bus without `ranges` is not mapped: what is
behind it (I2C, SPI, MDIO) has no CPU address.
"""
from __future__ import annotations

from .dts import Node, TreeError, counted, joined


MAX_RANGES = 512        # of one bus; the most in a tree that Linux carries is 102


class Addresses:
    """Translates for one tree; each bus is read once."""

    def __init__(self) -> None:
        self._buses: dict[int, list[tuple[int, int, int]] | None] = {}

    def registers(self, node: Node, name: str = "reg") -> tuple[tuple[int, int], ...] | None:
        """(base, size) of each entry of `reg` in CPU addresses; entries of size 0 are left out. None where the bus is
        not mapped, () where there is no `reg`. Raises TreeError."""
        prop = node.get(name)
        parent = node.parent
        if prop is None or parent is None:
            return ()
        if not self.mapped(parent):
            return None
        address, size = parent.address_cells, parent.size_cells
        if size == 0:
            return None
        cells = prop.cells
        if len(cells) % (address + size):
            raise TreeError(f"{name} has {counted(len(cells))}; entries here have {address} for the address and "
                            f"{size} for the size", prop.span)
        found: list[tuple[int, int]] = []
        for at in range(0, len(cells), address + size):
            length = joined(cells[at + address:at + address + size])
            if length:
                on_bus = joined(cells[at:at + address])
                base = self.translate(parent, on_bus)
                if base is None:
                    raise TreeError(f"the address {on_bus:#x} in {name} is in no range of its bus", prop.span)
                if base + length > 1 << 64:
                    raise TreeError(f"{base:#x} with size {length:#x} exceeds 64 bits", prop.span)
                found.append((base, length))
        return tuple(found)

    def mapped(self, bus: Node) -> bool:
        """Whether all buses from this one to the root have `ranges`. Behind PCI, `reg` is a function, no address."""
        node = bus
        while node.parent is not None:
            if node.get("ranges") is None or node.string("device_type", "") == "pci":
                return False
            node = node.parent
        return True

    def translate(self, bus: Node, address: int) -> int | None:
        """An address on `bus` as the CPU sees it; None where no range covers it."""
        while bus.parent is not None:
            ranges = self._ranges(bus)
            if ranges is not None:
                for child, parent, size in ranges:
                    if child <= address < child + size:
                        address += parent - child
                        break
                else:
                    return None
            bus = bus.parent
        return address

    def _ranges(self, bus: Node) -> list[tuple[int, int, int]] | None:
        """(address on the bus, address on its parent, size) of each range; None: the same on both."""
        if id(bus) not in self._buses:
            self._buses[id(bus)] = read_ranges(bus)
        return self._buses[id(bus)]


def read_ranges(bus: Node, name: str = "ranges") -> list[tuple[int, int, int]] | None:
    prop = bus.get(name)
    if prop is None or bus.parent is None:
        return []
    if not prop.value:
        return None
    child, parent, size = bus.address_cells, bus.parent.address_cells, bus.size_cells
    cells, step = prop.cells, child + parent + size
    if step == 0 or len(cells) % step:
        raise TreeError(f"{name} has {counted(len(cells))}; entries here have {child} + {parent} + {size}", prop.span)
    if len(cells) // step > MAX_RANGES:
        raise TreeError(f"{name} has more than {MAX_RANGES} entries", prop.span)
    return [(joined(cells[at:at + child]), joined(cells[at + child:at + child + parent]),
             joined(cells[at + child + parent:at + step]))
            for at in range(0, len(cells), step)]
