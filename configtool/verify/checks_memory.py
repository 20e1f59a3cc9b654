# SPDX-License-Identifier: Apache-2.0
"""Physical memory: who reaches what, and whether each VM has what it was promised."""
from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import Label
from ..source import Span
from ..system import Region
from .case import TRAPPED, Case, VmCase, plural, size_text, span_text
from .facts import Window
from .report import Check
from .walk import Extent, common, cut, length, minus, union


@dataclass(frozen=True)
class Held:
    """A region of the YAML, found in the tables."""
    region: Region
    ipa: int

    @property
    def end(self) -> int:
        return self.ipa + self.region.size


def exclusive(case: Case) -> Check:
    """No physical page of memory is in two places, but for channels."""
    check = Check("memory-exclusive", "each VM's memory is its own but for channels", unit="page")
    pieces = sorted(((p.extent.phys, p.extent.phys_end, vm, p) for vm in case.vms for p in vm.pieces
                     if p.kind in ("memory", "channel")), key=lambda x: (x[0], x[1], x[2].facts.index))
    check.look(length(union((start, end) for start, end, _, _ in pieces)) // 4096)
    open_: list[tuple[int, int, VmCase, object]] = []
    for start, end, vm, piece in pieces:
        open_ = [o for o in open_ if o[1] > start]
        for _, other_end, other, other_piece in open_:
            a, b = piece, other_piece
            shared = f"{span_text(start, min(end, other_end))}"
            at = f"at IPA {piece.extent.ipa:#x} ({piece.extent.access})"
            there = f"at IPA {b.extent.ipa + start - b.extent.phys:#x} ({b.extent.access})"        # type: ignore[attr-defined]
            if other is vm:
                check.fail(f"VM '{vm.name}' has physical memory {shared} twice", vm.span, f"{at}, and {there}")
            elif not (a.kind == b.kind == "channel" and a.channel == b.channel):        # type: ignore[attr-defined]
                check.fail(f"VMs '{other.name}' and '{vm.name}' both reach physical memory {shared}", vm.span,
                           f"VM '{vm.name}' {at}", related=(Label(other.span, f"VM '{other.name}' {there}"),),
                           notes=("no channel of the description shares it",))
        open_.append((start, end, vm, piece))
    pairs = len(case.vms) * (len(case.vms) - 1) // 2
    check.evidence.append(f"{plural(pairs, 'pair')} of VMs, {plural(len(pieces), 'extent')} of memory compared")
    return check


def reach(case: Case) -> Check:
    """VMs reach nothing of the hypervisor, firmware or anybody's devices but their own."""
    check = Check("reach", "no VM reaches the hypervisor, firmware, or a device that is not its own", unit="page")
    low, high = case.window
    forbidden = [((low, high), "")] + [((start, end), "") for start, end in case.copies]
    forbidden += [((start, end), name) for start, end, name in case.expected.reserved]
    for vm in case.vms:
        check.look(vm.facts.walk.pages)
        for piece in vm.pieces:
            e = piece.extent
            if piece.kind == "stray":
                check.fail(f"VM '{vm.name}' reaches physical {span_text(e.phys, e.phys_end)}: {case.owner(e.phys, vm.name)}",
                           vm.span, f"at IPA {span_text(e.ipa, e.end)} ({e.access})",
                           notes=("its description gives it no such device",))
                continue
            if piece.kind in ("device", "file"):
                continue        # checks_devices looks at those
            for (start, end), _ in forbidden:
                for bad in common([(e.phys, e.phys_end)], [(start, end)]):
                    check.fail(f"VM '{vm.name}' reaches physical {span_text(*bad)}: {case.owner(bad[0], vm.name)}",
                               vm.span,
                               f"at IPA {e.ipa + bad[0] - e.phys:#x} ({e.access})")
    check.evidence.append(f"out of reach: hypervisor {span_text(low, high)}"
                          + "".join(f", {name} {span_text(start, end)}" for start, end, name in case.expected.reserved)
                          + "".join(f", pristine copies {span_text(*c)}" for c in case.copies))
    return check


def promised(case: Case, held: dict[str, tuple[Held, ...]]) -> Check:
    """Every region is there as a whole, with its access and where the YAML wants it; `held` is filled in."""
    check = Check("memory-promised", "each VM has the memory that its description promises", unit="region")
    for vm in case.vms:
        check.look(len(vm.vm.memory))
        memory = vm.of("memory")
        found = _fit(memory, vm.vm.memory)
        if found is None:
            have = "; ".join(f"{span_text(e.ipa, e.end)} {e.access}" for e in _alike(memory)) or "none"
            want = "; ".join(f"{r.name} {size_text(r.size)} {r.access}" + (f" at {r.at:#x}" if isinstance(r.at, int)
                                                                           else
                             f" at {r.at}" if r.at else "") for r in vm.vm.memory)
            total, wanted = sum(e.size for e in memory), sum(r.size for r in vm.vm.memory)
            first = vm.vm.memory[0] if vm.vm.memory else None
            amount = f"{size_text(total)} instead of {size_text(wanted)}" if total != wanted else "the size is right"
            check.fail(f"the memory of VM '{vm.name}' is not what its description promises", first.span if first
                       else vm.span,
                       amount, notes=(f"in the tables (IPA): {have}", f"in the description: {want}"))
            continue
        held[vm.name] = found
        for h in found:
            check.evidence.append(f"{vm.name}: memory.{h.region.name} {size_text(h.region.size)} {h.region.access} at IPA "
                                  f"{h.ipa:#x}")
        if any(g.trusted is not None for g in vm.grants):
            for e in memory:
                if e.ipa != e.phys and "w" in e.access:
                    check.fail(f"VM '{vm.name}' has a device that masters memory, but its memory at IPA {e.ipa:#x} lies at "
                               f"physical {e.phys:#x}", vm.span,
                               notes=("without an IOMMU the device uses physical addresses",))
                    break
    return check


def _alike(extents: list[Extent]) -> list[Extent]:
    """Neighbours by IPA with the same access as one; their physical addresses mean nothing."""
    found: list[Extent] = []
    for e in extents:
        if found and found[-1].end == e.ipa and found[-1].access == e.access:
            found[-1] = Extent(found[-1].ipa, 0, found[-1].size + e.size, e.access)
        else:
            found.append(Extent(e.ipa, 0, e.size, e.access))
    return found


def _fit(memory: list[Extent], regions: tuple[Region, ...]) -> tuple[Held, ...] | None:
    """The regions laid over the memory so that they cover it exactly and none overlaps another; None: that cannot be."""
    if not regions:
        return () if not memory else None
    if not memory:
        return None
    first = memory[0].ipa
    tried = set()
    for i, region in enumerate(regions):
        key = (region.size, region.at, region.phys, region.access)
        if key in tried or isinstance(region.at, int) and region.at != first:
            continue
        tried.add(key)
        rest = _without(memory, region, first)
        if rest is not None:
            others = _fit(rest, regions[:i] + regions[i + 1:])
            if others is not None:
                return tuple(sorted((Held(region, first), *others), key=lambda h: h.ipa))
    return None


def _without(memory: list[Extent], region: Region, ipa: int) -> list[Extent] | None:
    """What is left of the memory without a region at its start; None: the region is not there."""
    at, end = ipa, ipa + region.size
    for i, e in enumerate(memory):
        if e.ipa != at or e.access != region.access:
            return None
        if region.at == "identity" and region.phys is None and e.ipa != e.phys:
            return None
        if region.phys is not None and e.phys - e.ipa != region.phys - ipa:
            return None
        if e.end >= end:
            return ([cut(e, end, e.end)] if e.end > end else []) + memory[i + 1:]
        at = e.end
    return None


def restart(case: Case) -> Check:
    """What follows the end of a VM is what the YAML says, and a restart puts back all of its memory and nothing else."""
    check = Check("restart", "restarts follow the description and put back a VM's own memory", unit="policy")
    names = {"stop": "ACTION_STOP", "restart": "ACTION_RESTART", "halt-system": "ACTION_HALT_SYSTEM"}
    for vm in case.vms:
        again = False
        for name, policy in vm.facts.policies:
            check.look()
            wanted = getattr(vm.vm, name)
            span: Span = wanted.span if wanted else vm.span
            action, then = (wanted.action, wanted.then or "stop") if wanted else ("stop", "stop")
            at_most = (wanted.at_most or 0) if wanted else 0
            within = ((wanted.within_us or 0) if wanted else 0) * case.board.timebase // 1_000_000
            again |= "restart" in (action, then)
            if (policy.action, policy.at_most, policy.within, policy.then) != (names[action], at_most, within,
                                                                               names[then]):
                check.fail(f"{name} of VM '{vm.name}' is not what its description says", span, notes=(
                    f"in the image: {policy.action}, at most {policy.at_most} in {policy.within} ticks, then {policy.then}",
                    f"in the description: {names[action]}, at most {at_most} in {within} ticks, then {names[then]}"))
        _restores(case, vm, again, check)
    return check


def _restores(case: Case, vm: VmCase, again: bool, check: Check) -> None:
    ranges = union((r.ipa, r.ipa + r.size) for r in vm.facts.restores)
    if length(ranges) != sum(r.size for r in vm.facts.restores):
        check.fail(f"a restart of VM '{vm.name}' writes some of its memory twice", vm.span)
    writable = union((e.ipa, e.end) for e in vm.of("memory") if "w" in e.access)
    if vm.facts.restores and ranges != writable or again and not vm.facts.restores and writable:
        lacks, more = minus(writable, ranges), minus(ranges, writable)
        bad = (lacks or more)[0]
        check.fail(f"a restart of VM '{vm.name}' " + ("does not put back" if lacks else "writes more than its memory: ")
                   + f" IPA {span_text(*bad)}", vm.span)
    mapped = union((e.phys, e.phys_end) for e in case.facts.own.extents)
    for r in vm.facts.restores:
        now = case.read_guest(vm, r.ipa, r.size)
        if r.source:
            copy = case.facts.elf.read(r.source, r.size)
            if copy is None or copy != now:
                check.fail(f"the pristine copy at {r.source:#x} is not what VM '{vm.name}' starts with at IPA {r.ipa:#x}", vm.span)
            if minus([(r.source, r.source + r.size)], mapped):
                check.fail(f"the pristine copy at {span_text(r.source, r.source + r.size)} for VM '{vm.name}' is not mapped by "
                           "the hypervisor", vm.span)
        elif _filled(case, vm, r.ipa, r.size):
            check.fail(f"a restart of VM '{vm.name}' clears IPA {span_text(r.ipa, r.ipa + r.size)}, where the image has data",
                       vm.span)
    if vm.facts.restores:
        check.evidence.append(f"{vm.name}: a restart puts back {size_text(length(ranges))}, of it "
                              f"{size_text(sum(r.size for r in vm.facts.restores if r.source))} from pristine copies")


def _filled(case: Case, vm: VmCase, ipa: int, size: int) -> bool:
    """Whether the image has bytes other than zeros in a part of a guest's memory."""
    for e in vm.facts.walk.within(ipa, size):
        for s in case.facts.elf.segments:
            for low, high in common([(e.phys, e.phys_end)], [(s.base, s.end)]):
                if any(case.facts.elf.read(low, high - low) or b""):
                    return True
    return False


def places(case: Case, held: dict[str, tuple[Held, ...]]) -> Check:
    """The list that fault reports and the start of vCPUs go by says the same as the tables."""
    check = Check("places", "the map for fault reports agrees with the tables", unit="place")
    for vm in case.vms:
        check.look(len(vm.facts.places))
        last = 0
        for place in vm.facts.places:
            if place.size <= 0 or place.ipa < last or place.end > 1 << 64:
                check.fail(f"places of VM '{vm.name}' are not in order: '{place.name}' at {place.ipa:#x}", vm.span)
                break
            last = place.end
            if place.access == TRAPPED:
                if not any((w.ipa, w.end, _window_name(vm, w)) == (place.ipa, place.end, place.name)
                           for w in vm.facts.windows):
                    check.fail(f"'{place.name}' of VM '{vm.name}' at IPA {place.ipa:#x} is no virtual device", vm.span)
                continue
            mapped = vm.facts.walk.within(place.ipa, place.size)
            if sum(e.size for e in mapped) != place.size or any(e.access != place.access for e in mapped):
                how = ", ".join(sorted({e.access for e in mapped})) or "nothing"
                check.fail(f"'{place.name}' of VM '{vm.name}' at IPA {span_text(place.ipa, place.end)} is said to be "
                           f"{place.access}; the tables say {how}" + (" for a part of it" if mapped else ""), vm.span)
            elif not _named(vm, place.ipa, place.end, place.name, held.get(vm.name, ())):
                check.fail(f"IPA {span_text(place.ipa, place.end)} of VM '{vm.name}' is not '{place.name}'", vm.span)
        covered = union((p.ipa, p.end) for p in vm.facts.places)
        everything = union([(e.ipa, e.end) for e in vm.facts.walk.extents] + [(w.ipa, w.end) for w in vm.facts.windows])
        for start, end in minus(everything, covered):
            check.fail(f"IPA {span_text(start, end)} of VM '{vm.name}' has no place in the list", vm.span)
    return check


def _window_name(vm: VmCase, window: Window) -> str:
    if window.kind == "WINDOW_DOORBELL":
        return f"channels.{vm.ends[window.index].channel.name}" if window.index < len(vm.ends) else ""
    return {"WINDOW_IRQCHIP": "interrupt controller", "WINDOW_UART": "console"}.get(window.kind, "")


def _named(vm: VmCase, start: int, end: int, name: str, held: tuple[Held, ...]) -> bool:
    """Whether a mapped place goes by the right name."""
    kinds = {p.kind for p in vm.pieces if p.extent.ipa < end and start < p.extent.end}
    if kinds == {"memory"}:
        files = [f"image: {ref.file}" for ref in vm.vm.images]
        if vm.vm.linux and vm.vm.linux.initrd:
            files.append(f"initrd: {vm.vm.linux.initrd}")
        regions = [f"memory.{h.region.name}" for h in held if h.ipa <= start and end <= h.end]
        return name in files + regions + ["device tree"] or not held
    if kinds == {"device"}:
        return name.startswith("devices: ") and set(name[len("devices: "):].split(", ")) <= {g.name for g in vm.grants}
    if kinds == {"file"}:
        return name == "interrupt files"
    return kinds == {"channel"} and name.startswith("channels.")
