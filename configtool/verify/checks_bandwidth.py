# SPDX-License-Identifier: Apache-2.0
"""Budgets of memory bandwidth are those of the description, in the events that the board counts."""
from __future__ import annotations

from fractions import Fraction

from ..system import Bandwidth
from .case import Case, VmCase
from .facts import BudgetFacts
from .report import Check

_PARTS = 8                      # grains of a pool for each vCPU, at the least
_TIMER = "timer"


def bandwidth(case: Case) -> Check:
    """No vCPU is granted more events in a period than its VM's budget and what others lend, rounded down."""
    check = Check("bandwidth", "no VM is granted more of the memory's bandwidth than its budget", unit="vCPU")
    facts = case.facts
    lent = _lent(case)
    pools: list[tuple[int, int]] = [lent] if lent else []
    granted = Fraction(0)
    for vm in case.vms:
        own = vm.vm.bandwidth
        budgets = [facts.budgets[cpu] for cpu in vm.facts.cpus if cpu < len(facts.budgets)]
        check.look(len(vm.facts.cpus))
        if own is None or case.board.bandwidth is None:
            if any(budget.period for budget in budgets):
                check.fail(f"VM '{vm.name}' has a budget in the image", vm.span, "here it has none")
            continue
        if len(budgets) != len(vm.facts.cpus):
            check.fail(f"VM '{vm.name}' has no budget in the image", own.span, "here it has one")
            continue
        if own.per_vcpu == "shared":
            pools.append((_ticks(case, own), _PARTS * len(budgets)))
        pool = len(pools) - 1 if own.per_vcpu == "shared" else 0
        for vcpu, budget in enumerate(budgets):
            for what, got, want in _wanted(case, vm, own, vcpu, pool, budget):
                if got != want:
                    check.fail(f"vCPU {vcpu} of VM '{vm.name}' {what} {got} in the image", own.span, f"by this {want}")
        total = sum(b.bytes * (b.own + b.claim * b.grain) for b in budgets)
        if own.per_vcpu == "shared":
            total = budgets[0].bytes * budgets[0].grain * _PARTS * len(budgets)
        rate = Fraction(total * 1_000_000, own.period_us)
        granted += rate
        if rate > own.budget:
            check.fail(f"VM '{vm.name}' is granted {int(rate)} bytes in a second", own.budget_span, f"here {own.budget}")
        check.evidence.append(f"{vm.name}: {int(rate):,} of {own.budget:,} bytes in a second, every {own.period_us} us")
    for index, have in enumerate(facts.pools):
        want = pools[index] if index < len(pools) else (0, 0)
        if have != want:
            check.fail(f"pool {index} has {have[1]} grains in {have[0]} ticks in the image", case.system.name_span,
                       f"by the description {want[1]} in {want[0]}")
    board = case.board.bandwidth
    if board is not None and granted + case.system.reserve > board.capacity:
        check.fail(f"{int(granted)} bytes in a second are granted, and {case.system.reserve} reserved",
                   case.system.name_span, f"the board has {board.capacity}")
    return check


def _ticks(case: Case, own: Bandwidth) -> int:
    return own.period_us * (case.board.timebase or 1_000_000_000) // 1_000_000


def _part(own: Bandwidth, vcpu: int, count: int) -> int:
    """Bytes in a period that are one vCPU's, what it lends included."""
    whole = own.budget * own.period_us // 1_000_000
    if own.per_vcpu == "shared":
        return 0
    return whole // count if not own.shares else whole * own.shares[vcpu][0] // 100


def _lent(case: Case) -> tuple[int, int] | None:
    """(period, grains) of what VMs lend."""
    parts = [(own, _part(own, vcpu, len(vm.facts.cpus)) * own.lend // 100)
             for vm in case.vms if (own := vm.vm.bandwidth) is not None and own.lend for vcpu in range(len(vm.facts.cpus))]
    if not parts:
        return None
    grain = max(min(part for _, part in parts) // _PARTS, 1)
    return _ticks(case, parts[0][0]), sum(part // grain for _, part in parts)


def _grain(case: Case, own: Bandwidth, count: int) -> int:
    """Bytes."""
    if own.per_vcpu == "shared":
        return own.budget * own.period_us // 1_000_000 // (_PARTS * count)
    lenders = [(vm, o) for vm in case.vms if (o := vm.vm.bandwidth) is not None and o.lend]
    if not lenders or not (own.lend or own.borrow):
        return 0
    return max(min(_part(o, vcpu, len(vm.facts.cpus)) * o.lend // 100 for vm, o in lenders
                   for vcpu in range(len(vm.facts.cpus))) // _PARTS, 1)


def _wanted(case: Case, vm: VmCase, own: Bandwidth, vcpu: int, pool: int, got: BudgetFacts) -> list[tuple[str, object, object]]:
    """(what, in the image, by the description)."""
    count = len(vm.facts.cpus)
    cpu = next((c for c in case.board.cpus if c.id == case.facts.cpus[vm.facts.cpus[vcpu]].id), None)
    board = case.board.bandwidth
    event = board.event(cpu.core) if board is not None and cpu is not None else None
    if event is None:
        return [("counts by event", got.event, "nothing that board.yaml names")]
    part, grain = _part(own, vcpu, count), _grain(case, own, count)
    claim = part * own.lend // 100 // grain if own.lend and grain else 0
    cost = own.critical.cost if own.critical else 0
    return [("counts by event", got.event, event.code), ("counts by selector", got.event_data, event.data),
            ("counts bytes by", got.bytes, event.bytes), ("has a period of", got.period, _ticks(case, own)),
            ("has events of its own:", got.own, (part - claim * grain) // event.bytes),
            ("draws by", got.grain, grain // event.bytes), ("lends grains:", got.claim, claim),
            ("draws from pool", got.pool, pool if grain else 0),
            ("has for critical interrupts", got.passing, cost // event.bytes),
            ("is passed by interrupts", got.passes, _passes(case, vm, own))]


def _passes(case: Case, vm: VmCase, own: Bandwidth) -> tuple[int, ...]:
    found: set[int] = set()
    for name, _ in own.critical.interrupts if own.critical else ():
        device = case.board.device(name)
        if name == _TIMER:
            found.add(case.expected.gic.timer if case.expected.gic else 0)
        elif name.startswith("channels."):
            found.update(number for other in case.vms for end in other.facts.channels
                         if f"channels.{end.name}" == name for target, number in end.rings if target == vm.facts.index)
        elif device is not None:
            sources = {i.number for i in device.interrupts}
            found.update(number for number, source in enumerate(vm.facts.irq_physical) if source in sources)
    return tuple(sorted(found))
