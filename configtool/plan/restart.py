# SPDX-License-Identifier: Apache-2.0
"""What follows the end of a VM, and what a restart puts back."""
from __future__ import annotations

from typing import Sequence

from ..board.model import Board
from ..system import Action, Vm
from .cpus import timebase
from .model import Mapping, Policy, Restore
from .place import Run


def policy(action: Action | None, board: Board) -> Policy:
    """In ticks of the board's time counter; without an action the VM stops."""
    if action is None:
        return Policy()
    return Policy(action.action, action.at_most or 0, (action.within_us or 0) * timebase(board) // 1_000_000,
                  action.then or "stop")


def restarts(vm: Vm) -> bool:
    """Whether one of its actions starts the VM again."""
    return any(action is not None and "restart" in (action.action, action.then)
               for action in (vm.on_fault, vm.on_reset, vm.on_poweroff))


def restores(maps: Sequence[Mapping], held: Sequence[Run], copies: Sequence[Run]) -> tuple[Restore, ...]:
    """What a restart writes: payloads from their copies, the rest zeros; nothing that the guest itself cannot write."""
    if not copies:
        return ()
    writable = [run for run in held if "w" in run.area.region.access]
    found = [Restore(run.ipa, run.size, copy.phys, run.phys) for run, copy in zip(sorted(writable, key=lambda r: r.ipa),
                                                                      sorted(copies, key=lambda r: r.ipa))]
    found += [Restore(m.ipa, m.size, 0, m.phys) for m in maps if m.kind == "ram" and "w" in m.access]
    return tuple(sorted(found, key=lambda r: r.ipa))
