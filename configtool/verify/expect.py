# SPDX-License-Identifier: Apache-2.0
"""What the YAML and the board promise, worked out anew: who has which device, interrupt and channel, what RAM there is.

Sizes and addresses are bytes; pages are (start, end) of whole pages.
"""
from __future__ import annotations

from dataclasses import dataclass

from ..board.model import Board, Device
from ..source import Span
from ..system import Channel, System, Vm
from .expect_gic import Gic, gic
from .walk import PAGE, Ranges, minus, union


@dataclass(frozen=True)
class Grant:
    """A device that a VM has."""
    device: Device
    name: str                   # as the YAML has it
    span: Span
    shared: bool
    shift: int                  # IPA - physical address of its registers
    trusted: str | None         # why its DMA is trusted; None: it is not


@dataclass(frozen=True)
class End:
    """A VM's end of a channel: parts are (offset, size, access)."""
    channel: Channel
    parts: tuple[tuple[int, int, str], ...]
    rings: frozenset[str]       # VMs that its doorbell reaches
    rung: bool                  # some doorbell reaches it


@dataclass(frozen=True)
class Expected:
    system: System
    board: Board
    grants: dict[str, tuple[Grant, ...]]        # by VM
    ends: dict[str, tuple[End, ...]]            # by VM, in the order of the YAML
    console: Device | None      # the hypervisor's UART
    ram: Ranges                 # banks less firmware's and reserved memory
    reserved: tuple[tuple[int, int, str], ...]  # whole pages of it: (start, end, name)
    gic: Gic | None             # None: the board has another interrupt controller

    def vm(self, name: str) -> Vm:
        return next(v for v in self.system.vms if v.name == name)


def uses_timer(system: System) -> bool:
    """Whether the hypervisor has a use for a timer of its own."""
    return any(vm.bandwidth is not None or vm.watchdog is not None for vm in system.vms)


def overflow_interrupt(system: System, board: Board) -> int:
    """INTID by which an Arm CPU tells that a budget is used; 0: no VM has one."""
    if board.arch != "aarch64" or not any(vm.bandwidth is not None for vm in system.vms):
        return 0
    return next((i.number for d in board.devices if d.kind == "pmu" and d.enabled for i in d.interrupts if i.number < 32), 0)


def whole_pages(base: int, size: int) -> tuple[int, int]:
    return base // PAGE * PAGE, -(-(base + size) // PAGE) * PAGE


def expect(system: System, board: Board) -> Expected:
    name = system.console if system.console is not None else board.console
    console = board.device(name) if name and name != "none" else None
    reserved = tuple((*whole_pages(r.base, r.size), r.name) for r in board.reserved)
    ram = minus(union((b.base, b.end) for b in board.memory), union((start, end) for start, end, _ in reserved))
    return Expected(system, board, _grants(system, board, console), {vm.name: _ends(system, vm) for vm in system.vms},
                    console, ram, reserved, gic(board))


def _grants(system: System, board: Board, console: Device | None) -> dict[str, tuple[Grant, ...]]:
    found: dict[str, list[Grant]] = {vm.name: [] for vm in system.vms}
    taken = {console.path} if console else set()
    for vm in system.vms:
        for ref in vm.devices:
            device = board.device(ref.name)
            if device is None:
                continue        # check has said so; then there is no image either
            taken.add(device.path)
            base = device.registers[0][0] // PAGE * PAGE if device.registers else 0
            found[vm.name].append(Grant(device, ref.name, ref.span, ref.shared, 0 if ref.at is None else ref.at - base,
                                        ref.because or "" if ref.dma == "trusted" else None))
    for vm in system.vms:
        if vm.devices_rest is None:
            continue
        excluded = [d.path for name, _ in vm.devices_rest.excluded if (d := board.device(name)) is not None]
        for device in board.devices:
            if device.kind == "device" and device.enabled and device.registers and not device.problems \
                    and device.dma_master is not True and device.path not in taken and device.path not in excluded:
                taken.add(device.path)
                found[vm.name].append(Grant(device, device.name, vm.devices_rest.span, False, 0, None))
    return {name: tuple(grants) for name, grants in found.items()}


def _ends(system: System, vm: Vm) -> tuple[End, ...]:
    found = []
    for channel in system.channels:
        names = [name for name, _ in channel.ends]
        if vm.name not in names:
            continue
        half = channel.size // 2
        if channel.between:
            mine = (0, half) if names[0] == vm.name else (half, half)
            other = (half, half) if names[0] == vm.name else (0, half)
            parts = tuple(sorted([(*mine, "rw"), (*other, "r")]))
        else:
            parts = ((0, channel.size, "rw" if channel.writer and channel.writer[0] == vm.name else "r"),)
        rings = {name: _rings(channel, name) for name in names}
        found.append(End(channel, parts, frozenset(rings[vm.name]), any(vm.name in r for r in rings.values())))
    return tuple(found)


def _rings(channel: Channel, name: str) -> list[str]:
    """VMs that a doorbell of this VM's end reaches: `to` is the direction from the first end to the others."""
    first, *others = [end for end, _ in channel.ends]
    if name == first:
        return others if channel.doorbell in ("to", "both") else []
    return [first] if channel.doorbell in ("from", "both") else []


def physical_interrupts(grants: tuple[Grant, ...], board: Board) -> dict[int, Grant]:
    """Sources of the board's interrupt controller that belong to devices."""
    path = board.controller.path if board.controller else None
    found: dict[int, Grant] = {}
    for grant in grants:
        for interrupt in grant.device.interrupts:
            if interrupt.controller == path:
                found.setdefault(interrupt.number, grant)
    return found
