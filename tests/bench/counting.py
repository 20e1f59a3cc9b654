# SPDX-License-Identifier: Apache-2.0
"""Exact instruction counts from QEMU's log.

QEMU runs one instruction for each translation block, unchained, under `-icount`, and logs every execution (`-d exec`)
of those in the address ranges that we ask for: the hypervisor's text, and the marks of the guests. Two runs give the
same.
"""
from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

# "Trace 0: 0x7f.. [00000000/00000000a00000b8/02424019/ff022201]": the CPU and the second of the four are what we need.
_LINE = re.compile(rb"Trace (\d+): \S+ \[[0-9a-f]+/([0-9a-f]+)/|"
                   rb"Stopped execution of TB chain before \S+ \[([0-9a-f]+)\]")

# The command line, behind the board's own. The filter keeps the turns of the CPUs short; the counts stay exact.
_OPTIONS = ["-icount", "shift=0,sleep=off", "-accel", "tcg,one-insn-per-tb=on", "-d", "exec,nochain", "-seed", "1",
            "-rtc", "base=2020-01-01,clock=vm", "-netdev", "hubport,id=n0,hubid=0",
            "-object", "filter-buffer,id=f0,netdev=n0,queue=all,interval=10"]


@dataclass(frozen=True)
class Step:
    """One executed instruction."""
    cpu: int
    pc: int


def run(command: list[str], ranges: list[tuple[int, int]], log: Path) -> None:
    """Run a machine to its end, logging the instructions in `ranges` (address, size). RuntimeError: it did not end."""
    chosen = ",".join(f"{base:#x}+{size:#x}" for base, size in ranges)
    full = [*command, *_OPTIONS, "-dfilter", chosen, "-D", str(log)]
    try:
        done = subprocess.run(full, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=300)
    except subprocess.TimeoutExpired as late:
        raise RuntimeError(f"the machine did not end:\n{(late.stdout or b'').decode(errors='replace')}") from late
    if done.returncode or b"all VMs have ended" not in done.stdout:
        raise RuntimeError(f"the machine failed:\n{done.stdout.decode(errors='replace')}")


def steps(log: Path) -> Iterator[Step]:
    """The executed instructions in order. What was logged but then not executed, for an interrupt, is left out."""
    waiting: dict[int, Step] = {}      # by CPU: logged, not yet known to have been executed
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
            waiting[last] = Step(last, int(found[2], 16))
    yield from waiting.values()
