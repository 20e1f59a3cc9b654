# SPDX-License-Identifier: Apache-2.0
"""The longest way through the hypervisor for each reason to be in it, while a guest does whatever it can think of.

The guest is tests/guests/chaos; see docs/internals/testing.md. A path is what one CPU executes of the hypervisor from a trap
until it is back in the guest. Left out: printing, which is as slow as the UART and is shown for itself; waiting for a lock;
and what a vCPU does that sleeps, is off or has come to its end, since nobody waits for that but its own VM.
"""
from __future__ import annotations

import bisect
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "qemu"))

import chaos  # noqa: E402
from counting import EXACT, Machine  # noqa: E402
from image import Image  # noqa: E402

OPERATIONS = 2000
SEED = 1
BOARDS = ("plic", "aplic", "aia", "rv32", "gicv2", "gicv3")

# What a path is called: by the first of these functions that it visits.
_KINDS = (("vm_fault_access", "report of a fault"), ("vm_fault", "report of a fault"),
          ("vm_finish", "reset, power-off"), ("cpu_park", ""), ("arch_wait", ""), ("arch_vcpu_start", ""),
          ("hypercall", "hypercall"), ("trap_call", "firmware call"), ("vuart_access", "virtual UART"),
          ("vm_ring", "doorbell page"), ("virq_access", "virtual interrupt controller"),
          ("virq_write_sgi", "SGI by a register"), ("trap_interrupt", "interrupt, event"),
          ("trap_access", "refused access"), ("abort_data", "refused access"), ("", "anything else that traps"))
_LAST = ("report of a fault", "reset, power-off")
KINDS = tuple(dict.fromkeys(kind for _, kind in _KINDS if kind))
_ENDS = ("cpu_park", "vm_vcpu_off")     # where the path of a report has done its work
_LOCK = 12                              # instructions of taking or leaving a lock, without the wait


@dataclass(frozen=True)
class Paths:
    board: str
    longest: dict[str, int]     # by kind: instructions without printing
    printing: int               # the longest part of one path, but of a report, that prints
    count: int                  # paths
    operations: int


def measure(board: str, operations: int = OPERATIONS) -> Paths:
    """RuntimeError: the hypervisor or a neighbour failed."""
    image = Image(f"tests/guests/chaos/{chaos.BOARDS[board]}.yaml")
    code = _Code(image)
    longest = dict.fromkeys(KINDS, 0)
    printing = count = 0
    with Machine([*image.command(), *EXACT], [image.text], limit=900) as machine:
        for guest in ("witness", "listener", "chaos"):
            machine.console.expect(re.compile(rf"\[{guest}\] {guest} ready\n"), timeout=120)
            machine.console.rewind()
        machine.count()
        machine.console.send(f"{SEED} {operations}\r")
        try:
            machine.console.expect(re.compile(r"\[witness\] \d+ operations.* 0 wrong, exits 0 0 0 0 0 0 0\n"), timeout=800)
        except AssertionError as problem:
            raise RuntimeError(f"{problem}:\n{machine.console.output[-4000:]}") from problem
        machine.stop_counting()
        for path in _paths(machine.each_step(), code):
            kind, length, printed = code.judge(path)
            if kind:
                count += 1
                longest[kind] = max(longest[kind], length)
                if kind not in _LAST:
                    printing = max(printing, printed)
    return Paths(board, longest, printing, count, operations)


class _Code:
    """What is known of the hypervisor's instructions."""

    def __init__(self, image: Image) -> None:
        self._image = image
        tools = "aarch64-linux-gnu-" if image.plan["arch"] == "aarch64" else "riscv64-unknown-elf-"
        elf = str(image.directory / "bulkhead.elf")
        rows = [line.split() for line in subprocess.run([f"{tools}nm", elf], capture_output=True, text=True,
                                                        check=True).stdout.splitlines()]
        self._symbols = sorted((int(row[0], 16), row[2]) for row in rows
                               if len(row) == 3 and row[1] in "tT" and not row[2].startswith(("$", ".L")))
        self._starts = [start for start, _ in self._symbols]
        where = {name: start for start, name in self._symbols}
        self.entries = (range(where["vectors"] + 0x400, where["vectors"] + 0x800, 0x80) if "vectors" in where
                        else range(where["trap_entry"], where["trap_entry"] + 1))
        self._tool = [f"{tools}addr2line", "-e", elf]
        self._locks: dict[int, bool] = {}

    def _function(self, pc: int) -> str:
        name = self._symbols[bisect.bisect_right(self._starts, pc) - 1][1]
        return name.split(".")[0]

    def _is_lock(self, pcs: set[int]) -> dict[int, bool]:
        new = sorted(pcs - self._locks.keys())
        if new:
            lines = subprocess.run([*self._tool, *map(hex, new)], capture_output=True, text=True,
                                   check=True).stdout.splitlines()
            self._locks |= {pc: "spinlock.h" in line for pc, line in zip(new, lines)}
        return self._locks

    def judge(self, path: list[int]) -> tuple[str, int, int]:
        """Kind, instructions without printing, instructions that print."""
        pcs = set(path)
        functions = {self._function(pc) for pc in pcs}
        kind = next(kind for name, kind in _KINDS if not name or name in functions)
        locks = self._is_lock(pcs)
        length = printed = waiting = 0
        for pc in path:
            if kind in _LAST and self._function(pc) in _ENDS:
                break
            waiting = waiting + 1 if locks[pc] else 0
            if waiting > _LOCK:
                continue
            if self._image.is_console(pc):
                printed += 1
            else:
                length += 1
        return kind, length, printed


def _paths(steps: Iterable[tuple[int, int]], code: _Code) -> Iterator[list[int]]:
    """By CPU, from trap to trap; what goes on when the counting begins or ends is left out."""
    running: dict[int, list[int]] = {}
    for cpu, pc in steps:
        if pc in code.entries:
            if cpu in running:
                yield running[cpu]
            running[cpu] = []
        if cpu in running:
            running[cpu].append(pc)


def rows(found: list[Paths]) -> list[list[str]]:
    table = [["", *(one.board for one in found)]]
    table += [[kind, *(f"{one.longest[kind]:,}" if one.longest[kind] else "" for one in found)] for kind in KINDS
              if any(one.longest[kind] for one in found)]
    table.append(["printing, in one of the others", *(f"{one.printing:,}" for one in found)])
    table.append(["paths seen", *(f"{one.count:,}" for one in found)])
    return table
