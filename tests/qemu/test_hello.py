# SPDX-License-Identifier: Apache-2.0
"""examples/hello: the smallest system, from power-on to power-off."""
from __future__ import annotations

import re

SYSTEM = "examples/hello/system.yaml"


def test_runs_and_ends(boot):
    console = boot(SYSTEM)
    assert console.expect_end() == 0
    assert console.lines("hello") == ["Hello from hart 0 of 1", "memory: 16 MiB at 0x80000000"]
    own = console.lines("bulkhead")
    assert re.fullmatch(r"hello on qemu-riscv64-virt, build [0-9a-f]{16}", own[0])
    assert own[1:] == ["vm 'hello' powered off", "all VMs have ended"]
