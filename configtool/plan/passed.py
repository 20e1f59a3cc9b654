# SPDX-License-Identifier: Apache-2.0
"""Nodes of the devices that a VM has, in the words of its own tree.

Addresses are those of the CPU as the guest sees them, so that `ranges` have nothing left to translate; interrupts are
at the guest's controller; phandles are counted anew; what names a node that the guest does not have is dropped.
Sources: Devicetree Specification 0.4, chapter 2; the kernel's bindings clock/fixed-clock.yaml,
regulator/fixed-regulator.yaml, pci/pci.txt (ranges and interrupt-map of a PCI host bridge).
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Sequence

from ..board.address import read_ranges
from ..board.closure import Closure, Fate, Stub
from ..board.dts import Node, Property as Given, TreeError
from ..board.model import Board
from . import devices
from .model import Line, Property, TreeNode
from .tree import cells, flag, node, numbers64, raw, text
from .tree_style import Style

# Properties that are written anew, or that speak of what no guest has: IOMMUs, MSIs, the board's own bus.
_ANEW = frozenset("""
    phandle linux,phandle name reg ranges dma-ranges interrupts interrupts-extended interrupt-parent interrupt-map
    interrupt-map-mask interrupt-names #address-cells #size-cells status iommus iommu-map iommu-map-mask msi-parent
    msi-map msi-map-mask assigned-clocks assigned-clock-parents assigned-clock-rates assigned-clock-rates-u64
    clock-ranges dma-coherent-parent bootph-all bootph-pre-ram bootph-some-ram u-boot,dm-pre-reloc
    u-boot,dm-spl""".split())
_NAMES = {"clocks": "clock-names", "resets": "reset-names", "dmas": "dma-names", "phys": "phy-names",
          "power-domains": "power-domain-names", "interconnects": "interconnect-names", "mboxes": "mbox-names",
          "nvmem-cells": "nvmem-cell-names", "io-channels": "io-channel-names", "pwms": "pwm-names",
          "memory-region": "memory-region-names", "hwlocks": "hwlock-names", "mux-controls": "mux-control-names",
          "thermal-sensors": "thermal-sensor-names", "performance-domains": "performance-domain-names"}
_PCI_SPACE = 0x0300_0000            # of the first cell of a PCI address: 1 I/O, 2 and 3 memory


@dataclass
class _Draft:
    """A node while its phandle is not yet decided."""
    name: str
    path: str
    properties: list[Property] = field(default_factory=list)
    children: list["_Draft"] = field(default_factory=list)


@dataclass(frozen=True)
class Passed:
    """`soc`: nodes below /soc, each with its first address or None; `root`: nodes below the root. `paths`: path on the
    board -> path here. `left_out`: what was dropped, a line for each."""
    soc: tuple[tuple[int | None, TreeNode], ...] = ()
    root: tuple[TreeNode, ...] = ()
    paths: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def passed(board: Board, given: Sequence[devices.Given], lines: Sequence[Line], style: Style, taken: Iterable[str],
           ) -> Passed:
    """`lines`: of the VM's controller; `taken`: names of the root that others have."""
    if board.tree is None or any(g.device.node is None for g in given):
        return _bare(board, given, style)
    return _Writer(board, given, lines, style, set(taken)).write()


def _bare(board: Board, given: Sequence[devices.Given], style: Style) -> Passed:
    """Of a board without a tree: what is known of its devices."""
    found = []
    for g in given:
        triggers = {number: trigger for number, trigger, _ in devices.interrupts((g,), board)}
        wired = [(i.number, triggers[i.number]) for i in g.device.interrupts if i.number in triggers]
        name, at = place(g)
        found.append((at, node(name, [
            text("compatible", *g.device.compatible) if g.device.compatible else None,
            _reg(g) if g.device.registers else None,
            *style.interrupts(*wired)])))
    return Passed(tuple(found), (), {g.device.path: f"/soc/{place(g)[0]}" for g in given})


def place(given: devices.Given) -> tuple[str, int | None]:
    """Name of a passed-through device's node, and where its first registers are."""
    stem = given.device.name.split("@")[0]
    if not given.device.registers:
        return stem, None
    at = given.device.registers[0][0] + given.offset
    return f"{stem}@{at:x}", at


def _reg(given: devices.Given) -> Property:
    return numbers64("reg", *(v for base, size in given.device.registers for v in (base + given.offset, size)))


class _Writer:
    def __init__(self, board: Board, given: Sequence[devices.Given], lines: Sequence[Line], style: Style,
                 taken: set[str]) -> None:
        assert board.tree is not None
        self._tree, self._style, self._taken = board.tree, style, taken
        self._given = {g.device.path: g for g in given}
        self._lines = {line.physical: line for line in lines if line.physical}
        self._closure = Closure(board, [g.device for g in given], frozenset(self._lines))
        self._controller = board.controller.path if board.controller is not None else ""
        self._paths: dict[str, str] = {}            # path on the board -> path here
        self._stubs: dict[Stub, _Draft] = {}
        self._handles: dict[str, int] = {}          # path here -> phandle
        self._next = style.phandle + 1
        wanted = cells("phandle", style.parent)
        self._parent = next((f"/soc/{chip.name}" for _, chip in style.chips if wanted in chip.properties), "")

    def write(self) -> Passed:
        tops = []
        names: set[str] = set()
        buses: dict[tuple[tuple[int, int, int], ...], _Draft] = {}
        for top in self._closure.tops:
            given = self._given[top.path]
            name, at = place(given)
            draft = _Draft(_unique(name, names), "")
            names.add(draft.name)
            bus = self._dma_bus(top.node, buses)                    # type: ignore[arg-type]
            self._name(top.node, draft, bus.path if bus else "/soc", given.offset)      # type: ignore[arg-type]
            tops.append((at, top.node, draft, given.offset))
            if bus is not None:
                bus.children.append(draft)
        extras = []
        for extra in self._closure.extras:
            extras.append((extra, _Draft(self._root_name(extra.unit_name), "")))
            self._name(extra, extras[-1][1], "", 0)
        zones = _Draft("thermal-zones", "/thermal-zones")
        for zone in self._closure.zones:
            zones.children.append(_Draft(zone.name, ""))
            self._name(zone, zones.children[-1], "/thermal-zones", 0)
        for _, source, draft, offset in tops:
            self._fill(source, draft, offset)                       # type: ignore[arg-type]
        for source, draft in extras:
            self._fill(source, draft, 0)
        for source, draft in zip(self._closure.zones, zones.children):
            self._fill(source, draft, 0)
        root = [*(draft for _, draft in extras), *self._stubs.values(), *([zones] if zones.children else [])]
        behind = {id(draft) for bus in buses.values() for draft in bus.children}
        soc: list[tuple[int | None, TreeNode]] = [(at, self._frozen(d)) for at, _, d, _ in tops if id(d) not in behind]
        soc += [(None, self._frozen(bus)) for bus in buses.values()]
        return Passed(tuple(soc), tuple(self._frozen(draft) for draft in root), dict(self._paths), self._left_out())

    def _left_out(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for lack in self._closure.lacks:
            how = "fixed instead of" if lack.stub is not None else "without"
            found[f"{lack.node.name}: {how} {lack.name} of {lack.provider.path}"] = None
        return tuple(found)

    def _dma_bus(self, source: Node, buses: dict[tuple[tuple[int, int, int], ...], _Draft]) -> _Draft | None:
        """A bus of its own for devices whose DMA has other addresses than the CPU, or does not reach all memory."""
        ranges = self._closure.dma_ranges(source)
        if not ranges:
            return None
        if ranges not in buses:
            name = f"bus-{len(buses) + 1}"
            buses[ranges] = _Draft(name, f"/soc/{name}", [
                text("compatible", "simple-bus"), cells("#address-cells", 2), cells("#size-cells", 2), flag("ranges"),
                numbers64("dma-ranges", *(v for entry in ranges for v in entry))])
        return buses[ranges]

    # Names first, for what is written names nodes by their paths.

    def _name(self, source: Node, draft: _Draft, above: str, offset: int) -> None:
        draft.path = f"{above}/{draft.name}"
        self._paths[source.path] = draft.path
        for child in self._children(source):
            registers = self._registers(child, offset)
            name = f"{child.unit_name}@{registers[0][0]:x}" if registers and "," not in child.name else child.name
            made = _Draft(name, "")
            draft.children.append(made)
            self._name(child, made, draft.path, offset)

    def _children(self, source: Node) -> tuple[Node, ...]:
        if source.parent is not None and source.parent.path == "/thermal-zones":
            return tuple(c for c in source.children if c.name == "trips")
        if source.unit_name == "trips" and source.parent is not None and not self._closure.has(source):
            return tuple(source.children)
        return self._closure.children(source)

    def _registers(self, source: Node, offset: int) -> tuple[tuple[int, int], ...]:
        """Where the guest sees them; empty for a node that is not on a bus of the CPU."""
        given = self._given.get(source.path)
        if given is not None:
            offset = given.offset
        if not source.has("reg") or source.parent is None or source.parent is self._tree.root:
            return ()
        return tuple((base + offset, size) for base, size in self._closure.registers(source) or ())

    def _root_name(self, stem: str) -> str:
        name = _unique(stem.lower(), self._taken)
        self._taken.add(name)
        return name

    # Then what is in them.

    def _fill(self, source: Node, draft: _Draft, offset: int) -> None:
        given = self._given.get(source.path)
        offset = given.offset if given is not None else offset
        out = draft.properties
        if given is not None and given.device.registers:
            out.append(_reg(given))
        elif registers := self._registers(source, offset):
            out.append(numbers64("reg", *(v for pair in registers for v in pair)))
        elif (reg := source.get("reg")) is not None:
            out.append(raw("reg", reg.value))
        out += self._interrupts(source)
        bus = self._bus(source, offset)
        if source.has("#interrupt-cells") and not any(p.name == "#address-cells" for p in bus):
            bus.append(cells("#address-cells", 0))              # of an interrupt parent: section 2.4.3 counts on it
        out += bus
        for prop in source.properties:
            if prop.name in _ANEW or prop.name in _NAMES.values() or prop.name == "pinctrl-names":
                continue
            out += self._property(source, prop)
        out += self._assigned(source)
        if not source.okay and (status := source.get("status")) is not None:
            out.append(raw("status", status.value))
        out.sort(key=lambda p: p.name != "compatible")
        for child, made in zip(self._children(source), draft.children):
            self._fill(child, made, offset)

    def _property(self, source: Node, prop: Given) -> list[Property]:
        fates = self._closure.fates(source, prop)
        if fates is None:
            if prop.value.startswith(b"/") and prop.value.count(b"\0") == 1 and self._tree.nodes.get(
                    path := prop.value[:-1].decode("ascii", "replace")) is not None:
                return [text(prop.name, self._paths[path])] if path in self._paths else []
            return [raw(prop.name, prop.value)]
        if prop.name.startswith("pinctrl-"):
            return self._pinctrl(source, prop, fates)
        names = source.get(_NAMES.get(prop.name, ""))
        if prop.name == "gpio" or prop.name.endswith(("gpios", "-gpio")):
            if not any(f.keep and f.reference.provider is not None for f in fates):
                return []
            return [self._list(prop.name, fates)]       # the place of one tells which it is
        kept = [i for i, fate in enumerate(fates) if fate.keep or fate.stub is not None]
        listed = names.value[:-1].split(b"\0") if names is not None and names.value.endswith(b"\0") else []
        if len(listed) != len(fates):
            kept = kept[:next((n for n, i in enumerate(kept) if n != i), len(kept))]        # places count
            listed = []
        if not kept:
            return []
        made = [self._list(prop.name, [fates[i] for i in kept])]
        if listed:
            made.append(raw(_NAMES[prop.name], b"".join(listed[i] + b"\0" for i in kept)))
        elif names is not None and len(kept) == len(fates):
            made.append(raw(_NAMES[prop.name], names.value))
        return made

    def _pinctrl(self, source: Node, prop: Given, fates: tuple[Fate, ...]) -> list[Property]:
        """All states or none: their names go by their order."""
        states = [p for p in source.properties if p.name.startswith("pinctrl-") and p.name[8:].isdigit()]
        if not all(f.keep for p in states for f in self._closure.fates(source, p) or ()) or not fates and prop.value:
            return []
        names = source.get("pinctrl-names")
        first = prop is states[0] and names is not None
        return [self._list(prop.name, fates)] + ([raw("pinctrl-names", names.value)] if first and names else [])

    def _list(self, name: str, fates: Sequence[Fate]) -> Property:
        """A property of phandles with arguments; in DTS the nodes by their paths."""
        value, shown = [], []
        for fate in fates:
            provider = fate.reference.provider
            if provider is None or not fate.keep and fate.stub is None:
                value.append(0)
                shown.append("<0>")
                continue
            args = fate.reference.args if fate.keep else ()
            path = self._paths[provider.path] if fate.keep else self._stub(fate.stub).path      # type: ignore[arg-type]
            value += [self._handle(path), *args]
            shown.append("<" + " ".join([f"&{{{path}}}", *(str(a) if a < 10 else f"{a:#x}" for a in args)]) + ">")
        return Property(name, b"".join(v.to_bytes(4, "big") for v in value), ", ".join(shown))

    def _handle(self, path: str) -> int:
        if path not in self._handles:
            self._handles[path] = self._next
            self._next += 1
        return self._handles[path]

    def _stub(self, stub: Stub) -> _Draft:
        if stub not in self._stubs:
            unit = stub.provider.unit_name.strip("-_") or stub.kind
            stem = unit if unit.startswith(stub.kind) else f"{stub.kind}-{unit}"
            name = self._root_name("-".join([stem, *map(str, stub.args)]))
            made = _Draft(name, f"/{name}")
            if stub.kind == "clock":
                made.properties += [text("compatible", "fixed-clock"), cells("#clock-cells", 0),
                                    cells("clock-frequency", stub.rate)]
            else:
                limits = [stub.provider.u32(f"regulator-{end}-microvolt") for end in ("min", "max")]
                called = stub.provider.string("regulator-name") or stub.provider.unit_name
                made.properties += [text("compatible", "regulator-fixed"), text("regulator-name", called)]
                if limits[0] is not None and limits[0] == limits[1]:
                    made.properties += [cells(f"regulator-{end}-microvolt", limits[0]) for end in ("min", "max")]
                made.properties.append(flag("regulator-always-on"))
            self._stubs[stub] = made
        return self._stubs[stub]

    def _assigned(self, source: Node) -> list[Property]:
        """Rates and parents that a driver sets at its start: only where it has the clocks' controller."""
        props = [p for p in source.properties if p.name in ("assigned-clocks", "assigned-clock-parents")]
        fates = [self._closure.fates(source, p) or () for p in props]
        if not props or not all(f.keep for entries in fates for f in entries) or not all(fates):
            return []
        rates = [raw(p.name, p.value) for p in source.properties if p.name.startswith("assigned-clock-rates")]
        return [self._list(p.name, entries) for p, entries in zip(props, fates)] + rates

    def _interrupts(self, source: Node) -> list[Property]:
        found = self._closure.interrupts(source)
        kept = [(i, f) for i, f in enumerate(found) if f is not None]
        if not kept:
            return []
        out = []
        if all(f[0].path == self._controller for _, f in kept):
            out += self._style.interrupts(*((self._lines[number].guest, self._lines[number].trigger)
                                            for _, (_, _, number, _) in kept))
        else:
            value, shown = [], []
            for _, (controller, specifier, number, _) in kept:
                if controller.path == self._controller:
                    line = self._lines[number]
                    entry = [self._style.parent, *self._style.cells(line.guest, line.trigger)]
                    parent = f"&{{{self._parent}}}" if self._parent else str(self._style.parent)
                    shown.append("<" + " ".join([parent, *map(str, entry[1:])]) + ">")
                else:
                    path = self._paths[controller.path]
                    entry = [self._handle(path), *specifier]
                    shown.append("<" + " ".join([f"&{{{path}}}", *map(str, specifier)]) + ">")
                value += entry
            out.append(Property("interrupts-extended", b"".join(v.to_bytes(4, "big") for v in value), ", ".join(shown)))
        names = source.get("interrupt-names")
        if names is not None:
            listed = names.value[:-1].split(b"\0")
            if len(kept) == len(found):
                out.append(raw("interrupt-names", names.value))
            elif len(listed) == len(found):
                out.append(raw("interrupt-names", b"".join(listed[i] + b"\0" for i, _ in kept)))
        return out

    def _bus(self, source: Node, offset: int) -> list[Property]:
        """What a node says of the addresses of its children."""
        if source.string("device_type", "") == "pci" and source.path in self._given:
            return self._pci(source)
        children = self._children(source)
        if source.has("ranges") and not self._closure.mapped_bus(source):       # of a bus that the CPU does not see
            return [raw(p.name, p.value) for p in source.properties
                    if p.name in ("#address-cells", "#size-cells", "ranges")]
        if any(self._registers(child, offset) for child in children):
            out = [cells("#address-cells", 2), cells("#size-cells", 2), flag("ranges")]
            if source.has("dma-ranges"):
                dma = read_ranges(source, "dma-ranges") or ()
                out.append(numbers64("dma-ranges", *(v for entry in dma for v in entry)) if dma else flag("dma-ranges"))
            return out
        if children and not any(child.has("reg") for child in children) or source.has("ranges"):
            return []
        return [raw(p.name, p.value) for p in source.properties if p.name in ("#address-cells", "#size-cells")]

    def _pci(self, source: Node) -> list[Property]:
        """The windows of a PCI host bridge at CPU addresses, and its wired interrupts at the guest's controller."""
        out = [cells("#address-cells", 3), cells("#size-cells", 2)]
        for name in ("ranges", "dma-ranges"):
            windows = self._pci_windows(source, name)
            if windows:
                out.append(cells(name, *windows))
        return out + self._interrupt_map(source)

    def _pci_windows(self, source: Node, name: str) -> list[int]:
        """Entries of (PCI address: 3 cells, CPU address: 2, size: 2)."""
        prop, parent = source.get(name), source.parent
        if prop is None or parent is None or not prop.value:
            return []
        found: list[int] = []
        try:
            step = 3 + parent.address_cells + 2
            for (_, address, size), at in zip(read_ranges(source, name) or (), range(0, len(prop.cells), step)):
                base = self._closure.translated(parent, address) if name == "ranges" else address
                if base is not None and prop.cells[at] & _PCI_SPACE:
                    found += [*prop.cells[at:at + 3], base >> 32, base & 0xFFFF_FFFF, size >> 32, size & 0xFFFF_FFFF]
        except TreeError:
            return []
        return found

    def _interrupt_map(self, source: Node) -> list[Property]:
        mask = source.get("interrupt-map-mask")
        if mask is None or not source.has("interrupt-map"):
            return []
        entries: list[int] = []
        for key, number in self._closure.mapped(source):
            line = self._lines.get(number)
            if line is not None:
                entries += [*key, self._style.parent, *self._style.cells(line.guest, line.trigger)]
        return [cells("interrupt-map", *entries), raw(mask.name, mask.value)] if entries else []

    def _frozen(self, draft: _Draft) -> TreeNode:
        handle = self._handles.get(draft.path)
        return node(draft.name, [*draft.properties, cells("phandle", handle) if handle is not None else None],
                    [self._frozen(child) for child in draft.children])


def _unique(name: str, taken: set[str]) -> str:
    stem, at, unit = name.partition("@")
    made, number = name, 1
    while made in taken:
        number += 1
        made = f"{stem}-{number}{at}{unit}"
    return made
