# SPDX-License-Identifier: Apache-2.0
"""Who reaches what, from the tables alone: for each two VMs, and for each VM and what is nobody's or the hypervisor's.

The checks look at one matter each; a statement here takes the whole of two address spaces, intersects them, and takes
off what the description shares, by name and place. What is left over has no reason, and the image is not isolated. So
a thing that every check would overlook is still seen here.
"""
from __future__ import annotations

import os

from ..board.model import Device
from ..source import Span
from ..system import Channel
from . import checks_channels
from .case import Case, VmCase, plural, size_text, span_text
from .expect import Grant, whole_pages
from .report import Pair, Reached, Share
from .walk import PAGE, Ranges, common, length, minus, union

KEPT = {"interrupt-controller": "interrupt controller", "iommu": "IOMMU", "clint": "timer of all harts"}


def place(span: Span) -> str:
    """'system.yaml:12'."""
    return f"{os.path.basename(span.file)}:{span.line}"


def pair(case: Case, one: VmCase, other: VmCase) -> Pair:
    """What two VMs have in common."""
    both = common(one.physical, other.physical)
    shares: list[Share] = []
    left = both
    for channel in case.system.channels:
        names = [name for name, _ in channel.ends]
        if one.name not in names or other.name not in names:
            continue
        where = common(_channel(one, channel.name), _channel(other, channel.name))
        left = minus(left, where)
        shares.append(Share(f"channel {channel.name}", _between(channel, one.name, other.name), channel.size,
                            tuple(where), channel.span, (_access(one, where), _access(other, where))))
    for grant in one.grants:
        also = next((g for g in other.grants if g.device is grant.device), None)
        if also is not None and grant.shared and also.shared:
            pages = _pages(case, grant.device)
            left = minus(left, pages)
            shares.append(Share(f"device {grant.name}", "both use it", length(pages), tuple(pages), grant.span,
                                (_access(one, pages), _access(other, pages))))
    if case.expected.gic and case.expected.gic.virtual:         # each CPU sees its own there
        left = minus(left, [case.expected.gic.virtual])
    rings = []
    for a, b in ((one, other), (other, one)):
        for end in a.facts.channels:
            rings += [f"{a.name} rings {b.name} ({end.name}, interrupt {number})" for target, number in end.rings
                      if target == b.facts.index]
    masters = [f"{vm.name}'s {grant.name} masters all memory, and the description trusts it ({place(grant.span)})"
               for vm in (one, other) for grant in vm.grants if grant.trusted is not None]
    steers = [f"{a.name} may stop, start, suspend and restart {b.name}, and read its state "
              f"({place(a.vm.manager_span or a.span)})" for a, b in ((one, other), (other, one))
              if b.facts.index in a.facts.managed]
    return Pair(one.name, other.name, tuple(shares), tuple(rings), length(one.physical) // PAGE,
                length(other.physical) // PAGE, length(both) // PAGE, tuple(left), tuple([*steers, *masters]))


def _between(channel: Channel, one: str, other: str) -> str:
    text = checks_channels.direction(channel)
    if channel.between or channel.writer and channel.writer[0] in (one, other):
        return text
    return "both read"


def _channel(vm: VmCase, name: str) -> Ranges:
    return union((p.extent.phys, p.extent.phys_end) for p in vm.pieces if p.channel == name)


def _access(vm: VmCase, where: Ranges) -> str:
    """What a VM may do there."""
    return " and ".join(sorted({e.access for e in vm.facts.walk.extents if common([(e.phys, e.phys_end)], where)}))


def _pages(case: Case, device: Device) -> Ranges:
    """Whole pages of a device's registers and windows; what is RAM is looked at as RAM."""
    return minus(union(whole_pages(base, size) for base, size in device.registers + device.windows if size), case.banks)


def against_all(case: Case, vm: VmCase) -> tuple[Reached, ...]:
    """What a VM reaches of everything that is no VM's memory."""
    mine = vm.physical
    own = union(r for grant in vm.grants for r in _pages(case, grant.device))
    tables = case.ranges[".tables"]
    files = union([(cpu.guest_file, cpu.guest_file + PAGE) for cpu in case.facts.cpus
                   if cpu.guest_file and cpu.vm == vm.facts.index])
    if case.expected.gic and case.expected.gic.virtual:
        files = union([*files, case.expected.gic.virtual])
    kept = [(device, what) for device in case.board.devices if (what := keeper(case, device))]
    others = [(other, grant) for other in case.vms if other is not vm for grant in other.grants
              if not any(grant.device is g.device for g in vm.grants)]
    given = {grant.device.path for other in case.vms for grant in other.grants} | {device.path for device, _ in kept}
    nobodys = [device for device in case.board.devices if device.path not in given
               and device.kind not in ("bus", "power")]

    def reached(what: str, ranges: Ranges, count: int, unit: str, allowed: Ranges = [], why: str = "") -> Reached:
        hit = common(mine, union(ranges))
        fine = common(hit, union(allowed))
        return Reached(what, count, unit, length(union(ranges)) // PAGE, tuple(fine), why if fine else "",
                       tuple(minus(hit, fine)))

    def devices(what: str, found: list[Device]) -> Reached:
        """Of devices that are not its own. One in a page of its own device: `devices` says so and judges it."""
        ranges = [r for device in found for r in _pages(case, device)]
        beside = sorted({device.name for device in found if common(_pages(case, device), own)})
        return reached(what, ranges, len(found), "device", own, f"in a page of its own device: {', '.join(beside)}")

    code = minus(case.own, union(tables))
    return (
        reached("the hypervisor's code and data", code, len(code), "range"),
        reached("the translation tables", tables, len(tables), "range"),
        *((reached("the pristine copies", case.copies, len(case.copies), "range"),) if case.copies else ()),
        *((reached("firmware and reserved memory", [(start, end) for start, end, _ in case.expected.reserved],
                   len(case.expected.reserved), "range"),) if case.expected.reserved else ()),
        reached("devices of the hypervisor", [r for device, _ in kept for r in _pages(case, device)], len(kept), "device",
                files, "the interrupt files of its CPUs" if any(c.guest_file for c in case.facts.cpus)
                else "the virtual CPU interface of its CPUs"),
        devices("devices of other VMs", [grant.device for _, grant in others]),
        devices("devices of nobody", nobodys))


def keeper(case: Case, device: Device) -> str:
    """What of the hypervisor's a device is; '': none."""
    return "console" if device is case.expected.console else KEPT.get(device.kind, "")


def holder(case: Case, device: Device) -> tuple[str, Grant | None]:
    """Who has a device: 'alpha', 'alpha, beta', 'hypervisor: console', ''; and where the description says so."""
    grants = [(vm.name, grant) for vm in case.vms for grant in vm.grants if grant.device is device]
    if grants:
        return ", ".join(name for name, _ in grants), grants[0][1]
    kept = keeper(case, device)
    return (f"hypervisor: {kept}" if kept else ""), None


def pair_text(found: Pair) -> list[str]:
    """The statement, then what it excepts."""
    counts = f"{plural(found.one_pages, 'page')} and {plural(found.other_pages, 'page')}, {found.common:,} in common"
    if found.stray:
        return [f"{found.one} and {found.other} both reach {_all(found.stray)}, which the description does not share "
                f"({counts})"]
    first = f"{found.one} and {found.other}: neither reaches memory or a device of the other ({counts})"
    if not found.shares and not found.powers:
        return [first]
    return [first + ", but", *(f"{share_text(share)}" for share in found.shares), *found.powers]


def share_text(share: Share) -> str:
    """'channel news 4KiB (system.yaml:7): alpha writes, beta reads'."""
    where = f" at physical {share.where[0][0]:#x}" if len(share.where) == 1 else \
        f" in {len(share.where)} pieces" if share.where else ""
    return f"{share.name} {size_text(share.size)}{where} ({place(share.span)}): {share.how}"


def reached_text(vm: str, found: Reached) -> str:
    of = f"{plural(found.count, found.unit)}, {plural(found.pages, 'page')}"
    if found.stray:
        return f"{vm} REACHES {_all(found.stray)} of {found.what} ({of})"
    if found.allowed:
        return f"{vm} reaches {plural(length(list(found.allowed)) // PAGE, 'page')} of {found.what} ({of}): {found.why}"
    return f"{vm} reaches none of {found.what} ({of})"


def _all(ranges: tuple[tuple[int, int], ...]) -> str:
    more = f" and {plural(len(ranges) - 3, 'further range')}" if len(ranges) > 3 else ""
    return ", ".join(span_text(*r) for r in ranges[:3]) + more
