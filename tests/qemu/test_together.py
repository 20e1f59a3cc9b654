# SPDX-License-Identifier: Apache-2.0
"""Keys that were built apart, in one system on a GICv3: direct interrupts, colors and a restart; others are in
test_manager.py and test_chaos.py."""
from __future__ import annotations

from typing import Callable

from harness import Console

Boot = Callable[..., Console]


def test_a_restart_of_a_vm_with_direct_interrupts_in_colors(boot: Boot) -> None:
    """As test_direct.py has it, and all memory of the hypervisor and the VM lies in colors."""
    console = boot("tests/guests/direct/lives-colors.yaml")
    assert console.expect_end() == 0
    assert console.lines("lives") == ["active 0, pending 0, enabled 0, running priority ff, EOImode 0", "1 alarm",
                                      "took 15; active 8000, pending some"] * 3
    own = [line for line in console.lines("bulkhead") if " on qemu-" not in line]
    assert own == [*["vm 'lives' reset itself, restarts"] * 2, "vm 'lives' reset itself", "all VMs have ended"]
