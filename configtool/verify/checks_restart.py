# SPDX-License-Identifier: Apache-2.0
"""What follows the end of a VM, and what a restart puts back."""
from __future__ import annotations

from ..system import Action
from .case import Case, VmCase, plural, size_text, span_text
from .facts import Policy, Restore
from .report import Check
from .walk import Extent, common, length, minus, union

_NANOSECONDS = 1_000_000_000          # ticks of the hypervisor's time where the tree does not say how fast the counter is
_ACTIONS = {"stop": "ACTION_STOP", "restart": "ACTION_RESTART", "halt-system": "ACTION_HALT_SYSTEM"}     # config.h


def restart(case: Case) -> Check:
    """What follows the end of a VM is what the YAML says; a restart puts back all of its memory and nothing else."""
    check = Check("restart", "restarts follow the description and put back a VM's own memory", unit="policy")
    for vm in case.vms:
        watchdog = vm.vm.watchdog.action if vm.vm.watchdog else None
        again = vm.vm.restartable is not None or watchdog is not None and "restart" in (watchdog.action, watchdog.then)
        for name, policy in vm.facts.policies:
            check.look()
            action: Action | None = getattr(vm.vm, name)
            wanted = policy_of(action, ticks_of(case))
            again |= _ACTIONS["restart"] in (wanted.action, wanted.then)
            if policy != wanted:
                check.fail(f"{name} of VM '{vm.name}' is not what its description says",
                           action.span if action else vm.span,
                           notes=(f"in the image: {show_policy(policy)}", f"in the description: {show_policy(wanted)}"))
        _covers(vm, again, check)
        _tables(case, vm, check)
        for restore in vm.facts.restores:
            _source(case, vm, restore, check)
        if vm.facts.restores:
            total, copied = (sum(r.size for r in vm.facts.restores if r.source or every) for every in (True, False))
            check.evidence.append(f"{vm.name}: a restart puts back {size_text(total)}, of it {size_text(copied)} from "
                                  "pristine copies")
    return check


def ticks_of(case: Case) -> int:
    """Ticks of the hypervisor's time in a second."""
    return case.board.timebase or _NANOSECONDS


def policy_of(action: Action | None, timebase: int) -> Policy:
    if action is None:
        return Policy(_ACTIONS["stop"], 0, 0, _ACTIONS["stop"])
    return Policy(_ACTIONS[action.action], action.at_most or 0, (action.within_us or 0) * timebase // 1_000_000,
                  _ACTIONS[action.then or "stop"])


def show_policy(policy: Policy) -> str:
    return (f"{policy.action}, at most {plural(policy.at_most, 'time')} in {plural(policy.within, 'tick')}, then "
            f"{policy.then}")


def _covers(vm: VmCase, again: bool, check: Check) -> None:
    """All that the guest may have written is put back, once."""
    ranges = union((r.ipa, r.ipa + r.size) for r in vm.facts.restores)
    writable = union((e.ipa, e.end) for e in vm.of("memory") if "w" in e.access)
    if length(ranges) != sum(r.size for r in vm.facts.restores):
        check.fail(f"a restart of VM '{vm.name}' puts some of its memory back twice", vm.span)
    for start, end in minus(ranges, writable)[:1]:
        check.fail(f"a restart of VM '{vm.name}' writes IPA {span_text(start, end)}, which is not its memory", vm.span)
    for start, end in minus(writable, ranges)[:1]:
        if again or vm.facts.restores:
            check.fail(f"a restart of VM '{vm.name}' does not put back IPA {span_text(start, end)}", vm.span)


def _tables(case: Case, vm: VmCase, check: Check) -> None:
    """Tables for the restart alone, on AArch64: the hypervisor's own, that VM's memory and its copies."""
    if vm.facts.restart is None:
        if vm.facts.restores and case.facts.arch == "aarch64":
            check.fail(f"VM '{vm.name}' has no tables for its restart", vm.span)
        return
    walk = vm.facts.restart.walk
    wanted = {(e.phys, e.phys_end, e.access) for e in case.facts.own.extents}
    wanted |= {(low, high, "rw") for r in vm.facts.restores for low, high in vm.facts.walk.physical(r.ipa, r.size)}
    wanted |= {(low, high, "r") for r in vm.facts.restores if r.source for low, high in walk.physical(r.source, r.size)}
    found = walk.extents
    for access in ("r", "rw", "rx", "rwx", "x"):
        have = union((e.phys, e.phys_end) for e in found if e.access == access)
        want = union((low, high) for low, high, rights in wanted if rights == access)
        for start, end in minus(have, want)[:1]:
            check.fail(f"to restart VM '{vm.name}' the hypervisor maps {span_text(start, end)} ({access})", vm.span,
                       case.owner(start))
        for start, end in minus(want, have)[:1]:
            check.fail(f"to restart VM '{vm.name}' the hypervisor lacks {span_text(start, end)} ({access})", vm.span)
    if not case.facts.scattered:
        moved = any(e.ipa != e.phys for e in found)
    else:                           # its own memory where it always is
        moved = any(walk.within(e.ipa, e.size) != [e] for e in case.facts.own.extents)
    if moved:
        check.fail(f"to restart VM '{vm.name}' the hypervisor maps memory elsewhere than where it is", vm.span)


def _source(case: Case, vm: VmCase, restore: Restore, check: Check) -> None:
    """It comes from a copy of what the VM starts with, or is zeros where it starts with zeros."""
    there = vm.facts.walk.within(restore.ipa, restore.size)
    what = f"IPA {span_text(restore.ipa, restore.ipa + restore.size)} of VM '{vm.name}'"
    if not case.facts.scattered:
        right = [(e.phys, e.size) for e in there] == [(restore.to, restore.size)]
    elif vm.facts.restart is None:
        right = restore.to == 0
    else:
        here = vm.facts.restart.walk.within(restore.to, restore.size)
        right = _moved(here, restore.ipa - restore.to) == _moved(there, 0)
    if not right:
        check.fail(f"{what} is said to be at {restore.to:#x} for its restart", vm.span,
                   f"in the tables: {', '.join(f'{e.phys:#x}' for e in there[:4]) or 'nothing'}")
    if not restore.source:
        if any(_has_data(case, e) for e in there):
            check.fail(f"{what} is cleared by a restart, but the image has data there", vm.span)
        return
    walk = vm.facts.restart.walk if vm.facts.restart else case.facts.own
    copy = case.read_own(walk, restore.source, restore.size) if case.facts.scattered else \
        case.facts.elf.read(restore.source, restore.size)
    if copy is None or copy != case.read_guest(vm, restore.ipa, restore.size):
        check.fail(f"{what} does not start with what its pristine copy at {restore.source:#x} has", vm.span)
    mapped = union((e.ipa, e.end) for e in walk.extents)
    if minus([(restore.source, restore.source + restore.size)], mapped):
        check.fail(f"the hypervisor does not map the pristine copy at {restore.source:#x} for VM '{vm.name}'", vm.span)


def _has_data(case: Case, extent: Extent) -> bool:
    """Whether the image has bytes other than zeros there."""
    return any(any(case.facts.elf.read(low, high - low) or b"")
               for segment in case.facts.elf.within(extent.phys, extent.phys_end)
               for low, high in common([(extent.phys, extent.phys_end)], [(segment.base, segment.end)]))


def _moved(extents: list[Extent], by: int) -> list[tuple[int, int, int]]:
    """(address + `by`, physical address, bytes), neighbours that go on alike as one."""
    found: list[tuple[int, int, int]] = []
    for e in extents:
        if found and (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]) == (e.ipa + by, e.phys):
            found[-1] = (*found[-1][:2], found[-1][2] + e.size)
        else:
            found.append((e.ipa + by, e.phys, e.size))
    return found

