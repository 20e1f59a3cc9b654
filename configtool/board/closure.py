# SPDX-License-Identifier: Apache-2.0
"""What comes along with devices that a VM has: the nodes below them, the harmless ones that they refer to, and what
becomes of every reference.

A reference is kept where its provider is among these nodes. A clock or regulator of somebody else is replaced by a
fixed one where that says all that a driver asks for. What is left is dropped, and is a Lack: rules tell of it.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Iterable, Iterator

from .address import Addresses, read_ranges
from .dts import Node, Property, TreeError
from .interrupts import Interrupts, decode
from .model import Board, Device
from .references import Reference, all_references

# Nodes that describe a piece of wire or of data and that any number of VMs may know of.
_HARMLESS = frozenset("""
    fixed-clock fixed-factor-clock regulator-fixed usb-nop-xceiv mmc-pwrseq-simple mmc-pwrseq-emmc mmc-pwrseq-sd8787
    operating-points-v2 usb-a-connector usb-b-connector usb-c-connector gpio-usb-b-connector hdmi-connector
    simple-battery""".split())

# Words for what a property asks for; and those that drivers do without, so that dropping them takes no warning.
_WORDS = {"clocks": "clock", "resets": "reset", "power-domains": "power domain", "phys": "PHY", "dmas": "DMA channel",
          "mboxes": "mailbox", "io-channels": "ADC channel", "pwms": "PWM", "phy-handle": "PHY", "usb-phy": "PHY",
          "memory-region": "reserved memory", "nvmem-cells": "fuse", "mux-controls": "multiplexer", "gpios": "GPIO",
          "gpio": "GPIO", "regmap": "registers", "hwlocks": "hardware lock", "interrupts": "interrupt"}
_OPTIONAL = frozenset("""
    assigned-clocks assigned-clock-parents dmas interconnects cooling-device thermal-sensors iommus msi-parent
    operating-points-v2 required-opps cpu-idle-states domain-idle-states next-level-cache nvmem-cells nvmem
    access-controllers access-controller remote-endpoint gpio-ranges wakeup-parent interrupt-affinity affinity cpus
    performance-domains trigger-sources boot-led arm,cs-dev-assoc sound-dai snps,axi-config peer-hub extcon
    qcom,bcm-voters companion native-mode""".split())


@dataclass(frozen=True)
class Stub:
    """A fixed clock or regulator in the place of one that the VM does not have."""
    kind: str                       # 'clock', 'regulator'
    provider: Node
    args: tuple[int, ...]
    rate: int = 0                   # Hz, of a clock


@dataclass(frozen=True)
class Fate:
    """What becomes of one entry of a property: `keep`, a `stub` in its place, or neither."""
    reference: Reference
    keep: bool
    stub: Stub | None = None


@dataclass(frozen=True)
class Lack:
    """A thing that a node refers to and its VM does not have."""
    device: Device                  # the device that brought the node along
    node: Node
    name: str                       # of the property
    provider: Node
    args: tuple[int, ...]
    stub: Stub | None               # what takes its place

    @property
    def what(self) -> str:
        """'clock', 'power domain', 'pin settings', ..."""
        if self.name.endswith("-supply"):
            return "regulator"
        if self.name.startswith("pinctrl-"):
            return "pin settings"
        if self.name.endswith(("-gpios", "-gpio")):
            return "GPIO"
        return _WORDS.get(self.name) or ("registers" if "," in self.name or "syscon" in self.name else self.name)

    @property
    def optional(self) -> bool:
        return self.name in _OPTIONAL


class Closure:
    """For the devices of one VM. `lines`: the numbers of the board's own interrupt controller that the VM has."""

    def __init__(self, board: Board, devices: Iterable[Device], lines: frozenset[int]) -> None:
        assert board.tree is not None
        self._board, self._tree, self._lines = board, board.tree, lines
        self._by_path = {d.path: d for d in board.devices}
        self._interrupts = Interrupts(board.tree)
        self._addresses = Addresses()
        self._root = board.controller.path if board.controller is not None else ""
        self._given = {d.path: d for d in devices if d.node is not None}
        self._children: dict[str, tuple[Node, ...]] = {}
        self._members: dict[str, Device] = {}       # path of each node -> the device that brought it along
        self.tops: list[Device] = []                # given devices that are not below another one, in the order given
        self.extras: list[Node] = []                # harmless providers, in the order in which they were met
        self.zones: list[Node] = []                 # thermal zones
        self.lacks: list[Lack] = []
        self._fates: dict[tuple[str, str], tuple[Fate, ...]] = {}
        for device in self._given.values():
            if not self._nested(device):
                self.tops.append(device)
                assert device.node is not None
                self._take(device.node, device)
        for device in list(self._given.values()):   # what was given below a node that is not taken
            if device.path not in self._members and device.node is not None:
                self.tops.append(device)
                self._take(device.node, device)
        self._resolve()

    def has(self, node: Node) -> bool:
        return node.path in self._members

    def device_of(self, node: Node) -> Device | None:
        """The given device that a node is itself, if any."""
        return self._given.get(node.path)

    def children(self, node: Node) -> tuple[Node, ...]:
        """The children that come along."""
        return self._children.get(node.path, ())

    def fates(self, node: Node, prop: Property) -> tuple[Fate, ...] | None:
        """What becomes of the entries of a property that names other nodes. None: it names none. Empty: drop it."""
        return self._fates.get((node.path, prop.name))

    def registers(self, node: Node) -> tuple[tuple[int, int], ...] | None:
        """Registers as the CPU sees them; None: the node is not on a bus that the CPU sees."""
        try:
            return self._addresses.registers(node)
        except TreeError:
            return None

    def mapped_bus(self, node: Node) -> bool:
        """Whether the CPU sees what is on the bus below a node."""
        return self._addresses.mapped(node)

    def translated(self, bus: Node | None, address: int) -> int | None:
        """An address on a bus as the CPU sees it."""
        return self._addresses.translate(bus, address) if bus is not None else None

    def dma_ranges(self, node: Node) -> tuple[tuple[int, int, int], ...]:
        """How addresses of a device's DMA become those of the CPU: (on its bus, CPU, size). Empty: they are
        the same, for all of memory."""
        found: tuple[tuple[int, int, int], ...] = ()
        bus = node.parent
        while bus is not None and bus.parent is not None:
            try:
                here = read_ranges(bus, "dma-ranges") or ()
            except TreeError:
                here = ()
            if here and not found:
                found = tuple(here)
            elif here:
                found = tuple((child, above + middle - low, size) for child, middle, size in found
                              for low, above, length in here if low <= middle < low + length)
            bus = bus.parent
        return found

    def _nested(self, device: Device) -> bool:
        node = device.node.parent if device.node is not None else None
        while node is not None:
            if node.path in self._given:
                return True
            node = node.parent
        return False

    def _take(self, node: Node, by: Device) -> None:
        device = self._given.get(node.path, by)
        self._members[node.path] = device
        own = self._by_path.get(node.path)
        taken = []
        for child in node.children:
            if not child.okay and child.unit_name not in ("port", "endpoint"):      # those are counted
                continue
            other = self._by_path.get(child.path)
            if other is not None and child.path not in self._given and not _within(other, own):
                continue            # a device of its own, which this VM does not have
            taken.append(child)
            self._take(child, device)
        self._children[node.path] = tuple(taken)

    def _resolve(self) -> None:
        waiting = deque((node, self._members[node.path]) for top in self.tops if top.node is not None
                        for node in self._walk(top.node))
        while waiting:
            node, device = waiting.popleft()
            for prop, entries in all_references(self._tree, node):
                fates = []
                for entry in entries or ():
                    if entry.provider is not None and self._harmless(entry.provider) and not self.has(entry.provider):
                        self._members[entry.provider.path] = device
                        self.extras.append(entry.provider)
                        below = [c for c in entry.provider.walk() if c is not entry.provider]
                        for part in (entry.provider, *below):
                            self._members.setdefault(part.path, device)
                            self._children[part.path] = tuple(part.children)
                            waiting.append((part, device))
                    fates.append(self._fate(entry, prop.name))
                self._fates[(node.path, prop.name)] = tuple(fates)
                for fate in fates:
                    if not fate.keep and fate.reference.provider is not None:
                        self.lacks.append(Lack(device, node, prop.name, fate.reference.provider, fate.reference.args,
                                               fate.stub))
            for controller, _ in self.foreign_interrupts(node):
                self.lacks.append(Lack(device, node, "interrupts", controller, (), None))
        zones = self._tree.nodes.get("/thermal-zones")
        for zone in zones.children if zones is not None else ():
            sensors = next((entries for prop, entries in all_references(self._tree, zone)
                            if prop.name == "thermal-sensors"), None)
            if sensors and all(s.provider is not None and self.has(s.provider) for s in sensors):
                self.zones.append(zone)
                self._fates[(zone.path, "thermal-sensors")] = tuple(Fate(s, True) for s in sensors)

    def _walk(self, node: Node) -> Iterator[Node]:
        yield node
        for child in self.children(node):
            yield from self._walk(child)

    def _harmless(self, node: Node, behind: tuple[Node, ...] = ()) -> bool:
        if node.has("reg") or node.has("interrupts") or node.has("interrupts-extended") or not node.okay:
            return False
        if not any(c in _HARMLESS for c in node.compatible):
            return False
        if "fixed-factor-clock" not in node.compatible:
            return True
        if node in behind:
            return False            # clocks in a ring
        try:                        # it is as good as the clock that it divides
            parents = self._tree.references(node, "clocks", "#clock-cells")
        except TreeError:
            return False
        return bool(parents) and all(self.has(p) or self.rate(p, args) or self._harmless(p, (*behind, node))
                                     for p, args in parents)

    def _fate(self, entry: Reference, name: str) -> Fate:
        if entry.provider is None or self.has(entry.provider):
            return Fate(entry, True)
        if name == "clocks":
            rate = self.rate(entry.provider, entry.args)
            if rate:
                return Fate(entry, False, Stub("clock", entry.provider, entry.args, rate))
        elif name.endswith("-supply"):
            return Fate(entry, False, Stub("regulator", entry.provider, ()))
        return Fate(entry, False)

    def rate(self, provider: Node, args: tuple[int, ...]) -> int:
        """Hz of a clock as board.yaml states it; 0: it does not."""
        rates = {(path, given): rate for path, given, rate in self._board.clocks}
        return rates.get((provider.path, args), 0) or rates.get((provider.path, ()), 0)

    def interrupts(self, node: Node) -> list[tuple[Node, tuple[int, ...], int, str] | None]:
        """The interrupts of a node in their order: (controller, specifier there, number, trigger); None: it is lost.
        The controller is the board's own, whose interrupt the VM then has, or one that comes along."""
        try:
            found = self._interrupts.resolved(node)
        except TreeError:
            return []
        made: list[tuple[Node, tuple[int, ...], int, str] | None] = []
        for taken in found:
            try:
                number, trigger = decode(*taken) if taken is not None else (0, "")
            except TreeError:
                taken, number, trigger = None, 0, ""
            mine = taken is not None and (number in self._lines if taken[0].path == self._root else self.has(taken[0]))
            made.append((*taken, number, trigger) if taken is not None and mine else None)
        return made

    def mapped(self, nexus: Node) -> list[tuple[tuple[int, ...], int]]:
        """The interrupt-map of a nexus as far as it leads to the board's own controller: (child address and specifier,
        number)."""
        try:
            entries = self._interrupts.entries(nexus)
        except TreeError:
            return []
        return [(key, decode(*taken)[0]) for key, taken in entries
                if taken is not None and taken[0].path == self._root]

    def foreign_interrupts(self, node: Node) -> Iterator[tuple[Node, tuple[int, ...]]]:
        """Those that are lost, with their controller."""
        try:
            found = self._interrupts.resolved(node)
        except TreeError:
            return
        for taken, kept in zip(found, self.interrupts(node)):
            if taken is not None and kept is None:
                yield taken


def _within(inner: Device, outer: Device | None) -> bool:
    """Whether all of a device's registers are some of another's, so that who has that one has this one, too."""
    return outer is not None and bool(inner.registers) and all(
        any(base <= at and at + size <= base + length for base, length in outer.registers)
        for at, size in inner.registers)
