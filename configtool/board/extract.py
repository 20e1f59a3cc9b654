# SPDX-License-Identifier: Apache-2.0
"""The meaning of a whole device tree: everything that `Board` holds and board.yaml does not say."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, TypeVar

from ..source import Span
from .controller import read_controller
from .cpus import architecture, read_caches, read_cpus
from .devices import Devices
from .dts import DeviceTree, TreeError
from .memory import read_memory, read_reserved
from .model import Cache, Cpu, Device, InterruptController, MemoryBank, Reserved


@dataclass(frozen=True)
class Facts:
    """`problems` are parts that could not be read: (message, place); what they concern is empty."""
    tree: DeviceTree
    arch: str
    cpus: tuple[Cpu, ...]
    memory: tuple[MemoryBank, ...]
    reserved: tuple[Reserved, ...]
    devices: tuple[Device, ...]
    controller: InterruptController | None
    caches: tuple[Cache, ...]
    timebase: int
    console: str | None
    console_options: str
    psci: str
    problems: tuple[tuple[str, Span], ...]


_T = TypeVar("_T")


def extract(tree: DeviceTree) -> Facts:
    problems: list[tuple[str, Span]] = []

    def part(read: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return read()
        except TreeError as error:
            if (error.message, error.span) not in problems:
                problems.append((error.message, error.span))
            return otherwise

    cpus = part(lambda: read_cpus(tree), ())
    memory = part(lambda: read_memory(tree), ())
    reserved = part(lambda: read_reserved(tree), ())
    devices = part(lambda: Devices(tree).all(), ())
    harts = {cpu.path: cpu.id for cpu in cpus}
    controller = part(lambda: read_controller(tree, harts), None)
    caches = part(lambda: read_caches(tree, cpus), ())
    timebase = part(lambda: _timebase(tree), 0)
    console, options = part(lambda: _console(tree), (None, ""))
    psci = part(lambda: _psci(tree), "")
    return Facts(tree, architecture(cpus), cpus, memory, reserved, devices, controller, caches, timebase, console, options, psci,
                 tuple(problems))


def _timebase(tree: DeviceTree) -> int:
    """RISC-V: in /cpus, in older trees in each CPU."""
    top = tree.nodes.get("/cpus")
    for node in (top, *top.children) if top else ():
        value = node.number("timebase-frequency")
        if value:
            return value
    return 0


def _console(tree: DeviceTree) -> tuple[str | None, str]:
    """(path of the console's device, options), from stdout-path of /chosen (specification, section 3.6)."""
    chosen = tree.nodes.get("/chosen")
    text = (chosen.string("stdout-path") or chosen.string("linux,stdout-path")) if chosen else None
    if not text:
        return None, ""
    name, _, options = text.partition(":")
    node = tree.find(name)
    return (node.path if node else None), options


def _psci(tree: DeviceTree) -> str:
    """How firmware is called that has PSCI 0.2 or later (bindings, arm/psci.yaml)."""
    for node in tree.root.walk():
        if any(c in ("arm,psci-1.0", "arm,psci-0.2") for c in (node.compatible if node.unit_name.startswith("psci") else ())):
            return node.string("method", "") or ""
    return ""
