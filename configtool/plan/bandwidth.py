# SPDX-License-Identifier: Apache-2.0
"""Budgets of memory bandwidth: how many events each vCPU may count in a period.

docs/bandwidth.md tells what is promised; hypervisor/parts/bandwidth.c keeps it.
"""
from __future__ import annotations

from typing import Mapping as MappingType, Sequence

from ..board.bandwidth import CYCLES
from ..board.model import Board, BoardBandwidth, Cpu, Device, Event
from ..diagnostics import Label
from ..source import Span
from ..system import Bandwidth as Wanted, System, Vm
from ..units import size_text
from .cpus import timebase
from .failure import Problems
from .irqchip_gic import SPI, own_timer
from .model import Bandwidth, CpuBudget, Line, Pool, VmBudget

_SECOND = 1_000_000                 # microseconds
_GRAINS = 8                         # of a pool, for each vCPU that draws from it or lends to it
_MOST = 1 << 31                     # events: half of the narrowest counter, so that one that overflows is seen to
# Nanoseconds that one overflow and the end of its period take, with a CPU of one instruction in a nanosecond:
# docs/benchmarks.md. On RISC-V most of it is the firmware's.
SERVING = {"aarch64": 500, "riscv64": 2_000}
_COSTLY = 10                        # percent of a period
_PRECISE = 10                       # ticks of the time counter in a period, at the least


def budgets(system: System, board: Board, vm_cpus: Sequence[Sequence[Cpu]], all_cpus: Sequence[Cpu],
            lines: MappingType[str, tuple[Line, ...]], problems: Problems) -> Bandwidth | None:
    """None where no VM has a budget, or with the reasons in `problems`. `lines`: interrupts of each VM."""
    mine = [(i, vm, vm.bandwidth) for i, vm in enumerate(system.vms) if vm.bandwidth is not None]
    has = board.bandwidth
    if not mine or has is None:     # a rule has said so
        return None
    pools: list[Pool] = []
    lent = _lent(mine, vm_cpus, has)
    if lent is not None:
        pools.append(lent[0])
    found = []
    for index, vm, wanted in mine:
        for cpu in vm_cpus[index]:
            _means(board, has, vm, wanted, cpu, problems)
        _served(board, vm, wanted, problems)
        if problems.fatal:
            continue
        events = [has.event(cpu.core) for cpu in vm_cpus[index]]
        pool = -1
        if wanted.per_vcpu == "shared":
            pool, grain = len(pools), _bytes(wanted) // (_GRAINS * len(events))
            pools.append(Pool(vm.name, _GRAINS * len(events)))
        else:
            grain = lent[1] if lent is not None and (wanted.lend or wanted.borrow) else 0
            pool = 0 if grain else -1
        parts = [_cpu(all_cpus.index(cpu), wanted, vcpu, len(events), event, grain)
                 for vcpu, (cpu, event) in enumerate(zip(vm_cpus[index], events)) if event is not None]
        for part, event in zip(parts, events):
            if event is not None:
                _counted(vm, wanted, part, event, problems)
        found.append(VmBudget(index, wanted.budget, wanted.period_us, ticks(wanted.period_us, board), pool,
                              _passes(vm, wanted, board, lines[vm.name]), tuple(parts), wanted.span.line))
    if problems.fatal:
        return None
    return Bandwidth(has.capacity, system.reserve, _overflow(board), has.guests_keep,
                     any(event.name == CYCLES for event in has.events), has.counter, tuple(found), tuple(pools))


def ticks(microseconds: int, board: Board) -> int:
    return microseconds * timebase(board) // _SECOND


def _bytes(wanted: Wanted) -> int:
    """In a period."""
    return wanted.budget * wanted.period_us // _SECOND


def _share(wanted: Wanted, vcpu: int, count: int) -> int:
    """Bytes of a vCPU in a period."""
    if wanted.per_vcpu == "listed":
        return _bytes(wanted) * wanted.shares[vcpu][0] // 100
    return 0 if wanted.per_vcpu == "shared" else _bytes(wanted) // count


def _lent(mine: Sequence[tuple[int, Vm, Wanted]], vm_cpus: Sequence[Sequence[Cpu]], has: BoardBandwidth,
          ) -> tuple[Pool, int] | None:
    """The pool of what is lent, and the bytes of a grain: the largest of which each lender has _GRAINS at the least."""
    shares = [_share(w, vcpu, len(vm_cpus[i])) * w.lend // 100
              for i, _, w in mine if w.lend for vcpu in range(len(vm_cpus[i]))]
    if not shares:
        return None
    grain = max(min(shares) // _GRAINS, 1)
    return Pool("lent", sum(share // grain for share in shares)), grain


def _cpu(index: int, wanted: Wanted, vcpu: int, count: int, event: Event, grain: int) -> CpuBudget:
    share = _share(wanted, vcpu, count)
    claim = share * wanted.lend // 100 // grain if wanted.lend else 0
    cost = wanted.critical.cost if wanted.critical else 0
    return CpuBudget(index, (share - claim * grain) // event.bytes, grain // event.bytes, claim, cost // event.bytes,
                     event.code, event.data, event.bytes)


def _means(board: Board, has: BoardBandwidth, vm: Vm, wanted: Wanted, cpu: Cpu, problems: Problems) -> None:
    """What a CPU needs to count and to be stopped."""
    def lacks(what: str, span: Span, *help_: str, notes: Sequence[str] = ()) -> None:
        problems.report("BH1076", f"the budget of VM '{vm.name}' cannot be kept on {cpu.name}: {what}", wanted.span,
                        related=(Label(span, ""),), notes=notes, help=help_)

    if has.event(cpu.core) is None:
        lacks(f"board.yaml has no event for {cpu.core}", has.span, f"add {cpu.core}, or default, to its bandwidth.events")
    if board.arch == "riscv32":
        lacks("there is none for RV32 yet", cpu.span)
    elif board.arch.startswith("riscv"):
        missing = [name for name in ("sscofpmf", "sstc") if name not in cpu.isa]
        if missing:
            why = {"sscofpmf": "no interrupt tells that a counter overflows",
                   "sstc": "the hypervisor has no timer that guests cannot reach"}
            lacks(f"it lacks {' and '.join(m.capitalize() for m in missing)}", cpu.span,
                  notes=[f"without {name.capitalize()} {why[name]}" for name in missing])
    else:
        device = pmu(board)
        if device is None:
            lacks("the device tree has no performance monitor", cpu.span,
                  'add the node pmu, as its binding has it: compatible = "arm,armv8-pmuv3"; interrupts = <1 7 4>;')
        elif not _overflow(board):
            lacks("its performance monitor has no private interrupt", device.span,
                  notes=["by it the hypervisor learns that a budget is used; an interrupt that all CPUs share (an SPI) "
                         "is not served"])
        elif not own_timer(board):
            lacks("the timer has no interrupt of the hypervisor's own", device.span,
                  "give the node timer its four interrupts: secure, non-secure, virtual and hypervisor timer")


def pmu(board: Board) -> Device | None:
    """The node of an Arm board's performance monitor."""
    return next((d for d in board.devices if d.kind == "pmu" and d.enabled), None)


def _overflow(board: Board) -> int:
    """INTID of the private overflow interrupt, 0: there is none."""
    device = pmu(board) if board.arch == "aarch64" else None
    return next((i.number for i in device.interrupts if i.number < SPI), 0) if device is not None else 0


def _served(board: Board, vm: Vm, wanted: Wanted, problems: Problems) -> None:
    serving = SERVING.get(board.arch, max(SERVING.values()))
    span = wanted.period_span or wanted.span
    period = wanted.period_us * 1000
    precise = -(-_PRECISE * _SECOND // timebase(board))
    if period <= serving:
        problems.report("BH1078", f"a period of {wanted.period_us}us is over before its end is served", span,
                        notes=(f"one overflow and the end of the period take some {serving} ns on this architecture",),
                        help=(f"write {-(-serving * 100 // _COSTLY // 1000)}us or more",))
    elif wanted.period_us < precise:
        problems.report("BH1078", f"a period of {wanted.period_us}us is {ticks(wanted.period_us, board)} ticks of the "
                        "board's time counter", span,
                        notes=(f"it has {timebase(board)} of them in a second; a period has {_PRECISE} at the least",),
                        help=(f"write {precise}us or more",))
    elif serving * 100 > _COSTLY * period:
        problems.report("BH1079", f"serving a period of {wanted.period_us}us takes {serving * 100 // period}% of it", span,
                        notes=("while it is served the CPU does nothing else, whether or not budget is left",),
                        help=(f"write {-(-serving * 100 // _COSTLY // 1000)}us or more",))


def _counted(vm: Vm, wanted: Wanted, part: CpuBudget, event: Event, problems: Problems) -> None:
    least = part.grain if part.grain and not part.own else part.own
    amount = size_text(_bytes(wanted)) if _bytes(wanted) % 1024 == 0 else f"{_bytes(wanted)} bytes"
    if least < 1 or wanted.critical and part.passing < 1:
        problems.report("BH1077", f"the budget of VM '{vm.name}' is less than one event of its CPUs", wanted.budget_span,
                        f"{amount} in {wanted.period_us}us, for all vCPUs",
                        related=(Label(event.span, f"an event is {event.bytes} bytes"),),
                        help=("give it more, or a longer period",))
    elif max(part.own, part.grain, part.passing) > _MOST:
        problems.report("BH1077", f"the budget of VM '{vm.name}' is more than a counter holds", wanted.budget_span,
                        f"{part.own} events in a period", related=(Label(event.span, f"an event is {event.bytes} bytes"),),
                        notes=(f"{_MOST} is the most, half of a counter of 32 bits",), help=("write a shorter period",))


def _passes(vm: Vm, wanted: Wanted, board: Board, lines: Sequence[Line]) -> tuple[int, ...]:
    """Guest numbers of the critical interrupts; the rules have found that the VM has them."""
    found = []
    for name, _ in wanted.critical.interrupts if wanted.critical else ():
        if name == "timer":
            found += [line.guest for line in lines if line.name == "virtual timer"] or [0]
        elif name.startswith("channels."):
            found += [line.guest for line in lines if line.name == name]
        else:
            device = board.device(name)
            numbers = {i.number for i in device.interrupts} if device is not None else set()
            found += [line.guest for line in lines if line.physical in numbers and line.name.startswith("devices: ")]
    return tuple(sorted(set(found)))


def taken(wanted: Wanted, vcpus: int) -> int:
    """What a VM may take of the board's capacity at the most, critical interrupts included; bytes in a second."""
    cost = wanted.critical.cost * vcpus if wanted.critical else 0
    return wanted.budget + cost * _SECOND // wanted.period_us
