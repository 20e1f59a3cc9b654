# SPDX-License-Identifier: Apache-2.0
"""examples/hello: the smallest system, from power-on to power-off."""
from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize("system, board, ram", [
    ("system", "qemu-riscv64-virt", 0x8000_0000), ("hello-gicv3", "qemu-aarch64-virt-gicv3", 0x4000_0000),
    ("hello-gicv2", "qemu-aarch64-virt-gicv2", 0x4000_0000), ("hello-zcu102", "xlnx-zcu102", 0x4000_0000)])
def test_runs_and_ends(boot, system: str, board: str, ram: int):
    console = boot(f"examples/hello/{system}.yaml")
    assert console.expect_end() == 0
    assert console.lines("hello") == ["Hello from CPU 0 of 1", f"memory: 16 MiB at {ram:#x}"]
    own = console.lines("bulkhead")
    name = "hello" if system == "system" else system
    assert re.fullmatch(rf"{name} on {board}, build [0-9a-f]{{16}}", own[0])
    assert own[1:] == ["vm 'hello' powered off", "all VMs have ended"]
