# SPDX-License-Identifier: Apache-2.0
"""Who may steer VMs, who watches them, and where events are kept."""
from __future__ import annotations

from ..source import Span
from .case import Case, VmCase, span_text
from .checks_restart import policy_of, show_policy, ticks_of
from .report import Check
from .walk import PAGE, common, minus, union

# A function of each part of the hypervisor that gives somebody power over VMs (hypervisor/parts).
_MANAGER, _MONITOR, _WATCHDOG = "manager_call", "monitor_act", "watchdog_look"


def management(case: Case, image: Span) -> Check:
    """Only those steer VMs whom the description names; each VM's watchdog is the one that it asks for; events lie in
    memory of their own."""
    check = Check("management", "VMs are steered and watched by those whom the description names", unit="VM")
    for vm in case.vms:
        check.look()
        _managed(case, vm, check)
        _watchdog(case, vm, check)
    for symbol, wanted, what in (
            (_MANAGER, any(vm.vm.manager is not None for vm in case.vms), "calls for managers"),
            (_MONITOR, case.system.monitor, "monitor at the console"),
            (_WATCHDOG, any(vm.vm.watchdog is not None for vm in case.vms), "watchdogs")):
        there = case.facts.elf.symbol(symbol) is not None
        if there and not wanted:
            check.fail(f"the hypervisor has {what}, which the description does not ask for", image, f"symbol {symbol}")
        elif wanted and not there:
            check.fail(f"the hypervisor lacks {what}", image, f"no symbol {symbol}")
    _events(case, image, check)
    return check


def _managed(case: Case, vm: VmCase, check: Check) -> None:
    names = case.system.managed(vm.vm)
    wanted = tuple(i for i, other in enumerate(case.system.vms) if other.name in names)
    if vm.facts.managed != wanted:
        called = [case.system.vms[i].name if i < len(case.system.vms) else f"VM {i}" for i in vm.facts.managed]
        check.fail(f"VM '{vm.name}' may steer other VMs than its description says", vm.vm.manager_span or vm.span,
                   notes=(f"in the image: {', '.join(called) or 'none'}",
                          f"in the description: {', '.join(names) or 'none'}"))
    if wanted:
        check.evidence.append(f"{vm.name} may steer {', '.join(names)}")


def _watchdog(case: Case, vm: VmCase, check: Check) -> None:
    said, found = vm.vm.watchdog, vm.facts.watchdog
    ticks = ticks_of(case)
    first = 0 if said is None else said.timeout_us if said.start_us is None else said.start_us
    wanted = (said.timeout_us * ticks // 1_000_000 if said else 0, first * ticks // 1_000_000,
              policy_of(said.action if said else None, ticks))
    if found != wanted:
        check.fail(f"the watchdog of VM '{vm.name}' is not what its description says", said.span if said else vm.span,
                   notes=tuple(f"in the {where}: timeout {timeout}, start {start}, {show_policy(policy)}"
                               for where, (timeout, start, policy) in (("image", found), ("description", wanted))))


def _events(case: Case, image: Span, check: Check) -> None:
    size = -(-case.system.events // PAGE) * PAGE
    base = case.facts.events
    if bool(base) != bool(size):
        check.fail("the hypervisor " + ("keeps events, and the description does not ask for them" if base else
                                        "keeps no events"), case.system.events_span or image)
    if not base or not size:
        return
    place = (base, base + size)
    flat = [(s.base, s.end) for s in case.facts.elf.segments]
    if base % PAGE or minus([place], case.expected.ram):
        check.fail(f"the events at {span_text(*place)} do not lie in RAM that is free", image)
    if common([place], flat):
        check.fail(f"the events at {span_text(*place)} lie within the image, which is written over when it is loaded",
                   image)
    for vm in case.vms:
        if common([place], vm.physical):
            check.fail(f"VM '{vm.name}' reaches the events at {span_text(*place)}", vm.span)
    if minus([place], union((e.phys, e.phys_end) for e in case.facts.own.extents if e.access == "rw")):
        check.fail(f"the hypervisor does not map its events at {span_text(*place)}", image)
    check.evidence.append(f"events: {span_text(*place)}")
