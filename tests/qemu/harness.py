# SPDX-License-Identifier: Apache-2.0
"""Build a system with make, run it on QEMU and talk to its console.

Tests use the fixtures of conftest.py, which see to it that no QEMU outlives its test and that a failure shows the
console. Nothing here sleeps: every wait is for output, or for the end of QEMU, and has a limit.
"""
from __future__ import annotations

import ctypes
import fcntl
import functools
import json
import os
import re
import selectors
import signal
import subprocess
import time
from pathlib import Path
from typing import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0         # seconds for one expectation: generous, the machine may be busy
_PR_SET_PDEATHSIG = 1   # prctl(2)
_libc = ctypes.CDLL(None)


class Built:
    """A system that make has built."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.elf = directory / "bulkhead.elf"
        self.bin = directory / "bulkhead.bin"
        self.plan = json.loads((directory / "gen/plan.json").read_text())

    def command(self, options: Mapping[str, str] | None = None, extra: Sequence[str] = ()) -> list[str]:
        """The board's run command, values of its options replaced ({'-smp': '8'}), `extra` added."""
        words = list(self.plan["run"])
        for mark, path in (("{bin}", self.bin), ("{elf}", self.elf), ("{dir}", self.directory)):
            words = [word.replace(mark, str(path)) for word in words]
        for option, value in (options or {}).items():
            words[words.index(option) + 1] = value
        return words + list(extra)


@functools.lru_cache(maxsize=None)
def build(system: str, debug: bool = False) -> Built:
    """Build a system (path of its YAML, relative to the repository) as a user would. Fails with make's output.

    Processes of pytest-xdist that want the same one wait for each other.
    """
    path = Path(system)
    name = path.parent.name if path.name == "system.yaml" else path.stem
    directory = ROOT / "build" / (name + ("-debug" if debug else ""))
    directory.parent.mkdir(exist_ok=True)
    with open(directory.parent / f".{directory.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["make", "--no-print-directory", "-C", str(ROOT), f"SYSTEM={system}", f"DEBUG={int(debug)}"]
        made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment())
    assert made.returncode == 0, f"make SYSTEM={system} failed:\n{made.stdout}"
    return Built(directory)


def _environment() -> dict[str, str]:
    """Without what a make above us (`make test`) tells its children."""
    return {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Console:
    """A running machine, seen through its serial console (QEMU's standard input and output).

    `output` is all that came so far, carriage returns taken out. expect() searches on from where the last one matched.
    """

    def __init__(self, command: Sequence[str], limit: float = 120.0) -> None:
        """Start it. `limit`: seconds for the machine's whole life; a wait beyond it fails."""
        self.command = list(command)
        self.output = ""
        self._position = 0
        self._ended = False
        self._limit = time.monotonic() + limit
        self._process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def expect(self, wanted: str | re.Pattern[str], timeout: float = PATIENCE) -> re.Match[str]:
        """Wait for a text, or for a compiled pattern, behind what was expected last. Gives the match."""
        pattern = re.compile(re.escape(wanted)) if isinstance(wanted, str) else wanted
        deadline = self._deadline(timeout)
        while True:
            found = pattern.search(self.output, self._position)
            if found:
                self._position = found.end()
                return found
            if self._ended:
                raise AssertionError(f"QEMU ended (status {self._process.wait()}) before {pattern.pattern!r} came")
            if not self._read(deadline):
                raise AssertionError(f"{pattern.pattern!r} did not come within {timeout:g} s")

    def rewind(self) -> None:
        """Let the next expect() search from the start: what comes from several guests has no order."""
        self._position = 0

    def expect_end(self, timeout: float = PATIENCE) -> int:
        """Wait until QEMU has ended by itself. Gives its exit status."""
        deadline = self._deadline(timeout)
        while not self._ended:
            if not self._read(deadline):
                raise AssertionError(f"QEMU did not end within {timeout:g} s")
        return self._process.wait(timeout=max(1.0, deadline - time.monotonic()))

    def expect_nothing(self, seconds: float) -> str:
        """What comes within a time in which nothing should."""
        before = len(self.output)
        deadline = self._deadline(seconds)
        while time.monotonic() < deadline and not self._ended:
            self._read(deadline)
        return self.output[before:]

    def send(self, text: str) -> None:
        """Type it."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def lines(self, label: str) -> list[str]:
        """What one VM has printed so far: its lines, without their label ('control')."""
        prefix = f"[{label}] "
        return [line[len(prefix):] for line in self.output.split("\n") if line.startswith(prefix)]

    def close(self) -> None:
        """End QEMU, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except BrokenPipeError:
                pass
        self._selector.close()

    def _deadline(self, timeout: float) -> float:
        return min(time.monotonic() + timeout, self._limit)

    def _read(self, deadline: float) -> bool:
        """Take what has come, waiting for it until the deadline. False: nothing came."""
        assert self._process.stdout is not None
        if not self._selector.select(max(0.0, deadline - time.monotonic())):
            return False
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        self._ended = not data
        self.output += data.decode("utf-8", "replace").replace("\r", "")
        return True
