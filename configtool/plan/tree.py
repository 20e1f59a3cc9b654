# SPDX-License-Identifier: Apache-2.0
"""Device trees from parts: properties with their value as bytes and as DTS text, and copies of nodes of the board's
tree.

Addresses and sizes of the trees made here have two cells each.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Iterable

from ..board.dts import Node
from .model import Property, TreeNode


def cells(name: str, *values: int) -> Property:
    decimal = name in _DECIMAL or name.endswith("-frequency")
    shown = " ".join(str(v) if decimal or v < 10 else f"{v:#x}" for v in values)
    return Property(name, struct.pack(f">{len(values)}I", *values), f"<{shown}>")


_DECIMAL = {"interrupts", "riscv,ndev", "id"}


def references(name: str, *targets: tuple[str, int, int]) -> Property:
    """Phandles with one argument each, (path, phandle, argument): DTS source names the node, so that dtc can follow
    it."""
    value = struct.pack(f">{2 * len(targets)}I", *(v for _, phandle, argument in targets for v in (phandle, argument)))
    return Property(name, value, ", ".join(f"<&{{{path}}} {argument}>" for path, _, argument in targets))


def numbers64(name: str, *values: int) -> Property:
    """64-bit numbers of two cells each: addresses, `reg` as address, size, ..."""
    return cells(name, *(half for v in values for half in (v >> 32, v & 0xffff_ffff)))


def text(name: str, *values: str) -> Property:
    return Property(name, b"".join(v.encode() + b"\0" for v in values), ", ".join(_quoted(v) for v in values))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def flag(name: str) -> Property:
    return Property(name, b"", "")


def raw(name: str, value: bytes) -> Property:
    """A property of unknown type, shown as what it looks like."""
    if not value:
        return flag(name)
    parts = value[:-1].split(b"\0")
    if value[-1] == 0 and all(p and all(32 <= c < 127 for c in p) for p in parts):
        return text(name, *(p.decode("ascii") for p in parts))
    if len(value) % 4 == 0:
        return cells(name, *struct.unpack(f">{len(value) // 4}I", value))
    return Property(name, value, "[" + " ".join(f"{c:02x}" for c in value) + "]")


def node(name: str, properties: Iterable[Property | None], children: Iterable[TreeNode | None] = ()) -> TreeNode:
    """Entries that are None are left out."""
    return TreeNode(name, tuple(p for p in properties if p is not None), tuple(c for c in children if c is not None))


# Properties of the board's nodes that mean nothing in the guest's tree: they name what the guest does not have, or are
# written anew. The Devicetree Specification and the kernel's bindings tell which hold phandles.
_DROPPED = frozenset("""
    phandle linux,phandle reg interrupts interrupts-extended interrupt-parent interrupt-map interrupt-map-mask
    interrupt-names clocks clock-names assigned-clocks assigned-clock-parents assigned-clock-rates resets reset-names
    power-domains power-domain-names iommus iommu-map iommu-map-mask msi-parent msi-map msi-map-mask dmas dma-names
    memory-region memory-region-names phys phy-names interconnects interconnect-names nvmem-cells nvmem-cell-names
    operating-points-v2 mboxes mbox-names hwlocks cpu-idle-states thermal-sensors cooling-device sound-dai io-channels
    io-channel-names wakeup-parent reset-gpios status dma-coherent-parent
""".split())
_DROPPED_ENDS = ("-supply", "-gpios", "-gpio")


@dataclass
class Closure:
    """What copied nodes refer to, gathered while they are copied: fixed clocks for now. New phandles count up from
    `next`."""
    root: Node
    next: int
    clocks: dict[int, tuple[int, Node]] = field(default_factory=dict)   # phandle on the board -> phandle here, node
    _nodes: dict[int, Node] | None = None

    def _provider(self, phandle: int) -> Node | None:
        if self._nodes is None:
            self._nodes = {n.phandle: n for n in reversed(list(self.root.walk())) if n.phandle is not None}
        return self._nodes.get(phandle)

    def clock_properties(self, source: Node) -> list[Property]:
        """`clocks` and `clock-names` of a copied node, where all of its clocks are fixed ones."""
        prop = source.get("clocks")
        if prop is None or len(prop.value) % 4:
            return []
        handles = []
        for cell in prop.cells:             # a fixed clock takes no arguments, so that each cell is a phandle
            provider = self._provider(cell)
            if provider is None or "fixed-clock" not in provider.compatible:
                return []
            if cell not in self.clocks:
                self.clocks[cell] = (self.next, provider)
                self.next += 1
            handles.append(self.clocks[cell][0])
        names = source.get("clock-names")
        return [cells("clocks", *handles)] + ([raw("clock-names", names.value)] if names else [])

    def nodes(self) -> list[TreeNode]:
        """The fixed clocks, for the root of the guest's tree."""
        made = []
        for phandle, provider in self.clocks.values():
            kept = [raw(p.name, p.value) for p in provider.properties if p.name not in _DROPPED]
            made.append(node(f"clock-{phandle}", kept + [cells("phandle", phandle)]))
        return made


def copied(source: Node, kept: Iterable[Property], name: str, closure: Closure) -> TreeNode:
    """A device's node: its own properties but for those that cannot mean the same here, with `kept` in their place, and
    its children likewise."""
    fresh = list(kept)
    own = [raw(p.name, p.value) for p in source.properties if not _dropped(p.name)]
    names = source.get("interrupt-names")
    if names is not None and any(p.name == "interrupts" for p in fresh):
        fresh.append(raw("interrupt-names", names.value))
    children = []
    for child in source.children:
        reg = child.get("reg")
        children.append(copied(child, [raw("reg", reg.value)] if reg else [], child.name, closure))
    first = [p for p in own if p.name == "compatible"]
    return node(name, first + fresh + [p for p in own if p.name != "compatible"] + closure.clock_properties(source),
                children)


def _dropped(name: str) -> bool:
    return name in _DROPPED or name.endswith(_DROPPED_ENDS) or name.startswith("pinctrl-")
