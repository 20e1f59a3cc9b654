# SPDX-License-Identifier: Apache-2.0
"""Exact instruction counts from QEMU's log.

QEMU runs one instruction for each translation block, unchained, under `-icount`, and logs every execution (`-d exec`)
of those in the address ranges that we ask for: the hypervisor's text, and the marks of the guests. Two runs give the
same.
"""
from __future__ import annotations

import re
import socket
import tempfile
from pathlib import Path
from typing import Iterator

from harness import Console

# "Trace 0: 0x7f.. [00000000/00000000a00000b8/02424019/ff022201]": the CPU and the second of the four are what we need.
_LINE = re.compile(rb"Trace (\d+): \S+ \[[0-9a-f]+/([0-9a-f]+)/|"
                   rb"Stopped execution of TB chain before \S+ \[([0-9a-f]+)\]")

# The command line, behind the board's own. The filter keeps the turns of the CPUs short; the counts stay exact.
EXACT = ("-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2020-01-01,clock=vm",
         "-netdev", "hubport,id=n0,hubid=0", "-object", "filter-buffer,id=f0,netdev=n0,queue=all,interval=10")
_FROM_START = ("-accel", "tcg,one-insn-per-tb=on", "-d", "exec,nochain")

Range = tuple[int, int]     # address and size


def boot(command: list[str], ranges: list[Range]) -> list[tuple[int, int]]:
    """CPU and pc of each instruction in `ranges` that a machine executes from its start to its end, in order.

    RuntimeError: it did not end.
    """
    with Machine([*command, *EXACT, *_FROM_START], ranges) as machine:
        machine.end()
        return machine.steps()


def from_ready(command: list[str], ranges: list[Range]) -> list[tuple[int, int]]:
    """The same, from where the guest says that it is ready: it waits for a key then."""
    with Machine([*command, *EXACT], ranges) as machine:
        machine.console.expect("ready\n", timeout=120)
        machine.count()
        machine.console.send("g")
        machine.end()
        return machine.steps()


class Machine:
    """A running QEMU that logs instructions, and its monitor."""

    def __init__(self, command: list[str], ranges: list[Range], limit: float = 300) -> None:
        """`ranges`: of the addresses of the instructions to log."""
        self._folder = tempfile.TemporaryDirectory()
        self._log = Path(self._folder.name) / "log"
        path = f"{self._folder.name}/monitor"
        words = list(command)
        words[words.index("-monitor") + 1] = f"unix:{path},server=on,wait=off"
        if ranges:
            chosen = ",".join(f"{base:#x}+{size:#x}" for base, size in ranges)
            words += ["-dfilter", chosen, "-D", str(self._log)]
        self.console = Console(words, limit)
        self._path = path
        self._monitor: socket.socket | None = None

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *unused: object) -> None:
        self.console.close()
        if self._monitor:
            self._monitor.close()
        self._folder.cleanup()

    def command(self, text: str) -> None:
        """A command of QEMU's monitor, which has been obeyed when this returns."""
        if self._monitor is None:
            self._monitor = socket.socket(socket.AF_UNIX)
            self._monitor.settimeout(60)
            self._monitor.connect(self._path)
            self._prompt()
        self._monitor.sendall(f"{text}\n".encode())
        self._prompt()

    def _prompt(self) -> None:
        assert self._monitor is not None
        answer = b""
        while not answer.endswith(b"(qemu) "):
            more = self._monitor.recv(4096)
            if not more:
                raise RuntimeError("QEMU's monitor has ended")
            answer += more

    def count(self) -> None:
        """From now on instructions are logged."""
        self.command("one-insn-per-tb on")
        self.command("log exec,nochain")

    def stop_counting(self) -> None:
        self.command("log none")
        self.command("one-insn-per-tb off")

    def end(self) -> None:
        """Wait until all VMs, or the bare machine, have powered off."""
        try:
            status = self.console.expect_end(timeout=300)
        except AssertionError as problem:
            raise RuntimeError(f"{problem}:\n{self.console.output}") from problem
        if status or re.search(r"stopped|exception", self.console.output):
            raise RuntimeError(f"the machine failed:\n{self.console.output}")

    def steps(self) -> list[tuple[int, int]]:
        """CPU and pc of what was logged so far."""
        return list(self.each_step())

    def each_step(self) -> Iterator[tuple[int, int]]:
        """The same, one at a time: they may be many."""
        return steps(self._log)


def steps(log: Path) -> Iterator[tuple[int, int]]:
    """CPU and pc of the executed instructions, in order, without what was logged and then not executed: an interrupt came."""
    waiting: dict[int, tuple[int, int]] = {}      # by CPU: logged, not yet known to have been executed
    last = 0
    with open(log, "rb") as file:
        for line in file:
            found = _LINE.match(line)
            if not found:
                continue
            if found[3] is not None:
                waiting.pop(last, None)
                continue
            last = int(found[1])
            before = waiting.pop(last, None)
            if before is not None:
                yield before
            # Others' last steps are certain by now: only the CPU that ran last can have been stopped.
            for cpu in [c for c in waiting if c != last]:
                yield waiting.pop(cpu)
            waiting[last] = (last, int(found[2], 16))
    yield from waiting.values()
