# SPDX-License-Identifier: Apache-2.0
"""Who has which device: what the rules on devices, interrupts and DMA share."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

from ..board.assign import in_rest
from ..board.dts import Node
from ..board.model import Board, Device
from ..source import Span
from ..system import DeviceRef, Vm
from .registry import Context

PAGE = 4096


@dataclass(frozen=True)
class Given:
    """A device and the VM that has it. `ref` is None where `rest: true` gave it."""
    vm: Vm
    device: Device
    span: Span
    ref: DeviceRef | None = None

    @property
    def name(self) -> str:
        return self.ref.name if self.ref else self.device.name

    @property
    def shared(self) -> bool:
        return self.ref is not None and self.ref.shared


def board_of(context: Context) -> Board:
    assert context.board is not None
    return context.board


def named(context: Context) -> Iterator[tuple[str, Span, Vm]]:
    """Every device that a VM names, in `devices` or in `except`."""
    for vm in context.system.vms:
        for ref in vm.devices:
            yield ref.name, ref.span, vm
        for name, span in vm.devices_rest.excluded if vm.devices_rest else ():
            yield name, span, vm


def console_of(context: Context) -> Device | None:
    """The UART that the hypervisor keeps."""
    board = board_of(context)
    if context.system.console == "none":
        return None
    name = context.system.console or board.console
    return board.device(name) if name else None


def owners(context: Context) -> tuple[Given, ...]:
    """Devices that VMs have, as far as their names lead somewhere; those of `rest: true` last."""
    if "owners" not in context.known:       # rules ask again and again
        context.known["owners"] = tuple(_owners(context))
    return context.known["owners"]      # type: ignore[no-any-return]


def _owners(context: Context) -> list[Given]:
    board = board_of(context)
    found = [Given(vm, device, ref.span, ref) for vm in context.system.vms for ref in vm.devices
             if (device := board.device(ref.name)) is not None]
    taken = {given.device.path for given in found}
    console = console_of(context)
    for vm in context.system.vms:
        if vm.devices_rest is not None:
            excluded = {d.path for name, _ in vm.devices_rest.excluded if (d := board.device(name))}
            away = taken | excluded
            rest = [d for d in board.devices if d.path not in away and d is not console and in_rest(board, d)]
            found += [Given(vm, d, vm.devices_rest.span) for d in rest]
            taken.update(d.path for d in rest)
    return found


def pages(device: Device) -> list[tuple[int, int]]:
    """(base, end) of the pages that its registers and windows touch."""
    return [(base // PAGE * PAGE, -(-(base + size) // PAGE) * PAGE) for base, size in device.registers + device.windows]


def listed(names: list[str]) -> str:
    """At most eight names."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def missing(board: Board, name: str) -> tuple[Node, str, list[str]] | None:
    """Why a name that is a node of the tree and no device cannot be given: (node, reason, help). None: no node."""
    tree = board.tree
    if tree is None:
        return None
    node = tree.find(name) or next((n for n in tree.root.walk() if n.name == name), None)
    if node is None or node.parent is None:
        return None
    if node.path.startswith("/cpus"):
        return node, "is no device: it is part of the CPUs", ["CPUs are given by vcpus or cpus"]
    if node.string("device_type", "") == "memory" or node.path.startswith("/reserved-memory"):
        return node, "is no device: it is memory", ["memory is given by memory: {ram: 16MiB}"]
    devices = {d.path: d for d in board.devices}
    above: Node | None = node.parent
    while above is not None and above.path not in devices:
        above = above.parent
    if above is not None and (node.has("compatible") or devices[above.path].kind == "pci"):
        what = "is a function behind" if devices[above.path].kind == "pci" else "is behind"
        help_ = f"give {above.label or above.name}: it has the registers"
        return node, f"{what} {above.name}, and goes with it", [help_]
    return node, "has neither registers nor interrupts: there is nothing to give", ["remove it"]
