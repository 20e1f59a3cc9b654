# SPDX-License-Identifier: Apache-2.0
"""Cache colours, page by page from the tables and the program headers of the finished image.

How many there are is worked out anew from the caches of the board; who has which is read from the image, and compared
with the YAML: what it lists, or for a share how many, and that nobody else has them.
"""
from __future__ import annotations

from ..board.model import Board
from ..diagnostics import Label
from ..source import Span
from ..system import Colors
from .case import Case, VmCase, plural, span_text
from .report import Check
from .walk import PAGE, Ranges, minus, union


def count(board: Board) -> int:
    """Colours of a board: of the caches that CPUs share, the fewest pages that a way has."""
    usable = {c.index for c in board.cpus if c.enabled}
    ways = [c.sets * c.line // PAGE for c in board.caches if len(usable.intersection(c.cpus)) > 1 and c.unified]
    return min(ways, default=0)


def colors(case: Case) -> Check:
    """Every page of every owner is of its colours, and no two have one in common that the YAML does not give to both."""
    check = Check("colors", "all memory with cache colors lies in pages of its colors alone", unit="page")
    wanted: list[tuple[str, Span, Colors, Ranges]] = []     # name, place, what the YAML says, physical memory
    system = case.system
    if system.colors is not None:
        wanted.append(("the hypervisor", system.colors.span, system.colors, _hypervisor(case)))
    for vm in case.vms:
        parts = _regions(vm)
        if vm.vm.colors is not None:
            mine = parts[""] + [(t, t + size) for t, size in vm.facts.tables.walk.tables]
            if vm.facts.restart is not None:
                mine += [(t, t + size) for t, size in vm.facts.restart.walk.tables]
            wanted.append((f"VM '{vm.name}'", vm.vm.colors.span, vm.vm.colors, union(mine)))
        for region in vm.vm.memory:
            if region.colors is not None:
                wanted.append((f"memory.{region.name} of VM '{vm.name}'", region.colors.span, region.colors,
                               union(parts[region.name])))
    own = {}
    for channel in case.system.channels:
        memory = union((p.extent.phys, p.extent.phys_end) for vm in case.vms for p in vm.pieces
                       if p.channel == channel.name)
        own[channel.name] = memory
        if channel.colors is not None:
            wanted.append((f"channel '{channel.name}'", channel.colors.span, channel.colors, memory))
    if not wanted:
        return check
    among = count(case.board)
    if among < 2:
        check.fail("the board has no cache colors", wanted[0][1])
        return check
    found = [_found(memory, among) for _, _, _, memory in wanted]
    for (name, span, said, memory), have in zip(wanted, found):
        check.look(sum(end - start for start, end in memory) // PAGE)
        listed = said.listed
        if said.ranges and not have <= set(listed):
            wrong = sorted(have - set(listed))[0]
            page = next(p for start, end in memory for p in range(start, end, PAGE) if p // PAGE % among == wrong)
            check.fail(f"{name} has memory of color {wrong} at physical {page:#x}", span,
                       notes=(f"its colors are {_text(listed)}",))
        elif said.share is not None and len(have) > said.share * among // 100:
            check.fail(f"{name} has memory of {len(have)} colors", span,
                       notes=(f"{said.share}% of {among} are {said.share * among // 100}: it has {_text(have)}",))
        elif len(have) == among:
            check.fail(f"{name} has memory of all {among} colors", span)
        check.evidence.append(f"{name}: {plural(sum(e - s for s, e in memory) // PAGE, 'page')} of colors {_text(have)}")
    pairs = 0
    for i, (name, span, said, _) in enumerate(wanted):
        for j, (other, there, theirs, _) in enumerate(wanted[:i]):
            both = found[i] & found[j]
            meant = set(said.listed) & set(theirs.listed)
            pairs += not both
            if not both <= meant:
                check.fail(f"{name} and {other} both have memory of color {min(both - meant)}", span,
                           related=(Label(there, f"{other}: colors {_text(found[j])}"),),
                           notes=("the description gives it to one of them at most",))
    for channel in case.system.channels:
        if channel.colors is None and all(v.vm.colors is not None for v in case.vms
                                          if v.name in [n for n, _ in channel.ends]) and channel.phys is None:
            _channel(case, channel.name, _found(own[channel.name], among), wanted, found, check)
    _copies(case, among, wanted, found, check)
    check.evidence.append(f"{among} colors; {plural(pairs, 'pair')} of owners with none in common")
    return check


def _regions(vm: VmCase) -> dict[str, list[tuple[int, int]]]:
    """Physical memory by region that has colours of its own; '': all other."""
    places = [(p.ipa, p.end, p.name.removeprefix("memory.")) for p in vm.facts.places if p.name.startswith("memory.")]
    own = {r.name for r in vm.vm.memory if r.colors is not None}
    found: dict[str, list[tuple[int, int]]] = {"": [], **{name: [] for name in own}}
    for e in vm.of("memory"):
        name = next((n for low, high, n in places if low <= e.ipa and e.end <= high and n in own), "")
        found[name].append((e.phys, e.phys_end))
    return found


def _hypervisor(case: Case) -> Ranges:
    """Its memory and its tables but for the page at the load address: that runs before any guest, and holds nothing that
    is used later (link.ld)."""
    entry = case.board.load
    tables = union((t, t + size) for vm in case.vms for tree in (vm.facts.tables, vm.facts.restart) if tree is not None
                   for t, size in tree.walk.tables)
    return minus(minus(case.own, tables), [(entry, entry + PAGE)])


def _found(memory: Ranges, among: int) -> set[int]:
    """Colours of all pages."""
    found: set[int] = set()
    for start, end in memory:
        first, last = start // PAGE, (end - 1) // PAGE
        found.update(page % among for page in range(first, min(last, first + among - 1) + 1))
        if len(found) == among:
            break
    return found


def _channel(case: Case, name: str, have: set[int], wanted: list[tuple[str, Span, Colors, Ranges]],
             found: list[set[int]], check: Check) -> None:
    """A channel that says nothing lies in colours of its least critical VM."""
    channel = next(c for c in case.system.channels if c.name == name)
    users = [vm for vm in case.vms if vm.name in [n for n, _ in channel.ends]]
    least = min(users, key=lambda vm: vm.vm.criticality)
    theirs = next(f for (owner, _, _, _), f in zip(wanted, found) if owner == f"VM '{least.name}'")
    if not have <= theirs:
        check.fail(f"channel '{name}' has memory of color {min(have - theirs)}", channel.span,
                   notes=(f"VM '{least.name}', the least critical of its VMs, has {_text(theirs)}",))


def _copies(case: Case, among: int, wanted: list[tuple[str, Span, Colors, Ranges]], found: list[set[int]],
            check: Check) -> None:
    """The copies that a restart of a VM reads are of the colours of what it writes."""
    for vm in case.vms:
        walk = vm.facts.restart.walk if vm.facts.restart else case.facts.own
        for restore in vm.facts.restores:
            if not restore.source:
                continue
            copy = _found(walk.physical(restore.source, restore.size), among)
            allowed = {c for (owner, _, _, _), f in zip(wanted, found) if owner.endswith(f"VM '{vm.name}'") for c in f}
            if vm.vm.colors is not None and not copy <= allowed:
                check.fail(f"the pristine copy for IPA {span_text(restore.ipa, restore.ipa + restore.size)} of VM "
                           f"'{vm.name}' has memory of color {min(copy - allowed)}", vm.span)


def _text(colors: set[int] | tuple[int, ...]) -> str:
    parts: list[str] = []
    run: list[int] = []
    for color in [*sorted(colors), -1]:
        if run and color != run[-1] + 1:
            parts.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]))
            run = []
        run.append(color)
    return ", ".join(parts) or "none"
