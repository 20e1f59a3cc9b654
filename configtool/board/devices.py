# SPDX-License-Identifier: Apache-2.0
"""Devices of a device tree: registers, interrupts, whether they master memory, and what they depend on."""
from __future__ import annotations

from dataclasses import replace
from typing import Callable, TypeVar

from ..source import Span
from .address import Addresses, read_ranges
from .dts import DeviceTree, Node, TreeError
from .interrupts import APLIC, GICV2, GICV3, IMSIC, PLIC, Interrupts, is_a
from .masters import masters_memory
from .model import Device, Interrupt

_T = TypeVar("_T")
_U = TypeVar("_U")

# Nodes below the root whose children are no devices of their own.
_NOT_DEVICES = ("cpus", "memory", "reserved-memory", "chosen", "aliases", "__symbols__", "__fixups__",
                "__local_fixups__", "__overrides__", "opp-table", "thermal-zones")

_CLINT = ("riscv,clint0", "sifive,clint0", "thead,c900-clint", "sifive,clint2", "riscv,aclint-mswi",
          "riscv,aclint-mtimer", "riscv,aclint-sswi", "thead,c900-aclint-mswi", "thead,c900-aclint-mtimer",
          "thead,c900-aclint-sswi", "andestech,plicsw", "andestech,plmt0", "mips,p8700-aclint-sswi")
_TIMERS = ("arm,armv8-timer", "arm,armv7-timer", "riscv,timer", "arm,armv7-timer-mem")
_MSI = ("arm,gic-v3-its", "arm,gic-v2m-frame")
_IOMMUS = ("arm,smmu-v1", "arm,smmu-v2", "arm,smmu-v3", "arm,mmu-400", "arm,mmu-401", "arm,mmu-500", "riscv,iommu")
_BUSES = ("simple-bus", "simple-pm-bus", "isa", "ti,sysc")
_POWER = ("syscon-poweroff", "syscon-reboot", "sifive,test0", "sifive,test1")

# Properties that are lists of phandles with arguments, and where the provider says how many.
_REFERENCES = {"clocks": "#clock-cells", "resets": "#reset-cells", "power-domains": "#power-domain-cells", 
               "phys": "#phy-cells", "dmas": "#dma-cells", "mboxes": "#mbox-cells",
               "interconnects": "#interconnect-cells", "hwlocks": "#hwlock-cells",
               "io-channels": "#io-channel-cells", "pwms": "#pwm-cells", "memory-region": "", "phy-handle": ""}


class Devices:
    """Reads the devices of one tree. What cannot be read of a device stands in its `problems`; others are not touched.
    """

    def __init__(self, tree: DeviceTree) -> None:
        self._tree = tree
        self._addresses = Addresses()
        self._interrupts = Interrupts(tree)
        self._aliases: dict[str, list[str]] = {}
        for name, path in tree.aliases.items():
            node = tree.node(path)
            if node:
                self._aliases.setdefault(node.path, []).append(name)
        self._power: set[int] = set()             # phandles of what poweroff and reboot write to
        for node in tree.root.walk():
            if any(c in ("syscon-poweroff", "syscon-reboot") for c in _lenient(node)):
                regmap = node.get("regmap")
                if regmap is not None and len(regmap.value) == 4:
                    self._power.add(regmap.u32)

    def all(self) -> tuple[Device, ...]:
        found: list[Device] = []
        # id of a node: position in `found` of the device with registers that it is behind
        holder: dict[int, int] = {}
        folded: dict[int, list[Interrupt]] = {}
        stack = list(reversed(self._tree.root.children))
        while stack:
            node = stack.pop()
            if node.unit_name in _NOT_DEVICES and node.parent is self._tree.root:
                continue
            above = holder.get(id(node.parent))
            device = self._device(node)
            if device is not None and above is not None and not device.registers and not device.problems:
                # A function of it, or a chip on its bus: its interrupts go where those registers go.
                folded.setdefault(above, list(found[above].interrupts)).extend(device.interrupts)
                device = None
            if device is not None:
                found.append(device)
            if device is not None and device.registers and device.kind == "device":
                holder[id(node)] = len(found) - 1
            elif above is not None:
                holder[id(node)] = above
            if device is None or device.kind != "pci":
                stack.extend(reversed(node.children))
        for at, interrupts in folded.items():
            once: dict[tuple[str, int], Interrupt] = {}
            for interrupt in interrupts:
                once.setdefault((interrupt.controller, interrupt.number), interrupt)
            found[at] = replace(found[at], interrupts=tuple(once.values()))
        return tuple(found)

    def _device(self, node: Node) -> Device | None:
        """None: nothing that could be given away. Without registers where it is behind a bus that is not mapped."""
        if not node.has("compatible") or not (node.has("reg") or node.has("interrupts")
                                              or node.has("interrupts-extended")):
            return None
        problems: list[tuple[str, Span]] = []

        def part(read: Callable[[], _T], otherwise: _U) -> _T | _U:
            try:
                return read()
            except TreeError as error:
                problems.append((error.message, error.span))
                return otherwise

        kind = part(lambda: self._kind(node), "device")
        registers = part(lambda: self._addresses.registers(node), ())
        interrupts = part(lambda: self._wired(node, kind), ()) if kind != "clint" else ()
        if not registers and not interrupts and (registers is None or not problems):
            return None
        iommus = part(lambda: self._iommus(node), ())
        windows = part(lambda: self._windows(node), ()) if kind == "pci" else ()
        depends = self.depends(node)
        for path in dict.fromkeys(i.controller for i in interrupts):
            # A controller behind the board's own (a GPIO block, say) is depended on.
            controller = self._tree.nodes.get(path)
            if controller is not None and controller is not node and not is_a(controller, PLIC + APLIC + GICV2 + GICV3):
                depends += (("interrupts", path),)
        return Device(name=node.name, path=node.path, label=node.label, aliases=tuple(self._aliases.get(node.path, ())),
                      span=node.span, compatible=_lenient(node), enabled=node.available, registers=registers or (),
                      interrupts=interrupts, kind=kind,
                      dma_master=masters_memory(node, kind, bool(iommus)), iommus=iommus, depends=depends, node=node,
                      problems=tuple(problems), windows=windows)

    def _wired(self, node: Node, kind: str) -> tuple[Interrupt, ...]:
        interrupts = self._interrupts.of(node)
        if kind == "pci":
            known = {(i.controller, i.number) for i in interrupts}
            interrupts += tuple(i for i in self._interrupts.mapped(node) if (i.controller, i.number) not in known)
        return interrupts

    def _windows(self, node: Node) -> tuple[tuple[int, int], ...]:
        """Where a PCI host bridge lets the CPU reach its bus."""
        found = []
        for _, parent, size in read_ranges(node) or []:
            base = self._addresses.translate(node.parent, parent) if node.parent else None
            if base is not None and size:
                found.append((base, size))
        return tuple(found)

    def _kind(self, node: Node) -> str:
        if is_a(node, PLIC + APLIC + IMSIC + GICV2 + GICV3 + _MSI):
            return "interrupt-controller"
        if node.has("#iommu-cells") or is_a(node, _IOMMUS) or any(c.endswith("-tbu") for c in node.compatible):
            return "iommu"
        if is_a(node, _TIMERS):
            return "timer"
        if any(c == "arm,armv8-pmuv3" or c.startswith(("arm,cortex-", "arm,neoverse-", "qcom,kr"))
               and c.endswith("-pmu")
               for c in node.compatible):
            return "pmu"
        if is_a(node, _CLINT):
            return "clint"
        if node.string("device_type", "") == "pci":
            return "pci"
        if is_a(node, _POWER) or node.phandle in self._power:
            return "power"
        if is_a(node, _BUSES):
            return "bus"
        return "device"

    def _iommus(self, node: Node) -> tuple[tuple[str, int], ...]:
        found = [(provider.path, args[0] if args else 0)
                 for provider, args in self._tree.references(node, "iommus", "#iommu-cells")]
        cells = node.cells("iommu-map")
        for at in range(0, len(cells) - 3, 4):      # (first requester id, IOMMU, first stream id, count)
            provider = self._tree.phandle(cells[at + 1])
            if provider:
                found.append((provider.path, cells[at + 2]))
        return tuple(found)

    def depends(self, node: Node) -> tuple[tuple[str, str], ...]:
        """(what, path of the provider), each once, in the order of the properties. A reference that cannot be read
        (trees carry some of bindings long gone) is left out."""
        found: dict[tuple[str, str], None] = {}
        for prop in node.properties:
            name = prop.name
            try:
                if name in _REFERENCES:
                    for provider, _ in self._tree.references(node, name, _REFERENCES[name]):
                        found[(name, provider.path)] = None
                elif name.endswith("-supply") and len(prop.value) == 4:
                    self._one(found, "supply", prop.u32)
                elif name.startswith("pinctrl-") and name[8:].isdigit():
                    for number in prop.cells:
                        self._one(found, "pinctrl", number)
                elif name.endswith(("-gpios", "-gpio")) or name == "gpios":
                    for provider, _ in self._tree.references(node, name, "#gpio-cells"):
                        found[("gpios", provider.path)] = None
            except TreeError:
                continue
        return tuple(key for key in found if key[1] != node.path)

    def _one(self, found: dict[tuple[str, str], None], what: str, number: int) -> None:
        provider = self._tree.phandle(number)
        if provider:
            found[(what, provider.path)] = None


def _lenient(node: Node) -> tuple[str, ...]:
    try:
        return node.compatible
    except TreeError:
        return ()
