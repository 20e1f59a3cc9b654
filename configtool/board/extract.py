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
    """`problems` are parts that could not be read: (part, message, place); what they concern is empty. `part` is
    'CPUs', 'memory', 'interrupt controller' or another field in words."""
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
    problems: tuple[tuple[str, str, Span], ...]


_T = TypeVar("_T")
_U = TypeVar("_U")


def extract(tree: DeviceTree) -> Facts:
    problems: list[tuple[str, str, Span]] = []

    def part(name: str, read: Callable[[], _T], otherwise: _U) -> _T | _U:
        try:
            return read()
        except TreeError as error:
            if all((error.message, error.span) != problem[1:] for problem in problems):
                problems.append((name, error.message, error.span))
            return otherwise

    cpus = part("CPUs", lambda: read_cpus(tree), ())
    memory = part("memory", lambda: read_memory(tree), ())
    reserved = part("reserved memory", lambda: read_reserved(tree), ())
    devices = part("devices", lambda: Devices(tree).all(), ())
    harts = {cpu.path: cpu.id for cpu in cpus}
    controller = part("interrupt controller", lambda: read_controller(tree, harts), None)
    caches = part("caches", lambda: read_caches(tree, cpus), ())
    timebase = part("timebase-frequency", lambda: _timebase(tree), 0)
    console, options = part("console", lambda: _console(tree), (None, ""))
    psci = part("PSCI", lambda: _psci(tree), "")
    return Facts(tree, architecture(cpus), cpus, memory, reserved, devices, controller, caches, timebase, console,
                 options, psci,
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
        if node.unit_name.startswith("psci") and {"arm,psci-1.0", "arm,psci-0.2"}.intersection(node.compatible):
            return node.string("method", "") or ""
    return ""
