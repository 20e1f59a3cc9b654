# SPDX-License-Identifier: Apache-2.0
"""Interrupts of device-tree nodes, followed to the controller that takes them.

Devicetree Specification v0.4, section 2.4. Cells are read as the controllers' bindings define them: GIC
(interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml), PLIC (sifive,plic-1.0.0.yaml), APLIC (riscv,aplic.yaml).
"""
from __future__ import annotations

from typing import NamedTuple

from .address import MAX_RANGES
from .dts import DeviceTree, Node, TreeError, counted
from .model import Interrupt

TRIGGERS = {1: "edge-rising", 2: "edge-falling", 3: "edge-both", 4: "level-high", 8: "level-low"}

GICV2 = ("arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "arm,cortex-a9-gic", "arm,eb11mp-gic",
         "arm,arm1176jzf-devchip-gic", "arm,arm11mp-gic", "arm,cortex-a5-gic", "arm,pl390", "arm,tc11mp-gic",
         "arm,gic-v2", "nvidia,tegra210-agic", "qcom,msm-8660-qgic", "qcom,msm-qgic2", "brcm,brahma-b15-gic",
         "arm,versatile-pb11mp-gic")
GICV3 = ("arm,gic-v3", "qcom,msm8996-gic-v3")
PLIC = ("riscv,plic0", "sifive,plic-1.0.0", "andestech,nceplic100", "thead,c900-plic")
APLIC = ("riscv,aplic",)
IMSIC = ("riscv,imsics",)

# Controllers that hand their specifier on to the parent as it is: they filter wake-ups, or are there for polarity.
_TRANSPARENT = ("-sysirq", "-gpc", "-ictlr", "-wugen-mpu", "-aidet", "-r-intc")

MAX_HOPS = 16


def is_a(node: Node, names: tuple[str, ...]) -> bool:
    return any(c in names for c in node.compatible)


class _Map(NamedTuple):
    """An interrupt-map (section 2.4.3)."""
    entries: list[tuple[tuple[int, ...], Node, tuple[int, ...]]]    # child address and specifier, parent, its specifier
    first: dict[tuple[int, ...], tuple[Node, tuple[int, ...]]]       # by what the mask leaves of the first
    mask: tuple[int, ...]


class Interrupts:
    """Resolves for one tree."""

    def __init__(self, tree: DeviceTree) -> None:
        self._tree = tree
        self._maps: dict[int, _Map] = {}

    def of(self, node: Node) -> tuple[Interrupt, ...]:
        """All interrupts of a node, without those at a RISC-V hart's own controller (software, timer, external). Raises
        TreeError."""
        found = []
        for controller, cells in self.specifiers(node):
            taken = self._follow(node, controller, cells)
            if taken is not None and not is_a(taken[0], ("riscv,cpu-intc",)):
                number, trigger = decode(*taken)
                prop = node.get("interrupts-extended") or node.get("interrupts")
                found.append(Interrupt(number, trigger, taken[0].path, prop.span if prop else node.span))
        return tuple(found)

    def resolved(self, node: Node) -> list[tuple[Node, tuple[int, ...]] | None]:
        """For each interrupt as the node names it the controller that takes it and its specifier there; None where a
        map has no entry for it. Raises TreeError."""
        return [self._follow(node, controller, cells) for controller, cells in self.specifiers(node)]

    def specifiers(self, node: Node) -> list[tuple[Node, tuple[int, ...]]]:
        """(controller or nexus, cells) of each interrupt as the node names it."""
        if node.has("interrupts-extended"):
            return self._tree.references(node, "interrupts-extended", "#interrupt-cells")
        prop = node.get("interrupts")
        if prop is None or not prop.value:
            return []
        parent = self.parent(node)
        if parent is None:
            raise TreeError("interrupts without an interrupt-parent above it", prop.span)
        count = self._cell_count(parent)
        cells = prop.cells
        if len(cells) % count:
            raise TreeError(f"interrupts has {counted(len(cells))}; {parent.path} takes {count} for each", prop.span)
        return [(parent, cells[at:at + count]) for at in range(0, len(cells), count)]

    def parent(self, node: Node) -> Node | None:
        """The controller or nexus that `interrupts` of this node speaks to."""
        at: Node | None = node
        for _ in range(256):
            if at is None:
                return None
            prop = at.get("interrupt-parent")
            if prop is not None and len(prop.value) == 4:
                at = self._tree.phandle(prop.u32)
                if at is None:
                    raise TreeError(f"interrupt-parent refers to phandle {prop.u32:#x}, which no node has", prop.span)
            else:
                at = at.parent
            if at is not None and at.has("#interrupt-cells"):
                return at
        return None

    @staticmethod
    def _cell_count(node: Node) -> int:
        count = node.u32("#interrupt-cells")
        if not count or count > 16:
            raise TreeError(f"#interrupt-cells is {count}", node.span)
        return count

    def _follow(self, node: Node, at: Node, cells: tuple[int, ...]) -> tuple[Node, tuple[int, ...]] | None:
        """Through interrupt-maps and transparent controllers; None where a map has no entry for it."""
        address: tuple[int, ...] = ()
        reg = node.get("reg")
        if reg is not None and node.parent is not None:
            address = reg.cells[:node.parent.address_cells]
        for _ in range(MAX_HOPS):
            if at.has("interrupt-map"):
                _, entries, mask = self._map(at)
                width = at.address_cells if at.has("#address-cells") else 0
                key = (address + (0,) * width)[:width] + cells
                masked = tuple(k & m for k, m in zip(key, mask))
                hit = entries.get(masked)
                if hit is None:
                    return None
                at, cells = hit
                address = ()
            elif any(c.endswith(_TRANSPARENT) for c in at.compatible):
                parent = self.parent(at)
                if parent is None or parent is at or self._cell_count(parent) < len(cells):
                    return at, cells
                at, cells = parent, cells + (0,) * (self._cell_count(parent) - len(cells))
            elif at.has("qcom,pdc-ranges") and len(cells) == 2:
                parent, spi = self.parent(at), _pdc(at, cells[0])
                if parent is None or parent is at or spi is None:
                    return at, cells
                at, cells = parent, (0, spi, cells[1]) + (0,) * (self._cell_count(parent) - 3)
            else:
                return at, cells
        raise TreeError("interrupts that lead from map to map without end", node.span)

    def _map(self, nexus: Node) -> "_Map":
        known = self._maps.get(id(nexus))
        if known:
            return known
        prop = nexus.get("interrupt-map")
        assert prop is not None
        width = (nexus.address_cells if nexus.has("#address-cells") else 0) + self._cell_count(nexus)
        mask_prop = nexus.get("interrupt-map-mask")
        mask = mask_prop.cells if mask_prop else (0xFFFFFFFF,) * width
        if len(mask) != width:
            raise TreeError(f"interrupt-map-mask has {len(mask)} cells where address and specifier have {width}",
                            nexus.span)
        cells, at, entries = prop.cells, 0, []
        while at < len(cells):
            if at + width + 1 > len(cells):
                raise TreeError("interrupt-map ends in the middle of an entry", prop.span)
            parent = self._tree.phandle(cells[at + width])
            if parent is None:
                raise TreeError(f"interrupt-map refers to phandle {cells[at + width]:#x}, which no node has", prop.span)
            start = at + width + 1 + (parent.address_cells if parent.has("#address-cells") else 0)
            end = start + self._cell_count(parent)
            if end > len(cells):
                raise TreeError("interrupt-map ends in the middle of an entry", prop.span)
            entries.append((cells[at:at + width], parent, cells[start:end]))
            at = end
        first: dict[tuple[int, ...], tuple[Node, tuple[int, ...]]] = {}
        for key, parent, spec in entries:
            first.setdefault(tuple(k & m for k, m in zip(key, mask)), (parent, spec))
        self._maps[id(nexus)] = _Map(entries, first, mask)
        return self._maps[id(nexus)]

    def entries(self, nexus: Node) -> list[tuple[tuple[int, ...], tuple[Node, tuple[int, ...]] | None]]:
        """Each entry of an interrupt-map: (child address and specifier, controller that takes it and its specifier
        there). Raises TreeError."""
        return [(key, self._follow(nexus, parent, spec) if parent is not nexus else None)
                for key, parent, spec in self._map(nexus).entries]

    def mapped(self, nexus: Node) -> tuple[Interrupt, ...]:
        """The interrupts that a nexus (a PCI host bridge) leads to, each once, by number."""
        prop = nexus.get("interrupt-map")
        if prop is None:
            return ()
        found: dict[tuple[str, int], Interrupt] = {}
        for _, parent, spec in self._map(nexus).entries:
            taken = self._follow(nexus, parent, spec) if parent is not nexus else None
            if taken is not None:
                number, trigger = decode(*taken)
                found.setdefault((taken[0].path, number), Interrupt(number, trigger, taken[0].path, prop.span))
        return tuple(found[key] for key in sorted(found))


def _pdc(node: Node, pin: int) -> int | None:
    """The SPI that a pin of Qualcomm's PDC leads to. Its ranges are (first pin, SPI, count) (qcom,pdc.yaml)."""
    ranges = node.cells("qcom,pdc-ranges")[:3 * MAX_RANGES]
    return next((ranges[at + 1] + pin - ranges[at] for at in range(0, len(ranges) - 2, 3)
                 if ranges[at] <= pin < ranges[at] + ranges[at + 2]), None)


def is_root(tree: DeviceTree, node: Node) -> bool:
    """Whether interrupts end at this controller, rather than being handed on to another."""
    try:
        parent = Interrupts(tree).parent(node)
    except TreeError:
        return False
    return parent is None or parent is node


def decode(controller: Node, cells: tuple[int, ...]) -> tuple[int, str]:
    """(number in the controller's numbering, trigger)."""
    compatible = controller.compatible
    if any(c in GICV2 or c in GICV3 for c in compatible) and len(cells) >= 3:
        bases = {0: 32, 1: 16, 2: 4096, 3: 1056}    # SPI, PPI, extended SPI, extended PPI
        if cells[0] not in bases:
            raise TreeError(f"{cells[0]} is no kind of interrupt at a GIC: 0 is SPI, 1 is PPI", controller.span)
        return bases[cells[0]] + cells[1], TRIGGERS.get(cells[2] & 0xF, "unknown")
    if len(cells) == 1 and any(c in PLIC for c in compatible):
        return cells[0], "level-high"               # the binding has no trigger: gateways are as they were built
    if len(cells) >= 2:
        return cells[0], TRIGGERS.get(cells[1] & 0xF, "unknown")
    return (cells[0] if cells else 0), "unknown"
