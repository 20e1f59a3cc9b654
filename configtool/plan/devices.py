# SPDX-License-Identifier: Apache-2.0
"""Devices of a VM: which, where in its address space, and their interrupts."""
from __future__ import annotations

from dataclasses import dataclass

from ..board.assign import in_rest
from ..board.model import Board, Device
from ..source import Span
from ..system import System
from .failure import InternalError
from .model import PAGE, Mapping


@dataclass(frozen=True)
class Given:
    """A device that a VM has."""
    device: Device
    name: str                       # as the YAML has it, or the node's name where `rest: true` gave it
    offset: int                     # IPA - physical address of its registers
    span: Span
    shared: bool = False

    @property
    def pages(self) -> tuple[tuple[int, int], ...]:
        """Physical pages of its registers, and of a PCI host bridge those of its bus: (base, end)."""
        return tuple((base // PAGE * PAGE, -(-(base + size) // PAGE) * PAGE)
                     for base, size in self.device.registers + self.device.windows if size)


def console_device(system: System, board: Board) -> Device | None:
    """The UART of the hypervisor; None: it has none."""
    if system.console == "none":
        return None
    name = system.console or board.console
    return board.device(name) if name else None


def given(system: System, board: Board) -> dict[str, tuple[Given, ...]]:
    """For each VM the devices that it has, in YAML order; what `rest: true` gives in tree order."""
    found: dict[str, list[Given]] = {}
    taken: set[str] = set()
    for vm in system.vms:
        found[vm.name] = []
        for ref in vm.devices:
            device = board.device(ref.name)
            if device is None:
                raise InternalError(f"device {ref.name} is not on the board, and no rule said so")
            offset = 0 if ref.at is None or not device.registers else ref.at - device.registers[0][0] // PAGE * PAGE
            found[vm.name].append(Given(device, ref.name, offset, ref.span, ref.shared))
            taken.add(device.path)
    console = console_device(system, board)
    if console is not None:
        taken.add(console.path)
    for vm in system.vms:
        if vm.devices_rest is None:
            continue
        excluded = {device.path for name, _ in vm.devices_rest.excluded if (device := board.device(name))}
        for device in board.devices:
            if device.path not in taken and device.path not in excluded and in_rest(board, device):
                found[vm.name].append(Given(device, device.name, 0, vm.devices_rest.span))
                taken.add(device.path)
    return {name: tuple(devices) for name, devices in found.items()}


def mappings(devices: tuple[Given, ...]) -> tuple[Mapping, ...]:
    """Stage-2 extents of a VM's devices. Devices that share a page share an extent; sorted by IPA."""
    parts = sorted((base + g.offset, end + g.offset, g.offset, i, g) for i, g in enumerate(devices) for base,
                   end in g.pages)
    joined: list[tuple[int, int, int, list[Given]]] = []
    for start, end, offset, _, g in parts:
        if joined and start < joined[-1][1] and offset == joined[-1][2]:
            before = joined[-1]
            joined[-1] = (before[0], max(before[1], end), offset, before[3] + ([] if g in before[3] else [g]))
        else:
            joined.append((start, end, offset, [g]))
    return tuple(Mapping(start, start - offset, end - start, "rw", "device",
                         "devices: " + ", ".join(g.name for g in who),
                         who[0].span.line) for start, end, offset, who in joined)


def interrupts(devices: tuple[Given, ...], board: Board) -> tuple[tuple[int, str, Given], ...]:
    """(source, trigger, device) of each interrupt that goes to the board's interrupt controller, by source, each
    once."""
    path = board.controller.path if board.controller else None
    found: dict[int, tuple[int, str, Given]] = {}
    for g in devices:
        for interrupt in g.device.interrupts:
            if interrupt.controller == path and interrupt.number not in found:
                trigger = interrupt.trigger if interrupt.trigger != "unknown" else "level-high"
                found[interrupt.number] = (interrupt.number, trigger, g)
    return tuple(found[number] for number in sorted(found))
