# SPDX-License-Identifier: Apache-2.0
"""Physical placement: every page of guests and channels gets its place in RAM.

In this order, each at the lowest free address that will do:
  1. what the user or an image ties to an address (`phys:`, identity RAM of an image with fixed addresses);
  2. the payloads: guest images, initrds and device trees, VM by VM, the small ones page by page behind the tables, then
  those
     that fill a superpage, at the same place in it as their IPA, so that the flat image stays small;
  3. the pristine copies of what a restart puts back;
  4. identity RAM that may lie anywhere, with its image inside;
  5. the rest of the guests' RAM, IPA and physical address equal modulo the largest superpage that fits; memory in one
  piece
     if there is any, else in as few as possible;
  6. channels.
Whatever has cache colours takes the lowest free pages of them instead; the tables of each VM come before the payloads then.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Sequence

from ..board.model import Board
from ..diagnostics import Label
from ..source import Span
from ..system import Channel, System, Vm
from ..units import size_text
from .arch import MIB, Arch
from .areas import Area, Chunk, Layout
from .colors import Palette, row_of, text
from .failure import Problems
from .layout import pages
from .model import PAGE, Mapping, Range, Stripe, mapped
from .space import Space
from .words import amount, spoken


@dataclass(frozen=True)
class Run:
    """Whole pages of a VM's memory that the flat image holds, and where."""
    vm: str
    name: str                       # of the payload
    kind: str                       # 'image', 'initrd', 'dtb'
    ipa: int
    size: int
    chunks: tuple[Chunk, ...]
    area: Area
    phys: int = -1
    stripes: tuple[Stripe, ...] = ()        # where it lies, if it has colours

    @property
    def places(self) -> tuple[Stripe, ...]:
        return self.stripes or (Stripe(self.phys, self.size),)

    @property
    def end(self) -> int:
        return self.ipa + self.size

    @property
    def title(self) -> str:
        """As fault reports and maps name it."""
        if self.kind == "dtb":
            return "device tree"
        return f"{self.kind}: {self.chunks[0].source}"


def runs(vm: Vm, layout: Layout, dtb: Chunk | None) -> list[Run]:
    """The pages that a VM's images, initrd and device tree touch, by IPA; chunks that share a page share a run, and so
    do neighbouring pieces of one image."""
    found: list[Run] = []
    for chunk in sorted(layout.chunks + ((dtb,) if dtb else ()), key=lambda c: c.ipa):
        if not chunk.size:
            continue
        start, end = chunk.ipa // PAGE * PAGE, pages(chunk.end)
        area = next(a for a in layout.areas if a.ipa <= chunk.ipa < a.end)
        last = found[-1] if found else None
        if last and last.area is area and (start < last.end or start == last.end
                                           and last.chunks[-1].name == chunk.name):
            found[-1] = replace(last, size=max(last.end, end) - last.ipa, chunks=last.chunks + (chunk,))
        else:
            found.append(Run(vm.name, f"{vm.name}-{chunk.name}", chunk.kind, start, end - start, (chunk,), area))
    counts: dict[str, int] = {}
    for i, run in enumerate(found):
        counts[run.name] = counts.get(run.name, 0) + 1
        if counts[run.name] > 1:
            found[i] = replace(run, name=f"{run.name}-{counts[run.name] - 1}")
    return found


def superpage(ipa: int, size: int, leaves: Sequence[int]) -> int:
    """The largest leaf that fits into an extent of IPAs, at most 1 GiB."""
    for leaf in sorted(leaves, reverse=True):
        if leaf <= 1 << 30 and ipa + -ipa % leaf + leaf <= ipa + size:
            return leaf
    return PAGE


def _grouped(free: dict[int, int]) -> list[tuple[str, tuple[int, ...]]]:
    """(amount, colours that have as much of it as one can read), neighbours together."""
    found: list[tuple[str, tuple[int, ...]]] = []
    for color, size in free.items():
        if found and found[-1][0] == amount(size):
            found[-1] = (amount(size), (*found[-1][1], color))
        else:
            found.append((amount(size), (color,)))
    return found


class Placement:
    """One attempt. Its methods are to be called in the order of the module text."""

    def __init__(self, space: Space, arch: Arch, problems: Problems, colors: Palette) -> None:
        self.space, self.arch, self.problems, self.colors = space, arch, problems, colors
        self.leaves = arch.stage2[0].leaves
        self.low = 0                    # the flat image begins here: no payload lies below
        self._fixed: list[tuple[int, int, str, Span]] = []

    def fix(self, base: int, size: int, owner: str, span: Span, linked: bool = False) -> None:
        """Take memory at a given place, or say why it cannot be had. `linked`: the place is where its image is
        linked."""
        if self.space.is_free(base, size):
            self.space.take(base, size, owner)
            self._fixed.append((base, base + size, owner, span))
        else:
            self._refuse(base, size, owner, span, linked)

    def fix_window(self, board: Board, end: int) -> bool:
        """Take the hypervisor's own memory, from its load address to the end of its tables."""
        load, size, span = board.load, end - board.load, board.load_span
        self.low = load
        text = f"{load:#x} to {end:#x}"
        if load % self.leaves[1]:
            down = load - load % self.leaves[1]
            self.problems.report("BH0311", f"the load address {load:#x} is not aligned to {size_text(self.leaves[1])}",
                                 span,
                                 notes=("a boot loader puts a Linux `Image` only there",),
                                 help=(f"write {down:#x} or {down + self.leaves[1]:#x}",))
            return False
        if self.space.is_free(load, size):
            self.space.take(load, size, "hypervisor")
            self._fixed.append((load, end, "hypervisor", span))
            return True
        others = self.space.owners(load, size)
        notes = tuple(f"{o.owner} has {o.base:#x} to {o.end:#x}" for o in others)
        if not others:
            notes = tuple(f"RAM is {b:#x} to {b + s:#x}" for b, s in self.space.banks)
        free = self.nearest(load, size)
        help = (f"{amount(size)} are free at {free:#x}: write `load: {free:#x}`",) if free is not None else \
            (f"{amount(size)} are free nowhere: the board has too little RAM",)
        self.problems.report("BH0311", "the hypervisor's memory is not free RAM", span, text, notes=notes, help=help)
        return False

    def _refuse(self, base: int, size: int, owner: str, span: Span, linked: bool) -> None:
        end, what, problems = base + size, spoken(owner), self.problems
        text = f"{base:#x} to {end:#x}" + (", where its image is linked" if linked else "")
        banks = [(b, b + s) for b, s in self.space.banks]
        free = self.nearest(base, size)
        help = (f"{amount(size)} are free nowhere in one piece",)
        if free is not None:
            help = (f"{amount(size)} are free at {free:#x}" + (": link the image there" if linked else ""),)
        inside = sum(max(0, min(end, high) - max(base, low)) for low, high in banks)
        if not inside:
            near = min(banks, key=lambda b: max(b[0] - base, base - b[1], 0))
            problems.report("BH0303", f"{what} lies outside the board's RAM", span, text, help=help,
                            notes=(f"the nearest bank is {near[0]:#x} to {near[1]:#x} ({amount(near[1] - near[0])})",))
            return
        if inside < size:
            problems.report("BH0304", f"{what} lies only partly in RAM", span, text, help=help,
                            notes=tuple(f"RAM is {low:#x} to {high:#x} ({amount(high - low)})" for low, high in banks))
            return
        other = self.space.owners(base, size)[0]
        if not other.planned:
            problems.report("BH0305", f"{what} lies in memory of {other.owner}", span, text, help=help,
                            notes=(f"{other.owner} has {other.base:#x} to {other.end:#x}",))
            return
        problems.report("BH0306", f"{what} and {spoken(other.owner)} overlap in physical memory", span, text, help=help,
                        related=tuple(Label(s, f"{spoken(o)}: {b:#x} to {e:#x}") for b, e, o, s in self._fixed
                                      if b < end and base < e),
                        notes=(f"both have {max(other.base, base):#x} to {min(other.end, end):#x}",))

    def nearest(self, base: int, size: int) -> int | None:
        """Where as much memory is free, nearest to an address, at a multiple of 2 MiB if there is room."""
        for align in (self.leaves[1], PAGE):
            places = []
            for low, high in self.space.free:
                first, last = low + -low % align, (high - size) // align * align
                if first <= last:
                    places.append(min(max(base // align * align, first), last))
            if places:
                return min(places, key=lambda at: abs(at - base))
        return None

    def payload(self, run: Run) -> Run | None:
        """A run of a VM whose memory does not lie in place."""
        colors = self.colors.memory(run.vm, run.area.region.name)
        if colors:
            stripes = self.colored(run.size, colors, f"{run.vm}: {run.title}", run.chunks[0].span, self.low)
            return replace(run, phys=stripes[0].base, stripes=stripes) if stripes else None
        align = superpage(run.ipa, run.size, self.leaves[:2])
        for step in (align, PAGE):
            at = self.space.find(run.size, step, run.ipa % step, self.low)
            if at is not None:
                self.space.take(at, run.size, f"{run.vm}: {run.title}")
                return replace(run, phys=at)
        self.no_room(f"{run.vm}: {run.title}", run.size, run.chunks[0].span)
        return None

    def copy(self, run: Run) -> Run | None:
        """A place for a pristine copy of a run, which a restart of its VM puts back. The hypervisor maps it for
        itself."""
        name, colors = f"{run.name}-pristine", self.colors.memory(run.vm, run.area.region.name)
        if colors:
            stripes = self.colored(run.size, colors, f"{run.vm}: pristine copy of {run.title}", run.chunks[0].span,
                                   self.low)
            return replace(run, name=name, phys=stripes[0].base, stripes=stripes) if stripes else None
        align = self.leaves[1] if run.size >= self.leaves[1] else PAGE
        for step in (align, PAGE):
            at = self.space.find(run.size, step, 0, self.low)
            if at is not None:
                self.space.take(at, run.size, f"{run.vm}: pristine copy of {run.title}")
                return replace(run, name=name, phys=at)
        self.no_room(f"{run.vm}: pristine copy of {run.title}", run.size, run.chunks[0].span)
        return None

    def floating(self, vm: Vm, size: int, name: str, span: Span, taken: Sequence[tuple[int, int]]) -> int | None:
        """Identity memory that may lie anywhere: its address, which is none of those that the VM has for something
        else."""
        owner = f"{vm.name}: {name}"
        align = self.leaves[1] if size >= self.leaves[1] else PAGE
        at = self.space.find(size, align, low=self.low)
        while at is not None:
            end = max((high for low, high in taken if low < at + size and at < high), default=None)
            if end is None:
                self.space.take(at, size, owner)
                return at
            at = self.space.find(size, align, low=end)
        self.no_room(owner, size, span)
        return None

    def rest(self, vm: Vm, area: Area, held: Sequence[Run]) -> list[Mapping]:
        """The pages of an area that no payload holds."""
        name, owner = f"memory.{area.region.name}", f"{vm.name}: memory.{area.region.name}"
        made: list[Mapping] = []
        colors = self.colors.memory(vm.name, area.region.name)
        at = area.ipa
        for start, end in sorted((r.ipa, r.end) for r in held if r.area is area) + [(area.end, area.end)]:
            if start > at and colors:
                stripes = self.colored(start - at, colors, owner, area.region.size_span, whole=area.region.size)
                made += mapped(at, stripes, area.region.access, "ram", name, area.region.span.line)
            elif start > at:
                for ipa, phys, size in self._extent(at, start - at, owner, area):
                    made.append(Mapping(ipa, phys, size, area.region.access, "ram", name, area.region.span.line))
            at = max(at, end)
        return made

    def _extent(self, ipa: int, size: int, owner: str, area: Area) -> list[tuple[int, int, int]]:
        for leaf in (s for s in sorted(self.leaves, reverse=True) if s <= superpage(ipa, size, self.leaves)):
            at = self.space.find(size, leaf, ipa % leaf)
            if at is not None:
                self.space.take(at, size, owner)
                return [(ipa, at, size)]
        pieces: list[tuple[int, int, int]] = []
        while size:
            piece = self._piece(ipa, size)
            if piece is None:
                for _, phys, taken in pieces:       # so that the report shows what was free
                    self.space.give_back(phys, taken)
                needed = size + sum(p[2] for p in pieces)
                self.no_room(owner, needed, area.region.size_span, area.region.size)
                return []
            self.space.take(piece[0], piece[1], owner)
            pieces.append((ipa, *piece))
            ipa, size = ipa + piece[1], size - piece[1]
        return pieces

    def _piece(self, ipa: int, size: int) -> tuple[int, int] | None:
        """The largest free piece for the start of an extent; of superpages while there are any."""
        for leaf in (self.leaves[1], PAGE):
            found = self.space.find_largest(leaf, ipa % leaf)
            if found is None:
                continue
            base, room = found
            if room >= size:
                return base, size
            room -= (ipa + room) % leaf         # the next piece starts at a superpage
            if room > 0:
                return base, room
        return None

    def channel(self, channel: Channel, ipa: int) -> tuple[Stripe, ...]:
        """Where a channel's memory lies that is at `ipa` in its first VM; empty: there is no room."""
        size = pages(channel.size)
        colors = self.colors.channels.get(channel.name, ())
        if colors:
            return self.colored(size, colors, f"channels.{channel.name}", channel.size_span)
        leaf = superpage(ipa, size, self.leaves[:2])
        for step in (leaf, PAGE):
            at = self.space.find(size, step, ipa % step)
            if at is not None:
                self.space.take(at, size, f"channels.{channel.name}")
                return (Stripe(at, size),)
        self.no_room(f"channels.{channel.name}", size, channel.size_span)
        return ()

    def tree(self, size: int, root: int, colors: tuple[int, ...], owner: str, span: Span) -> tuple[Stripe, ...]:
        """Pages for a tree of translation tables: its root, which is aligned to its size, then the other nodes."""
        if not colors:
            at = self.space.find(size, root, low=self.low)
            if at is None:
                self.no_room(owner, size, span)
                return ()
            self.space.take(at, size, owner)
            return (Stripe(at, root),) + ((Stripe(at + root, size - root),) if size > root else ())
        first = self.space.take_row(root // PAGE, colors, owner, self.low)
        if first is None and row_of(colors, root // PAGE) is None:
            row = root // PAGE
            self.problems.report(
                "BH1060", f"VM '{owner.partition(':')[0]}' has no {row} cache colors in a row for the root of its tables",
                span, f"colors {text(colors)}",
                notes=(f"the root of stage 2 is {row} pages in a row, from a multiple of that",),
                help=(f"give it four colors in a row from a multiple of {row}: 0-{row - 1}, {row}-{2 * row - 1}, ...",))
            return ()
        rest = self.colored(size - root, colors, owner, span, self.low) if size > root and first else ()
        if first is None or size > root and not rest:
            if first is None:
                self._no_colors(size, colors, owner, span, 0)
            return ()
        return (first, *rest)

    def colored(self, size: int, colors: tuple[int, ...], owner: str, span: Span, low: int = 0, whole: int = 0,
                ) -> tuple[Stripe, ...]:
        """Pages of these colours; empty, with the reason told, where there are too few."""
        found = self.space.take_colored(size, colors, owner, low)
        if found is None:
            self._no_colors(size, colors, owner, span, whole)
        return found or ()

    def _no_colors(self, size: int, colors: tuple[int, ...], owner: str, span: Span, whole: int) -> None:
        """Not enough pages of some colours, with what is free of each."""
        free = {c: self.space.free_of(c) for c in range(self.space.colors)}
        total = sum(free[c] for c in colors)
        memory = sum(size for _, size in self.space.banks)
        notes = [f"the board's memory has {amount(memory // self.space.colors)} of each of {self.space.colors} colors; free "
                 "of each:"]
        for left, group in _grouped({c: free[c] for c in colors}) + _grouped({c: f for c, f in free.items()
                                                                              if c not in colors}):
            whose = "" if group[0] in colors else ", not its own"
            notes.append(f"{left:>10}  color{'s' if len(group) > 1 else ''} {text(group)}{whose}")
        others = [c for c in free if c not in colors and free[c]]
        help = f"{amount(size)} are needed, {amount(total)} are free in its colors: {amount(size - total)} are missing"
        more = -(-(size - total) // max(max((free[c] for c in others), default=1), 1))
        self.problems.report("BH1058", f"not enough memory of colors {text(colors)} for {spoken(owner)}", span,
                             f"{amount(whole or size)} wanted", notes=notes,
                             help=(help + (f"; give it {more} more color{'s' if more > 1 else ''}"
                                           if others and more <= len(others) else ""),))

    def events(self, system: System, inside: Sequence[Run], end: int) -> Range:
        """Memory for the event ring: behind the flat image, which whoever loads it again writes over."""
        size = pages(system.events)
        if not size:
            return Range(0, 0)
        at = self.space.find(size, PAGE, low=max([end, *(stripe.end for run in inside for stripe in run.places)]))
        if at is None:
            self.problems.report("BH1026", "there is no memory for the events behind the image",
                                 system.events_span or system.name_span, size_text(system.events),
                                 notes=("memory within the image is written over when it is loaded again",))
            return Range(0, 0)
        self.space.take(at, size, "hypervisor: events")
        return Range(at, size)

    def no_room(self, owner: str, size: int, span: Span, whole: int = 0) -> None:
        """Not enough memory, with the budget of every bank. `whole`: size of the region of which `size` bytes have no
        place yet and may lie in pieces; 0: it has to be one piece."""
        notes = []
        uses = self.space.uses()
        for base, length in self.space.banks:
            notes.append(f"bank {base:#x} to {base + length:#x}, {amount(length)}:")
            owners: dict[str, int] = {}
            pieces: list[int] = []
            for use in (u for u in uses if base <= u.base < base + length):
                if use.owner == "free":
                    pieces.append(use.size)
                else:
                    owners[use.owner] = owners.get(use.owner, 0) + use.size
            notes += [f"{amount(held):>10}  {holder}" for holder, held in owners.items()]
            if pieces:
                parted = f", in {len(pieces)} pieces, the largest {amount(max(pieces))}" if len(pieces) > 1 else ""
                notes.append(f"{amount(sum(pieces)):>10}  free{parted}")
        free = [high - low for low, high in self.space.free]
        total, largest, what = sum(free), max(free, default=0), spoken(owner)
        if not whole and total >= size:
            message = f"no piece of memory is large enough for {what}"
            help = f"{amount(size)} are needed in one piece, the largest has {amount(largest)}"
        else:
            message = f"not enough memory for {what}"
            help = f"{amount(size)} are needed, {amount(total)} are free: {amount(size - total)} are missing"
            fits = (whole - size + total) // MIB * MIB
            if whole and fits > 0:
                help += f"; {size_text(fits)} would fit"
        self.problems.report("BH0309", message, span, f"{amount(whole or size)} wanted", notes=notes, help=(help,))
