# SPDX-License-Identifier: Apache-2.0
"""Who has which cache colours: what the user listed, then shares, then `auto`; and what is wrong with that.

Shares and `auto` take from what nobody has listed, the hypervisor first, then VMs in the order of the YAML, then regions
and channels of their own. `auto` weighs a VM by its criticality + 1, after each has what its memory needs; the
hypervisor, a region and a channel get as few as hold them. Colours are given in a row where that goes, as pages in a
row are cheaper to map than pages apart. On RISC-V the root of a VM's stage-2 tables is four pages in a row, so a VM gets
four colours in a row from a multiple of four.

A channel without `colors` lies in those of its least critical VM: what the more critical one reads there may cost the
other a line, and never the other way round.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator

from ..board.caches import Coloring, coloring
from ..board.model import Board
from ..diagnostics import Label
from ..source import Span
from ..system import Channel, Colors, System
from .arch import ARCHS
from .model import PAGE

Set = tuple[int, ...]


@dataclass(frozen=True)
class Finding:
    code: str
    message: str
    span: Span
    text: str = ""
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()


@dataclass(frozen=True)
class Palette:
    """Colours by owner; an owner that is not here has none, and its memory lies anywhere."""
    board: Coloring
    hypervisor: Set = ()
    vms: dict[str, Set] = field(default_factory=dict)
    regions: dict[tuple[str, str], Set] = field(default_factory=dict)       # those that a region has for itself
    channels: dict[str, Set] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def count(self) -> int:
        """Of colours among which they are; 1 where nobody has any."""
        return self.board.count if self.used else 1

    @property
    def used(self) -> bool:
        return bool(self.hypervisor or self.vms or self.regions or self.channels)

    def memory(self, vm: str, region: str) -> Set:
        """Of a region of a VM, by their names."""
        return self.regions.get((vm, region), self.vms.get(vm, ()))


@dataclass(frozen=True)
class _Claim:
    """Somebody who is to have colours. `row`: so many in a row, from a multiple of that; `need`: as few at least."""
    key: tuple[str, ...]            # ('vm', 'control'), ('region', 'linux', 'scratch'), ('channel', 'c'), ('hypervisor',)
    name: str                       # in a sentence
    colors: Colors
    weight: int = 0
    row: int = 1
    need: int = 1


def text(colors: Set) -> str:
    """'0-3, 8': as the language writes it."""
    parts: list[tuple[int, int]] = []
    for c in colors:
        if parts and parts[-1][1] == c - 1:
            parts[-1] = (parts[-1][0], c)
        else:
            parts.append((c, c))
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def palette(system: System, board: Board) -> Palette:
    """The colours of all, as far as they can be given; `findings` are errors, in the order of the claims."""
    made = coloring(board)
    claims = list(_claims(system, board, made.count))
    if not claims:
        return Palette(made)
    findings: list[Finding] = []
    if made.count < 2:
        for claim in claims:
            findings.append(Finding("BH1053", f"board {board.name} has no cache colors, and {claim.name} is to have some",
                                    claim.colors.span, notes=(made.problem,),
                                    related=(Label(made.place, "this cache"),) if made.place else (),
                                    help=("describe its caches in board.yaml, or remove `colors`"
                                          if made.cache is None else "remove `colors`",)))
        return Palette(made, findings=tuple(findings[:1]))
    given: dict[tuple[str, ...], Set] = {}
    must = _must(board, made.count)
    for claim in claims:
        if claim.key == ("hypervisor",) and claim.colors.share is None and not claim.colors.ranges and must:
            given[claim.key] = must         # `auto`: as few as hold it
        if claim.colors.ranges:
            findings += _wrong(claim, made.count, board.name)
            given[claim.key] = tuple(c for c in claim.colors.listed if c < made.count)
    if not findings:
        findings += _share_out(claims, made.count, given)
    own = given.get(("hypervisor",))
    if not findings and own is not None and not set(must) <= set(own) and system.colors is not None:
        findings.append(Finding(
            "BH1061", f"the hypervisor has to have color {text(must)} on board {board.name}", system.colors.span,
            f"colors {text(own)}", notes=(f"code that runs with the MMU off lies at {board.load + PAGE:#x}, behind the load "
                                          "address, and its page is of that color",),
            help=(f"write colors: {text(must)}, or a list with it", )))
    if findings:
        return Palette(made, findings=tuple(findings))
    vms = {k[1]: v for k, v in given.items() if k[0] == "vm"}
    channels = {k[1]: v for k, v in given.items() if k[0] == "channel"}
    for channel in system.channels:
        users = [vm for vm in system.vms if vm.name in [n for n, _ in channel.ends]]
        if channel.name not in channels and channel.phys is None and users and all(u.name in vms for u in users):
            channels[channel.name] = vms[min(users, key=lambda u: u.criticality).name]
    return Palette(made, given.get(("hypervisor",), ()), vms,
                   {(k[1], k[2]): v for k, v in given.items() if k[0] == "region"}, channels)


def _must(board: Board, count: int) -> Set:
    """Colours that the hypervisor cannot do without: of the pages that have their place at the load address, but for
    the first."""
    arch = ARCHS.get(board.arch)
    return tuple(sorted({(board.load // PAGE + i) % count for i in range(1, arch.fixed if arch else 1)}))


def _claims(system: System, board: Board, count: int) -> Iterator[_Claim]:
    ram = sum(b.size for b in board.memory) - sum(r.size for r in board.reserved)
    each = max(ram // count, 1)         # bytes of one colour
    arch = ARCHS.get(board.arch)
    row = arch.stage2[0].root_size // PAGE if arch else 1
    if system.colors is not None:
        yield _Claim(("hypervisor",), "the hypervisor", system.colors)
    for vm in system.vms:
        if vm.colors is not None:
            size = sum(r.size for r in vm.memory if r.colors is None)
            yield _Claim(("vm", vm.name), f"VM '{vm.name}'", vm.colors, vm.criticality + 1, row,
                         max(-(-size * 33 // 32 // each), row))
    for vm in system.vms:
        for region in vm.memory:
            if region.colors is not None:
                yield _Claim(("region", vm.name, region.name), f"memory.{region.name} of VM '{vm.name}'", region.colors,
                             need=max(-(-region.size // each), 1))
    for channel in system.channels:
        if channel.colors is not None:
            yield _Claim(("channel", channel.name), f"channel '{channel.name}'", channel.colors,
                         need=max(-(-channel.size // each), 1))


def _wrong(claim: _Claim, count: int, board: str) -> Iterator[Finding]:
    """A list that is none of this board's."""
    seen: dict[int, Span] = {}
    for low, high, span in claim.colors.ranges:
        if high < low:
            yield Finding("BH1052", f"the range of colors {low}-{high} of {claim.name} runs backwards", span,
                          help=(f"write {high}-{low}",))
        elif high >= count:
            bits = tuple(i for i in range(count) if high >> i & 1)
            mask = (f"as a mask of bits that is: colors: {text(bits)}",) if low == high and bits else ()
            yield Finding("BH1052", f"{claim.name} is to have color {high}, and board {board} has {count}: 0 to "
                          f"{count - 1}", span, help=mask or (f"write colors from 0 to {count - 1}",))
        else:
            for color in range(low, high + 1):
                if color in seen:
                    yield Finding("BH1052", f"color {color} is twice in the colors of {claim.name}", span, "again here",
                                  (Label(seen[color], "first here"),))
                    break
                seen[color] = span
    if len(seen) == count:
        yield Finding("BH1059", f"{claim.name} has all {count} colors", claim.colors.span,
                      notes=("that is what it has without `colors`: nothing is kept apart",),
                      help=("remove `colors`, or leave some to the others",))


def _share_out(claims: list[_Claim], count: int, given: dict[tuple[str, ...], Set]) -> list[Finding]:
    """Shares and `auto`, from what nobody has listed; `given` is filled in."""
    listed = {c for colors in given.values() for c in colors}
    free = [c for c in range(count) if c not in listed]
    asking = [c for c in claims if not c.colors.ranges and c.key not in given]
    sizes: dict[tuple[str, ...], int] = {}
    taken = f"{len(listed)} of {count} are listed by others, " if listed else ""
    for claim in asking:
        if claim.colors.share is None:
            continue
        share = claim.colors.share * count // 100
        if claim.colors.share >= 100:
            return [Finding("BH1059", f"{claim.name} has all {count} colors", claim.colors.span,
                            help=("write less than 100%",))]
        if share < claim.row:
            least = -(-claim.row * 100 // count)
            why = "one color" if claim.row == 1 else f"the {claim.row} colors in a row that the root of its tables takes"
            return [Finding("BH1055", f"{claim.colors.share}% of {count} colors is less than {why}, which {claim.name} "
                            "needs", claim.colors.span, help=(f"write {least}% or more",))]
        sizes[claim.key] = share
        if sum(sizes.values()) > len(free):
            parts = " + ".join(f"{c.colors.share}%" for c in asking if c.key in sizes)
            return [Finding("BH1055", f"the shares of the cache colors come to more than there is: {parts}",
                            claim.colors.span, f"with {claim.name} there are too many",
                            notes=(f"{taken}{sum(sizes.values())} are wanted, {len(free)} are free",),
                            help=("write smaller shares, or auto",))]
    automatic = [c for c in asking if c.colors.share is None]
    left = len(free) - sum(sizes.values())
    wanted = sum(c.need for c in automatic)
    if automatic and wanted > left:
        each = tuple([f"{c.name} has {c.colors.share}%: {sizes[c.key]}" for c in asking if c.colors.share is not None]
                     + [f"{c.name} needs {c.need} for its memory and tables" for c in automatic])
        return [Finding("BH1055", f"there are too few cache colors for all who have `colors: auto`: {wanted} are needed, "
                        f"{left} are left", automatic[-1].colors.span, "with this one there are too many",
                        notes=(f"the board has {count} colors" + (f"; {len(listed)} of them listed by others" if listed
                                                                         else ""), *each),
                        help=("give some of them the same colors in a list, or less memory",))]
    for claim in automatic:
        sizes[claim.key] = claim.need
    spare, weight = left - wanted, sum(c.weight for c in automatic)
    if weight:
        heavy = sorted((c for c in automatic if c.weight), key=lambda c: (-c.weight * spare % weight, c.key))
        rest = spare - sum(c.weight * spare // weight for c in heavy)
        for i, claim in enumerate(heavy):
            sizes[claim.key] += claim.weight * spare // weight + (i < rest)
    return _lay(asking, sizes, free, given)


def _lay(asking: list[_Claim], sizes: dict[tuple[str, ...], int], free: list[int], given: dict[tuple[str, ...], Set],
         ) -> list[Finding]:
    """So many colours for each: in a row one behind the other if every row that is needed lies inside, else first the
    rows, then what is nearest."""
    at, made = 0, {}
    for claim in asking:
        made[claim.key] = tuple(free[at:at + sizes[claim.key]])
        at += sizes[claim.key]
    if all(row_of(made[c.key], c.row) is not None for c in asking):
        given.update(made)
        return []
    pool = list(free)
    start: dict[tuple[str, ...], list[int]] = {}
    for claim in sorted(asking, key=lambda c: -c.row):
        row = row_of(tuple(pool), claim.row)
        if row is None:
            return [Finding("BH1060", f"no {claim.row} colors in a row are left for {claim.name}", claim.colors.span,
                            notes=(f"the root of its translation tables is {claim.row} pages in a row, from a multiple "
                                   "of that",), help=("list fewer colors for others, from a multiple of four",))]
        start[claim.key] = list(range(row, row + claim.row))
        pool = [c for c in pool if c not in start[claim.key]]
    for claim in asking:
        mine = start[claim.key]
        while len(mine) < sizes[claim.key]:
            color = min(pool, key=lambda c: (min(abs(c - m) for m in mine), c))
            pool.remove(color)
            mine.append(color)
        given[claim.key] = tuple(sorted(mine))
    return []


def row_of(colors: Set, row: int) -> int | None:
    """The first of so many colours in a row, from a multiple of that."""
    have = set(colors)
    return next((c for c in colors if c % row == 0 and all(c + i in have for i in range(row))), None)


def of_channel(system: System, channel: Channel) -> str:
    """Why a channel lies in the colours that it has."""
    if channel.colors is not None:
        return f"written at {channel.colors.span.file}:{channel.colors.span.line}"
    users = [vm for vm in system.vms if vm.name in [n for n, _ in channel.ends]]
    return f"those of VM '{min(users, key=lambda u: u.criticality).name}', the least critical of its VMs"
