# SPDX-License-Identifier: Apache-2.0
"""examples/linux-and-control: how often the hypervisor runs for a Linux at work, and what the control loop sees of it."""
from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Iterator

from boards import Board
from counting import EXACT, Machine
from image import Image
from linux_shell import Shell

REASONS = ("calls", "hypercalls", "mmio", "device", "timer", "event", "other")

# What Linux does meanwhile: the lines that start it. Each fits into the queue of the UART.
LOADS = {
    "idle": (),
    "CPU loops on all harts": ("for i in 1 2 3; do while :; do :; done & done",),
    "dd from the disk": ("d() { dd if=/dev/vda of=/dev/null bs=64k iflag=direct; }", "while d 2>/dev/null; do :; done &"),
    "ping flood": ("ping -A -q 10.0.2.2 >/dev/null &",),
}
SECONDS = 3.0               # that are counted for each load
TICKS = 6                   # of the control loop whose instructions are counted

_SYSTEMS = {"plic": "system.yaml", "aplic": "linux-and-control-aplic.yaml", "aia": "linux-and-control-aia.yaml"}


@dataclass(frozen=True)
class Exits:
    """How often the hypervisor ran in a second for all vCPUs of a VM, by reason; counts of one run."""
    board: str
    load: str
    vm: str
    per_second: dict[str, int]
    total: int


@dataclass(frozen=True)
class Ticks:
    """Instructions on the control loop's CPU from one of its ticks to the next; exact."""
    board: str
    load: str
    least: int
    most: int
    hypervisor: int         # the most of them that were the hypervisor's
    ticks: int


def exits(board: Board) -> Iterator[Exits]:
    """With QEMU's own clock: a second of the guest is a second here."""
    image = _image(board)
    with Machine(image.command(), []) as machine:
        shell = Shell(machine.console)
        for load in LOADS:
            _start(shell, load)
            time.sleep(1)
            began = time.monotonic()
            before = _statistics(machine)
            time.sleep(SECONDS)
            after = _statistics(machine)
            passed = time.monotonic() - began
            _stop(shell)
            for vm in after:
                counts = [round((b - a) / passed) for a, b in zip(before[vm], after[vm])]
                # Hypercalls are among the calls.
                yield Exits(board.key, load, vm, dict(zip(REASONS, counts)), sum(counts) - counts[1])


def ticks(board: Board) -> list[Ticks]:
    image = _image(board)
    start, end, tick = (image.marks[f"control.{name}"] for name in ("text_start", "text_end", "tick"))
    cpu = next(c["id"] for c in image.plan["cpus"] if image.plan["vms"][c["vm"]]["name"] == "control")
    with Machine([*image.command(), *EXACT[:6]], [image.text, (start, end - start)]) as machine:
        shell = Shell(machine.console)
        found = []
        seen = 0
        for load in ("idle", "CPU loops on all harts"):
            _start(shell, load)
            machine.count()
            deadline = time.monotonic() + 120
            while True:
                time.sleep(0.5)
                trace = [pc for number, pc in machine.steps()[seen:] if number == cpu]
                if trace.count(tick) > TICKS:
                    break
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{board.title}: the control loop does not tick beside Linux ({load})")
            machine.stop_counting()
            seen = len(machine.steps())
            _stop(shell)
            found.append(_between(board, load, trace, tick, image.text))
    return found


def _between(board: Board, load: str, trace: list[int], tick: int, text: tuple[int, int]) -> Ticks:
    places = [index for index, pc in enumerate(trace) if pc == tick][:TICKS + 1]
    totals = [b - a for a, b in zip(places, places[1:])]
    own = [sum(text[0] <= pc < text[0] + text[1] for pc in trace[a:b]) for a, b in zip(places, places[1:])]
    return Ticks(board.key, load, min(totals), max(totals), max(own), len(totals))


def _image(board: Board) -> Image:
    return Image(f"examples/linux-and-control/{_SYSTEMS[board.key]}")


def _start(shell: Shell, load: str) -> None:
    for line in LOADS[load]:
        shell.run(line, timeout=120)


def _stop(shell: Shell) -> None:
    """Ends what _start has started; the prompt comes when Linux has nothing else to do."""
    shell.run("kill -9 $(jobs -p); killall -9 dd ping; wait", timeout=120)


_LINE = re.compile(r"\[bulkhead\] +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)  (\S+) vcpu (\d+) \(.*\)\n")


def _statistics(machine: Machine) -> dict[str, list[int]]:
    """The exit counters as the console shows them: for each VM the sums over its vCPUs, by reason."""
    machine.console.send("\x05s")
    found: dict[str, list[int]] = {}
    for _ in range(4):
        line = machine.console.expect(_LINE, timeout=30)
        counts = found.setdefault(line[8], [0] * len(REASONS))
        for reason in range(len(REASONS)):
            counts[reason] += int(line[reason + 1])
    return found
