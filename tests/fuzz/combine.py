# SPDX-License-Identifier: Apache-2.0
"""Descriptions in which keys meet that were built apart: mostly right, on any board, so that the plan and what is emitted
from it are reached. guest.elf and kernel.bin beside them run on none and fit all."""
from __future__ import annotations

import json
import random
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from configtool.board.model import Board

_ACTIONS: tuple[dict[str, Any], ...] = (
    {"action": "stop"}, {"action": "halt-system"}, {"action": "restart"},
    {"action": "restart", "at_most": 3, "within": "10s", "then": "stop"},
    {"action": "restart", "at_most": 1, "within": "1s", "then": "halt-system"})
_WATCHDOGS: tuple[dict[str, Any], ...] = ({"timeout": "1ms", "action": "stop"},
                                          {"timeout": "100ms", "start": "10s", "action": "restart"},
                                          {"timeout": "1s", "action": "restart", "at_most": 2, "within": "60s"},
                                          {"timeout": "1800s", "action": "halt-system"})


_SERIAL = re.compile("serial|uart|pl011")   # one of them is the console


@lru_cache(maxsize=None)
def _board(folder: Path) -> "Board | None":
    from configtool.board.load import load_board
    from configtool.diagnostics import Sink
    from configtool.source import Span

    return load_board(str(folder), Span("combine.py", 1, 1, 1, 1), "", Sink())


def origin(folder: Path) -> int:
    """Guest address at which the memory of a VM of this board begins where nothing says otherwise."""
    board = _board(folder)
    return 0x4000_0000 if board and board.arch.startswith("aarch") else 0x8000_0000


def machine(folder: Path) -> int | None:
    """e_machine of a 64-bit guest, or None where guests have 32."""
    board = _board(folder)
    arch = board.arch if board else ""
    return None if arch.endswith("32") else 183 if arch.startswith("aarch") else 243


class _Made:
    def __init__(self, r: random.Random, folder: Path) -> None:
        self.r = r
        self.folder = folder
        self.board = _board(folder)
        self.often = r.choice((0.1, 0.3, 0.6))      # how often a key stands there
        kind = self.board.controller.kind if self.board and self.board.controller else ""
        self.direct = 0.5 if kind == "gicv3" and r.random() < 0.5 else 0.01
        has = bool(self.board and self.board.bandwidth)
        self.budgets = 0.6 if has and r.random() < 0.5 else 0.01
        self.colors = r.random() < (0.4 if self.board and any(c.colors > 1 and len(c.cpus) > 1 for c in self.board.caches)
                                    else 0.01)
        cpus = [cpu for cpu in self.board.cpus if cpu.enabled] if self.board else []
        self.free = len(cpus)
        self.devices = [d for d in self.board.devices if d.kind == "device" and d.enabled and d.registers
                        and not d.problems] if self.board else []
        r.shuffle(self.devices)
        if r.random() < 0.9:        # what masters memory wants all of its VM's memory at its physical place
            self.devices = [d for d in self.devices if d.dma_master is False and not _SERIAL.match(d.name)]

    def maybe(self, part: float | None = None) -> bool:
        return self.r.random() < (self.often if part is None else part)

    def system(self) -> dict[str, Any]:
        r = self.r
        names = ["abcdef"[i] * 2 for i in range(min(self.free, r.choice((1, 2, 2, 3, 3, 4, 6))))] or ["aa"]
        top: dict[str, Any] = {"bulkhead": 1, "name": "combined", "board": str(self.folder)}
        own: dict[str, Any] = {}
        for key, values in (("on_panic", ("power-off", "halt", "reset")), ("events", ("4KiB", "64KiB", "1MiB")),
                            ("monitor", (True, False))):
            if self.maybe():
                own[key] = r.choice(values)
        if self.colors:
            top["colors"] = "auto"
            if self.maybe() and own.pop("events", None):
                own["colors"] = r.choice(("auto", "0", "0-1"))
        if self.maybe(self.budgets / 2):
            own["bandwidth"] = {"reserve": "1MiB/s"}
        if own:
            top["hypervisor"] = own
        channels: dict[str, Any] = {}
        for n in range(r.randrange(4) if len(names) > 1 else 0):
            ends = r.sample(names, r.randint(2, min(3, len(names))))
            channels[f"c{n}"] = {"size": r.choice(("8KiB", "64KiB", "2MiB")), "because": "it is checked",
                                 **({"between": ends[:2]} if self.maybe(0.4) else {"from": ends[0], "to": ends[1:]}),
                                 "doorbell": r.choice(("to", "from", "both", "none"))}
        if channels:
            top["channels"] = channels
        lends = self.maybe(0.3)
        top["vms"] = {name: self._vm(i, name, names, lends) for i, name in enumerate(names)}
        return top

    def _vm(self, number: int, name: str, names: list[str], lends: bool) -> dict[str, Any]:
        r = self.r
        rest = len(names) - number - 1
        count = max(1, min(self.free - rest, r.choice((1, 1, 1, 2, 3))))
        self.free -= count
        memory: dict[str, Any] = {"ram": r.choice(("2MiB", "4MiB", "16MiB", {"size": "4MiB", "at": "identity"},
                                                   "128MiB"))}
        image: dict[str, Any] = {"file": "guest.elf"}
        if machine(self.folder) is None or self.maybe(0.2):
            image = {"file": "kernel.bin", "at": origin(self.folder)}
            if isinstance(memory["ram"], dict):
                memory["ram"] = {"size": "4MiB"}
        elif isinstance(memory["ram"], dict) and self.maybe(0.9):
            memory["ram"]["at"] = origin(self.folder)
        for n in range(r.choice((0, 0, 1, 3))):
            memory[f"m{n}"] = r.choice(("4KiB", "2MiB", {"size": "64KiB", "access": r.choice(("r", "rw", "rx", "rwx"))}))
        vm: dict[str, Any] = {"vcpus": count, "memory": memory, "image": image}
        if self.maybe():
            vm["criticality"] = r.randrange(8)
        if self.devices and self.maybe(0.3):
            vm["devices"] = [self._device() for _ in range(r.choice((1, 1, 3))) if self.devices]
        for key in ("on_fault", "on_reset", "on_poweroff"):
            if self.maybe():
                vm[key] = r.choice(_ACTIONS)
        if self.maybe():
            vm["watchdog"] = r.choice(_WATCHDOGS)
        if self.maybe():
            vm["restartable"] = r.choice((True, True, False))
        if len(names) > 1 and self.maybe(0.2):
            vm["manager"] = r.choice((True, r.sample([n for n in names if n != name], 1)))
        if self.maybe(0.2):
            vm["console"] = "none"
        if self.maybe(0.3):
            vm["devicetree"] = r.choice(("none", "generated", {"at": origin(self.folder) + 0x10_0000},
                                         {"at": list(memory)[-1]}))
        if self.maybe(self.direct):
            vm["interrupts"] = "direct"
        elif self.maybe(self.budgets):
            vm["bandwidth"] = self._bandwidth(count, lends and number < 2, number)
        if self.colors and self.maybe(0.3):
            vm["colors"] = r.choice(("auto", "25%", f"{2 * number + 2}-{2 * number + 3}"))
        return vm

    def _device(self) -> Any:
        device = self.devices.pop()
        if device.dma_master is False or self.maybe(0.1):
            return device.path
        return {"name": device.path, "dma": "trusted", "because": "its driver is ours"}

    def _bandwidth(self, count: int, lends: bool, number: int) -> dict[str, Any]:
        r = self.r
        made: dict[str, Any] = {"budget": r.choice(("100MiB/s", "200MiB/s", "256000KiB/s"))}
        made["period"] = "100us" if lends else r.choice(("100us", "1ms", "20us"))
        if lends:
            made.update({"lend": "50%"} if number == 0 else {"borrow": True})
        elif self.maybe():
            share = 100 // count
            made["per_vcpu"] = r.choice(("even", "shared", [f"{100 - share * (count - 1)}%"] + [f"{share}%"] * (count - 1)))
        if self.maybe():
            made["critical"] = {"interrupts": ["timer"], "cost": "4KiB"}
        return made


def combine(r: random.Random, folder: Path) -> str:
    """A whole system.yaml for the board in this folder. JSON is YAML."""
    made = _Made(r, folder).system()
    return "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in made.items())
