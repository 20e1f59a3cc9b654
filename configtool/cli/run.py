# SPDX-License-Identifier: Apache-2.0
"""configtool run: build what is stale, then start the image as board.yaml says."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from ..diagnostics import UsageError
from .common import parser


def main(arguments: list[str]) -> int:
    made = parser("run", "Build a system and start it as its board says. Ctrl-C ends it, as do its VMs when all have "
                  "powered off.")
    made.add_argument("file", metavar="FILE", help="the system description")
    made.add_argument("--built", metavar="DIR", help="start what is built in DIR; make is not called")
    made.add_argument("--debug", action="store_true", help="a debug build")
    made.add_argument("--stats", action="store_true", help="when all VMs have ended, print for each vCPU how often the "
                      "hypervisor ran, and why (Ctrl-E s prints it at any time)")
    made.add_argument("--gdb", action="store_true", help="QEMU waits for gdb on port 1234 before its first instruction: "
                      "configtool debug FILE VM prints the commands")
    given = made.parse_args(arguments)

    from ..pipeline import ROOT, system_folder

    if not os.path.exists(given.file):
        raise UsageError(f"cannot read {given.file}: there is no such file")
    variant = ("-debug" if given.debug else "") + ("-stats" if given.stats else "")
    folder = given.built or os.path.join(ROOT, "build", system_folder(given.file) + variant)
    if not given.built:
        code = _build(ROOT, given.file, [name for name in ("debug", "stats") if getattr(given, name)])
        if code:
            return code
    return start(folder, ["-S", "-s"] if given.gdb else [])


def _build(root: str, file: str, variants: list[str]) -> int:
    """Calls make, with a variable for each variant; gives its exit code: 1 for a wrong description or source, 2 when make
    itself cannot be run."""
    full = os.path.abspath(file)
    inside = os.path.relpath(full, root)
    command = ["make", "--no-print-directory", "-C", root, f"SYSTEM={full if inside.startswith('..') else inside}",
               *(f"{name.upper()}=1" for name in variants), "build"]
    try:
        return 1 if subprocess.run(command, check=False, stdout=sys.stderr).returncode else 0
    except FileNotFoundError:
        raise UsageError("cannot run make: it is not installed") from None


def command_of(folder: str) -> list[str]:
    """The command that starts what is built in a folder. Raises UsageError."""
    plan = os.path.join(folder, "gen", "plan.json")
    try:
        with open(plan, encoding="utf-8") as file:
            words = json.load(file)["run"]
    except (OSError, ValueError, KeyError):
        raise UsageError(f"{folder} holds no system that was built: make SYSTEM=... builds one") from None
    if not words:
        raise UsageError("the board.yaml of this board says nothing of how to run it (run:)")
    files = {"{dir}": folder, "{bin}": os.path.join(folder, "bulkhead.bin"),
             "{elf}": os.path.join(folder, "bulkhead.elf")}
    for mark, path in files.items():
        if any(mark in word for word in words) and not os.path.exists(path):
            raise UsageError(f"there is no {path}: make SYSTEM=... builds it")
    for mark, path in files.items():
        words = [word.replace(mark, path) for word in words]
    return [str(word) for word in words]


def start(folder: str, more: list[str]) -> int:
    """Start it, `more` arguments added for QEMU, and wait. Ctrl-C reaches the emulator, too, which then ends by itself; that is no failure."""
    command = command_of(folder)
    if more and not os.path.basename(command[0]).startswith("qemu-system-"):
        raise UsageError(f"--gdb: this board is started by {command[0]}, and that is not QEMU")
    command += more
    terminal = _terminal()
    try:
        child = subprocess.Popen(command)
    except FileNotFoundError:
        raise UsageError(f"cannot run {command[0]}: it is not installed (make deps installs what is missing)") from None
    except OSError as problem:
        raise UsageError(f"cannot run {command[0]}: {problem.strerror}") from None
    try:
        code = child.wait()
    except KeyboardInterrupt:
        try:
            child.wait(5)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            child.kill()
            child.wait()
        return 0
    finally:
        _restore(terminal)
    return 0 if code == 0 else 1


def _terminal() -> list[Any] | None:
    """The settings of the terminal: an emulator changes them, and one that is killed leaves them so."""
    import termios

    try:
        return termios.tcgetattr(0)
    except (termios.error, OSError):
        return None


def _restore(settings: list[Any] | None) -> None:
    import termios

    if settings is not None:
        termios.tcsetattr(0, termios.TCSADRAIN, settings)
