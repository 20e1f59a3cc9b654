# SPDX-License-Identifier: Apache-2.0
"""What follows the end of a VM, and what a restart puts back."""
from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from ..board.model import Board
from ..system import Action, Vm
from .colored import Views
from .cpus import timebase
from .model import Mapping, Policy, Restore, WatchdogPlan
from .place import Run


def policy(action: Action | None, board: Board) -> Policy:
    """In ticks of the board's time counter; without an action the VM stops."""
    if action is None:
        return Policy()
    return Policy(action.action, action.at_most or 0, (action.within_us or 0) * timebase(board) // 1_000_000,
                  action.then or "stop")


def watchdog(vm: Vm, board: Board) -> WatchdogPlan | None:
    if vm.watchdog is None:
        return None
    start = vm.watchdog.timeout_us if vm.watchdog.start_us is None else vm.watchdog.start_us
    timeout, first = (us * timebase(board) // 1_000_000 for us in (vm.watchdog.timeout_us, start))
    return WatchdogPlan(timeout, first, policy(vm.watchdog.action, board))


def restores(vm: str, maps: Sequence[Mapping], held: Sequence[Run], copies: Sequence[Run], views: Views,
             ) -> tuple[Restore, ...]:
    """What a restart writes: payloads from their copies, the rest zeros; nothing that the guest itself cannot write."""
    if not copies:
        return ()
    writable = [run for run in held if "w" in run.area.region.access]
    found = [Restore(run.ipa, run.size, views.copies[copy.name], views.to(vm, run.ipa, run.phys))
             for run, copy in zip(sorted(writable, key=lambda r: r.ipa), sorted(copies, key=lambda r: r.ipa))]
    for m in sorted(maps, key=lambda m: m.ipa):
        if m.kind != "ram" or "w" not in m.access:
            continue
        to, last = views.to(vm, m.ipa, m.phys), found[-1]
        if not views.physical and not last.source and (last.ipa + last.size, last.to - last.ipa) == (m.ipa, to - m.ipa):
            found[-1] = replace(last, size=last.size + m.size)
        else:
            found.append(Restore(m.ipa, m.size, 0, to))
    return tuple(sorted(found, key=lambda r: r.ipa))
