# SPDX-License-Identifier: Apache-2.0
"""Which parts of the hypervisor (hypervisor/parts) a system needs: what is not named here is not linked."""
from __future__ import annotations

from ..board.model import Board
from ..system import System

_PMU = {"aarch64": "pmu-v3"}


def parts(system: System, board: Board) -> tuple[str, ...]:
    """Names of files, sorted."""
    needed: set[str] = set()
    if any(vm.bandwidth is not None for vm in system.vms):
        needed |= {"timer", "bandwidth", _PMU.get(board.arch, "pmu-sbi")}
    if any(vm.watchdog is not None for vm in system.vms):
        needed |= {"timer", "watchdog"}
    if system.events:
        needed.add("events")
    if system.monitor:
        needed |= {"control", "monitor"}
    if any(vm.manager is not None for vm in system.vms):
        needed |= {"control", "manager"}
    return tuple(sorted(needed))
