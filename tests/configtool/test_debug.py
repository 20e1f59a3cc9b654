# SPDX-License-Identifier: Apache-2.0
"""The text of configtool debug, and its refusals. tests/qemu/test_gdb.py has gdb carry it out."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from configtool.board.load import load_board
from configtool.diagnostics import Sink
from configtool.faults.known import Known
from configtool.report.debug import QEMU, commands
from configtool.source import Span

ROOT = Path(__file__).resolve().parents[2]


class Code:
    """Symbols that have code at one place."""

    def __init__(self, path: str, first: int, end: int, moved: int = 0) -> None:
        self.path, self.moved, self._extent = path, moved, (first, end)

    def extents(self) -> list[tuple[int, int]]:
        return [self._extent]


def known(*guests: Code) -> Known:
    plan = {"name": "pair", "board": "qemu-riscv64-virt", "arch": "riscv64",
            "cpus": [{"id": 2, "name": "cpu@2"}, {"id": 3, "name": "cpu@3"}],
            "vms": [{"name": "alpha", "cpus": [1, 0], "entry": 0x80000000}]}
    board = load_board("qemu-riscv64-virt", Span("none"), "", Sink())
    return Known(None, board, plan, "/b", {"alpha": list(guests)},          # type: ignore[arg-type]
                 Code("/b/bulkhead.elf", 0x80200000, 0x80204000), sources=["/b"])   # type: ignore[arg-type]


def test_whole():
    assert commands(known(Code("/b/a.elf", 0x80000000, 0x80001000)), "alpha", "pair.yaml", QEMU) == """\
# gdb for VM 'alpha' of pair on qemu-riscv64-virt: gdb-multiarch -x FILE-WITH-THESE-LINES
# QEMU waits for gdb before its first instruction: configtool run --gdb pair.yaml
set architecture riscv:rv64
set confirm off
directory /b
add-symbol-file /b/bulkhead.elf
add-symbol-file /b/a.elf
target extended-remote localhost:1234
# vCPU 0: cpu@3, thread 4
# vCPU 1: cpu@2, thread 3
thread 4
# The first instruction of its vCPU 0. Another VM may have code at the same address, hence the thread, and firmware, hence hgatp.
hbreak *0x80000000 thread 4 if $hgatp != 0
# Faults of VMs and panics, before they are reported: `up` to where the guest's registers are cpu->arch.x.
hbreak vm_fault_access
hbreak vm_fault
"""


def test_a_guest_at_the_hypervisor_s_addresses():
    text = commands(known(Code("/b/a.elf", 0x80000000, 0x80201000)), "alpha", "pair.yaml", "probe:3333")
    assert "\n# add-symbol-file /b/bulkhead.elf\nadd-symbol-file /b/a.elf\n" in text
    assert "vm_fault" not in text and "\n# probe:3333 is OpenOCD" in text and "\ntarget extended-remote probe:3333\n" in text
    text = commands(known(Code("/b/a.elf", 0x0, 0x1000, 0x80200000)), "alpha", "pair.yaml", QEMU)
    assert "\nadd-symbol-file /b/a.elf -o 0x80200000\n" in text


def test_a_guest_without_symbols():
    assert "No image of 'alpha' is an ELF file: --elf alpha=ELF" in commands(known(), "alpha", "pair.yaml", QEMU)


@pytest.mark.parametrize("arguments, message", [
    (["nowhere.yaml", "x"], "cannot read nowhere.yaml: there is no such file"),
    (["examples/hello/system.yaml", "hello", "--target", "localhost"],
     "--target localhost: not of the form HOST:PORT, such as localhost:3333"),
    (["examples/hello/system.yaml", "hello", "--built", "docs"],
     "examples/hello/system.yaml is not built: make SYSTEM=examples/hello/system.yaml"),
    (["examples/hello/system.yaml", "hello", "--elf", "a.elf+z"], "--elf: 'z' is no offset"),
])
def test_refusals(arguments, message):
    done = subprocess.run([sys.executable, "-m", "configtool", "debug", *arguments], cwd=ROOT, capture_output=True,
                          text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"configtool: {message}\n")
