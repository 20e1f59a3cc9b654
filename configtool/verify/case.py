# SPDX-License-Identifier: Apache-2.0
"""One image beside one description: each VM's address space taken apart into memory, channels, devices and what is
none of them. The checks read this."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

from ..source import Span
from ..system import Vm
from .expect import End, Expected, Grant, whole_pages
from .facts import Facts, VmFacts
from .guestfile import BadGuest, GuestFile, load
from .walk import PAGE, Extent, Ranges, Walk, common, cut, cut_phys, minus, union

TRAPPED = "trapped"             # access of a place that the hypervisor emulates (config.h)


@dataclass(frozen=True)
class Piece:
    """A part of a VM's address space that is one thing. `kind`: 'memory', 'channel', 'device', 'file' (an interrupt
    file of one of its CPUs, or a GIC's virtual CPU interface), or 'stray': nothing that the VM has."""
    extent: Extent
    kind: str
    channel: str = ""
    grant: Grant | None = None


@dataclass(frozen=True)
class ClaimedEnd:
    """A channel's memory in a VM, as the image's own list of places says."""
    end: End
    ipa: int
    size: int


@dataclass(frozen=True)
class VmCase:
    vm: Vm
    facts: VmFacts
    grants: tuple[Grant, ...]
    ends: tuple[End, ...]
    claimed: tuple[ClaimedEnd, ...]
    pieces: tuple[Piece, ...]       # by ipa

    @property
    def name(self) -> str:
        return self.vm.name

    @property
    def span(self) -> Span:
        return self.vm.span

    def of(self, kind: str) -> list[Extent]:
        return [p.extent for p in self.pieces if p.kind == kind]

    @property
    def physical(self) -> Ranges:
        """All that it reaches."""
        return union((e.phys, e.phys_end) for e in self.facts.walk.extents)


class Case:
    def __init__(self, facts: Facts, expected: Expected) -> None:
        self.facts, self.expected = facts, expected
        self.system, self.board = expected.system, expected.board
        self.ranges = facts.ranges
        self.banks = union((b.base, b.end) for b in self.board.memory)
        self.copies = self._copies()
        self.own = self._own()
        by_name = {vm.name: vm for vm in facts.vms}
        self.vms = tuple(self._vm(vm, by_name[vm.name]) for vm in self.system.vms)
        self._files: dict[tuple[str, bool], GuestFile | BadGuest] = {}

    def _copies(self) -> Ranges:
        """Physical memory of the pristine copies that restarts put back."""
        return union(r for vm in self.facts.vms for restore in vm.restores if restore.source
                     for r in ((vm.restart.walk if vm.restart else self.facts.own).physical(restore.source, restore.size)
                               if self.facts.scattered else [(restore.source, restore.source + restore.size)]))

    def _own(self) -> Ranges:
        """Physical memory of the hypervisor: from the load address to the end of the tables; with cache colours its
        sections, the tables, and what else of memory it maps for itself."""
        if not self.facts.scattered:
            return [(self.facts.sections[".text"][0], self.facts.sections[".tables"][1])]
        mapped = common(union((e.phys, e.phys_end) for e in self.facts.own.extents), self.banks)
        sections = [(start // PAGE * PAGE, -(-end // PAGE) * PAGE) for part in self.ranges.values() for start, end in part]
        return union(minus(mapped, self.copies) + sections)

    def read_own(self, walk: Walk, address: int, size: int) -> bytes | None:
        """Bytes of the image as the hypervisor reads them through its tables."""
        parts = walk.within(address, size)
        if sum(e.size for e in parts) != size:
            return None
        data = [self.facts.elf.read(e.phys, e.size) for e in parts]
        return None if None in data else b"".join(d for d in data if d is not None)

    def part(self, address: int) -> str:
        """What of the hypervisor lies at a physical address of its own memory."""
        kinds = ((".text", "code"), (".rodata", "constants"), (".data", "data and stacks"), (".tables",
                                                                                             "translation tables"))
        if self.facts.scattered:
            at = next((e.ipa for e in self.facts.own.extents if e.phys <= address < e.phys_end), None)
            if at is None:
                return "the hypervisor's translation tables"
            address = at
        text = "code"
        for name, what in kinds[1:3 if self.facts.scattered else 4]:
            if address >= self.facts.sections[name][0]:
                text = what
        return f"the hypervisor's {text}"

    def owner(self, address: int, but: str = "") -> str:
        """Whom a physical address belongs to, for messages; VM `but` is not meant."""
        if any(low <= address < high for low, high in self.own):
            return self.part(address)
        if any(start <= address < end for start, end in self.copies):
            return "a pristine copy of a guest's image"
        for vm in self.vms:
            if vm.name != but and any(p.kind == "memory" and p.extent.phys <= address < p.extent.phys_end
                                      for p in vm.pieces):
                return f"memory of VM '{vm.name}'"
        for start, end, name in self.expected.reserved:
            if start <= address < end:
                return name
        for device in self.board.devices:
            for base, size in device.registers + device.windows:
                if base <= address < base + size or whole_pages(base, size)[0] <= address < whole_pages(base, size)[1]:
                    return f"device {device.name}"
        if any(start <= address < end for start, end in self.banks):
            return "RAM that nobody has"
        return "no memory and no device that the board's device tree tells of"

    def file(self, path: str, raw: bool = False) -> GuestFile:
        """A guest's image, read once. Raises BadGuest."""
        key = (path, raw)
        if key not in self._files:
            try:
                self._files[key] = load(path, raw)
            except BadGuest as error:
                self._files[key] = error
        found = self._files[key]
        if isinstance(found, BadGuest):
            raise found
        return found

    def read_guest(self, vm: VmCase, ipa: int, size: int) -> bytes | None:
        """Bytes of the image as the guest sees them; None where it has no memory, or memory that no segment fills."""
        parts, at = [], ipa
        while at < ipa + size:
            extent = vm.facts.walk.at(at)
            if extent is None:
                return None
            take = min(extent.end, ipa + size) - at
            data = self.facts.elf.read(extent.phys + at - extent.ipa, take)
            if data is None:
                return None
            parts.append(data)
            at += take
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _vm(self, vm: Vm, facts: VmFacts) -> VmCase:
        grants, ends = self.expected.grants[vm.name], self.expected.ends[vm.name]
        claimed = []
        for end in ends:
            name = f"channels.{end.channel.name}"
            parts = union((p.ipa, p.end) for p in facts.places if p.name == name and p.access != TRAPPED)
            if len(parts) == 1:
                claimed.append(ClaimedEnd(end, parts[0][0], parts[0][1] - parts[0][0]))
        return VmCase(vm, facts, grants, ends, tuple(claimed), tuple(self._pieces(facts, grants, claimed)))

    def _pieces(self, facts: VmFacts, grants: tuple[Grant, ...], claimed: list[ClaimedEnd]) -> Iterator[Piece]:
        devices = [(*whole_pages(base, size), grant)
                   for grant in grants for base, size in grant.device.registers + grant.device.windows if size]
        files = union([(cpu.guest_file, cpu.guest_file + PAGE) for cpu in self.facts.cpus
                       if cpu.guest_file and cpu.vm == facts.index]
                      + ([self.expected.gic.virtual] if self.expected.gic and self.expected.gic.virtual else []))
        for extent in facts.walk.extents:
            rest: list[Extent] = [extent]
            found: list[Piece] = []
            for claim in claimed:
                rest, taken = _take(rest, [(claim.ipa, claim.ipa + claim.size)])
                found += [Piece(e, "channel", channel=claim.end.channel.name) for e in taken]
            for start, end, grant in devices:
                left = []
                for e in rest:
                    inside = common([(start, end)], [(e.phys, e.phys_end)]) if e.ipa - e.phys == grant.shift else []
                    found += [Piece(cut_phys(e, low, high), "device", grant=grant) for low, high in inside]
                    left += [cut_phys(e, low, high) for low, high in minus([(e.phys, e.phys_end)], inside)]
                rest = left
            for e in [x for x in rest if not common([(x.phys, x.phys_end)], self.banks)]:
                found += [Piece(cut_phys(e, low, high), "file") for low, high in common([(e.phys, e.phys_end)], files)]
                rest.remove(e)
                rest += [cut_phys(e, low, high) for low, high in minus([(e.phys, e.phys_end)], files)]
            for e in rest:
                for low, high in common([(e.phys, e.phys_end)], self.banks):
                    found.append(Piece(cut_phys(e, low, high), "memory"))
                for low, high in minus([(e.phys, e.phys_end)], self.banks):
                    found.append(Piece(cut_phys(e, low, high), "stray"))
            yield from sorted(found, key=lambda p: p.extent.ipa)


def _take(extents: list[Extent], ranges: Ranges) -> tuple[list[Extent], list[Extent]]:
    """(what of the extents lies outside ranges of ipa, what lies inside)."""
    outside, inside = [], []
    for e in extents:
        inside += [cut(e, low, high) for low, high in common([(e.ipa, e.end)], ranges)]
        outside += [cut(e, low, high) for low, high in minus([(e.ipa, e.end)], ranges)]
    return outside, inside


def span_text(start: int, end: int) -> str:
    return f"{start:#x} to {end:#x}"


def size_text(size: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size and size % unit == 0:
            return f"{size // unit}{name}"
    return f"{size} bytes"


def plural(count: int, unit: str) -> str:
    """'1 page', '1,234 pages', '2 table entries'."""
    if count == 1:
        return f"1 {unit}"
    return f"{count:,} {unit[:-1]}ies" if unit.endswith("y") else f"{count:,} {unit}s"
