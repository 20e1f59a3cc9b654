# SPDX-License-Identifier: Apache-2.0
"""Physical memory: who reaches what, and whether each VM has what it was promised."""
from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import Label
from ..system import Region
from .case import Case, VmCase, plural, size_text, span_text
from .report import Check
from .walk import PAGE, Extent, Ranges, cut, inside, length, union


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
    pieces = sorted(((vm, p.extent, p.channel) for vm in case.vms for p in vm.pieces if p.kind in ("memory",
                                                                                                   "channel")),
                    key=lambda x: (x[1].phys, x[1].size, x[0].facts.index))
    check.look(length(union((e.phys, e.phys_end) for _, e, _ in pieces)) // PAGE)
    before: list[tuple[VmCase, Extent, str]] = []       # those that may reach into what follows
    for vm, e, channel in pieces:
        before = [b for b in before if b[1].phys_end > e.phys]
        for other, o, other_channel in before:
            shared = span_text(e.phys, min(e.phys_end, o.phys_end))
            here = f"at IPA {e.ipa:#x} ({e.access})"
            there = f"at IPA {o.ipa + e.phys - o.phys:#x} ({o.access})"
            if other is vm:
                check.fail(f"VM '{vm.name}' has physical memory {shared} twice", vm.span, f"{here}, and {there}")
            elif not channel or channel != other_channel:
                check.fail(f"VMs '{other.name}' and '{vm.name}' both reach physical memory {shared}", vm.span,
                           f"VM '{vm.name}' {here}", related=(Label(other.span, f"VM '{other.name}' {there}"),),
                           notes=("no channel of the description shares it",))
        before.append((vm, e, channel))
    pairs = len(case.vms) * (len(case.vms) - 1) // 2
    check.evidence.append(f"{plural(pairs, 'pair')} of VMs, {plural(len(pieces), 'extent')} of memory compared")
    return check


def reach(case: Case) -> Check:
    """VMs reach nothing of the hypervisor, firmware or anybody's devices but their own."""
    check = Check("reach", "no VM reaches the hypervisor, firmware, or a device that is not its own", unit="page")
    forbidden = union([*case.own, *case.copies, *((start, end) for start, end, _ in case.expected.reserved)])
    for vm in case.vms:
        check.look(vm.facts.walk.pages)
        for piece in vm.pieces:
            e = piece.extent
            if piece.kind == "stray":
                check.fail(f"VM '{vm.name}' reaches {span_text(e.phys, e.phys_end)}: {case.owner(e.phys, vm.name)}",
                           vm.span, f"at IPA {span_text(e.ipa, e.end)} ({e.access})",
                           notes=("its description gives it no such device",))
            elif piece.kind in ("memory", "channel"):       # checks_devices looks at the others
                for low, high in inside(forbidden, e.phys, e.phys_end):
                    check.fail(f"VM '{vm.name}' reaches {span_text(low, high)}: {case.owner(low, vm.name)}", vm.span,
                               f"at IPA {e.ipa + low - e.phys:#x} ({e.access})")
    check.evidence.append(f"out of reach: hypervisor {_all(case.own)}")
    check.evidence += [f"out of reach: {name} {span_text(start, end)}" for start, end, name in case.expected.reserved]
    if case.facts.scattered and case.copies:
        check.evidence.append(f"out of reach: pristine copies {_all(case.copies)}")
    else:
        check.evidence += [f"out of reach: pristine copies {span_text(*copy)}" for copy in case.copies]
    return check


def _all(ranges: Ranges) -> str:
    if len(ranges) == 1:
        return span_text(*ranges[0])
    return f"{size_text(length(ranges))} in {len(ranges)} pieces, {span_text(ranges[0][0], ranges[-1][1])}"


def promised(case: Case, held: dict[str, tuple[Held, ...]]) -> Check:
    """Every region is there as a whole, with its access and where the YAML wants it; `held` is filled in."""
    check = Check("memory-promised", "each VM has the memory that its description promises", unit="region")
    for vm in case.vms:
        regions, memory = vm.vm.memory, vm.of("memory")
        check.look(len(regions))
        found = _fit(memory, regions)
        if found is None:
            have = "; ".join(f"{span_text(e.ipa, e.end)} {e.access}" for e in _alike(memory)) or "none"
            total, wanted = sum(e.size for e in memory), sum(r.size for r in regions)
            check.fail(f"the memory of VM '{vm.name}' is not what its description promises",
                       regions[0].span if regions else vm.span,
                       f"{size_text(total)} instead of {size_text(wanted)}" if total != wanted else "",
                       notes=(f"in the tables (IPA): {have}", f"promised: {'; '.join(map(_promise, regions))}"))
            continue
        held[vm.name] = found
        check.evidence += [f"{vm.name}: memory.{h.region.name} {_promise(h.region)}, at IPA {h.ipa:#x}" for h in found]
        moved = [e for e in memory if e.ipa != e.phys and "w" in e.access]
        if moved and any(grant.trusted is not None for grant in vm.grants):
            check.fail(f"VM '{vm.name}' has a device that masters memory, but its memory at IPA {moved[0].ipa:#x} lies "
                       f"at physical {moved[0].phys:#x}", vm.span,
                       notes=("without an IOMMU the device uses physical addresses",))
    return check


def _promise(region: Region) -> str:
    at = f" at {region.at:#x}" if isinstance(region.at, int) else f" at {region.at}" if region.at else ""
    return f"{size_text(region.size)} {region.access}{at}"


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
    """The regions laid over the memory so that they cover it exactly and none overlaps another; None: they do not."""
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
