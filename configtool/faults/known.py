# SPDX-License-Identifier: Apache-2.0
"""What is known beside the log: the description, what was built of it, the board, symbols of guests and hypervisor."""
from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..diagnostics import Sink, UsageError
from ..source import Span
from .symbols import Symbols

if TYPE_CHECKING:
    from ..board.model import Board, Device
    from ..system import System, Vm


@dataclass
class Known:
    """`plan`: plan.json of what was built, {} without it. `remarks`: what is missing, for the reader."""
    system: "System | None" = None
    board: "Board | None" = None
    plan: dict[str, Any] = field(default_factory=dict)
    folder: str = ""
    guests: dict[str, list[Symbols]] = field(default_factory=dict)
    hypervisor: Symbols | None = None
    build_id: str = ""
    sources: list[str] = field(default_factory=list)        # folders in which source files are looked for
    remarks: list[str] = field(default_factory=list)

    @property
    def arch(self) -> str:
        return str(self.plan.get("arch", self.board.arch if self.board is not None else ""))

    def vm(self, name: str) -> "Vm | None":
        return self.system.vm(name) if self.system is not None else None

    def planned(self, name: str) -> dict[str, Any]:
        """A VM in the plan."""
        return next((vm for vm in self.plan.get("vms", ()) if vm["name"] == name), {})

    def span(self, vm: str, place: str) -> Span | None:
        """Where the description speaks of a place by the name that the plan gives it: 'memory.ram', 'channels.x'."""
        own = self.vm(vm)
        if own is None or self.system is None:
            return None
        kind, _, name = place.partition(".")
        if kind == "memory" and (region := own.region(name)):
            return region.size_span
        if kind == "channels":
            return next((c.span for c in self.system.channels if c.name == name.partition(".")[0]), None)
        kind, _, name = place.partition(": ")
        if kind == "image":
            return next((i.span for i in own.images if i.file == name), None)
        if kind == "devices":
            return next((d.span for d in own.devices if d.name == name), None)
        return None

    def device_at(self, address: int) -> "Device | None":
        devices = self.board.devices if self.board is not None else ()
        return next((d for d in devices for base, size in d.registers if base <= address < base + size), None)

    def owner_of(self, device: "Device") -> str | None:
        """The VM that has a device in its map."""
        for vm in self.plan.get("vms", ()):
            for mapped in vm["maps"]:
                if mapped["kind"] == "device" and any(
                        mapped["phys"] <= base < mapped["phys"] + mapped["size"] for base, _ in device.registers):
                    return str(vm["name"])
        return None

    def symbols_of(self, vm: str, address: int) -> Symbols | None:
        return next((s for s in self.guests.get(vm, ()) if s.holds(address)), None)


def gather(system: str | None, built: str | None, guests: str | None, given: list[tuple[str, str, int]]) -> Known:
    """`given`: ELF files named for a VM, each with how far it runs from where it is linked. Raises UsageError."""
    from ..pipeline import ROOT, build_folder

    known = Known()
    if system is not None:
        _read_system(known, system, guests or os.path.join(built or build_folder(system), "guests"))
        built = built or build_folder(system)
        known.sources.append(os.path.dirname(os.path.abspath(system)))
    known.sources += [os.getcwd(), ROOT]
    if built is not None:
        _read_built(known, built)
    for vm, path, moved in given:
        names = [v.name for v in known.system.vms] if known.system is not None else \
            [str(v["name"]) for v in known.plan.get("vms", ())]
        if names and vm not in names:
            raise UsageError(f"there is no VM '{vm}'; there is: {', '.join(names)}")
        symbols = Symbols(path, moved)
        if symbols.problem:
            raise UsageError(f"{path} {symbols.problem}")
        known.guests.setdefault(vm, []).insert(0, symbols)
    return known


def _read_system(known: Known, path: str, guests: str) -> None:
    from ..board.load import load_board
    from ..language import load_system

    sink = Sink()
    known.system = load_system(path, sink, guests)
    if known.system is None:
        known.remarks.append(f"{path} cannot be read as a description: configtool check {path} says why")
        return
    known.board = load_board(known.system.board, known.system.board_span,
                             os.path.dirname(known.system.board_span.file), sink)
    for vm in known.system.vms:
        for image in vm.images:
            _add_guest(known, vm.name, image.path)


def _read_built(known: Known, folder: str) -> None:
    known.folder = folder
    try:
        with open(os.path.join(folder, "gen", "plan.json"), encoding="utf-8") as file:
            known.plan = json.load(file)
        for vm in known.plan["vms"]:
            for mapped in vm["maps"]:
                kind, _, name = mapped["name"].partition(": ")
                if kind == "image" and vm["name"] not in known.guests:
                    _add_guest(known, vm["name"], os.path.join(folder, "guests", name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        known.plan = {}
        known.remarks.append(f"{folder} holds no system that was built: what was decided for it is not known")
        return
    path = os.path.join(folder, "bulkhead.elf")
    symbols = Symbols(path)
    if symbols.problem:
        known.remarks.append(f"{path} {symbols.problem}")
        return
    known.hypervisor = symbols
    known.build_id = build_id(path)


def _add_guest(known: Known, vm: str, path: str) -> None:
    try:
        with open(path, "rb") as file:
            if file.read(4) != b"\x7fELF":
                return
    except OSError:
        return
    symbols = Symbols(path)
    if not symbols.problem and all(s.path != path for s in known.guests.get(vm, ())):
        known.guests.setdefault(vm, []).append(symbols)


def build_id(path: str) -> str:
    """The first half of the build id, as the console prints it; '' where there is none."""
    from ..verify.elf import NotAnImage, parse

    try:
        with open(path, "rb") as file:
            elf = parse(file.read())
    except (OSError, NotAnImage):
        return ""
    start = elf.symbol("__build_id_start")
    found = elf.read(start.value, 8) if start is not None else None
    return found.hex() if found else ""
