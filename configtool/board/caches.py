# SPDX-License-Identifier: Apache-2.0
"""What page colours a board has: how many, by which of its caches, or why none.

A cache whose way is larger than a page of 4 KiB, indexed by physical address, keeps a page in the same sets wherever its
lines are: pages whose numbers differ modulo (bytes of a way / 4 KiB) never evict one another. Only caches that more than
one CPU shares matter, as a CPU belongs to one VM. Where several are shared (an L2 for each cluster, an L3 for all), two
colours have to lie in different sets of every one of them, so the one with the fewest colours decides: numbers of sets
are powers of two, and what differs modulo the smaller number differs modulo the larger.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..diagnostics import Label, error
from ..source import Mapping, Scalar, Sequence, Span
from .model import Board, Cache, Cpu

if TYPE_CHECKING:
    from ..diagnostics import Sink

PAGE = 4096


@dataclass(frozen=True)
class Coloring:
    """`count` colours, 1 where pages cannot be told apart; `problem`: why there are none to give away, else ''."""
    count: int
    cache: Cache | None             # the one that decides
    shared: tuple[Cache, ...]       # all that more than one CPU shares
    problem: str = ""
    place: Span | None = None       # of what the problem is with

    @property
    def how(self) -> str:
        """In a sentence, for people."""
        if self.cache is None or self.problem:
            return self.problem
        return f"{self.count} colors: {computed(self.cache)}" + (
            f"; the fewest of {len(self.shared)} shared caches" if len(self.shared) > 1 else "")


def computed(cache: Cache) -> str:
    """The arithmetic of a cache's number of colours."""
    from ..units import size_text
    ways = f", {cache.ways} ways" if cache.ways else ""
    return (f"a way of {cache.name} has {size_text(cache.sets * cache.line)} ({cache.sets} sets of {cache.line} bytes{ways})"
            " and a page 4KiB" + (f"; {cache.name} is a model in board.yaml, the machine has none" if cache.model else ""))


def coloring(board: Board) -> Coloring:
    """What colours there are on a board."""
    usable = {c.index for c in board.cpus if c.enabled}
    shared = tuple(c for c in board.caches if len(usable.intersection(c.cpus)) > 1 and c.holds_data)
    if not shared:
        if len(usable) < 2:
            return Coloring(1, None, (), "the board has one CPU, and so one VM")
        if any(c.level > 1 or c.sets for c in board.caches):
            names = ", ".join(c.name for c in board.caches if c.level > 1) or "those of level 1"
            return Coloring(1, None, (), "all caches that are known belong to one CPU each: "
                            f"{names}; what VMs could disturb is a cache that they share")
        return Coloring(1, None, (), "neither its device tree nor its board.yaml describes a cache")
    for cache in shared:
        if cache.index == "hashed":
            return Coloring(1, cache, shared, f"{cache.name} does not take its sets from address bits as they are, but "
                            "from a hash of them: pages have no colors there", cache.span)
        if not cache.sets or not cache.line:
            lacks = " and ".join(w for w, v in (("cache-sets", cache.sets), ("cache-line-size", cache.line)) if not v)
            return Coloring(1, cache, shared, f"{lacks} of {cache.name} is not known", cache.span)
        if cache.sets & cache.sets - 1 or cache.line & cache.line - 1:
            return Coloring(1, cache, shared, f"{cache.name} has {cache.sets} sets of {cache.line} bytes: no power of "
                            "two, so its index is no part of the address", cache.span)
    least = min(shared, key=lambda c: (c.colors, -c.level))
    if least.colors < 2:
        return Coloring(1, least, shared, f"a way of {least.name} has {least.sets * least.line} bytes, no more than a "
                        "page: all pages share all of its sets", least.span)
    return Coloring(least.colors, least, shared)


def read_described(root: Mapping, cpus: tuple[Cpu, ...], known: tuple[Cache, ...], sink: "Sink") -> tuple[Cache, ...]:
    """The caches of a board with what `caches:` of a checked board.yaml says. An entry whose name is that of a cache in
    the tree completes it; any other is a further one."""
    from ..units import size

    node = root.get("caches")
    found = list(known)
    for entry in node.items if isinstance(node, Sequence) else ():
        if not isinstance(entry, Mapping):
            continue
        values = {key.text: value for key, value in entry.pairs}

        def number(key: str) -> int:
            value = values.get(key)
            return int(value.value) if isinstance(value, Scalar) else 0        # type: ignore[arg-type]

        name, total = values["name"], values.get("size")
        assert isinstance(name, Scalar)
        named, usable = values.get("cpus"), tuple(c.index for c in cpus)
        if isinstance(named, Sequence):
            usable = tuple(c.index for c in cpus if any(isinstance(i, Scalar) and i.text in (c.name, c.label, c.path)
                                                        for i in named.items))
            for item in named.items:
                if isinstance(item, Scalar) and not any(item.text in (c.name, c.label, c.path) for c in cpus):
                    sink.add(error("BH1050", f"the device tree has no CPU '{item.text}'", item.span,
                                   help=[f"it has: {', '.join(c.name for c in cpus)}"]))
        amount, line, ways = size(total.text) if isinstance(total, Scalar) else 0, number("line"), number("ways")
        before = next((c for c in found if c.name == name.text), None)
        if before is not None:
            if before.size and amount and amount != before.size or before.line and line and line != before.line:
                sink.add(error("BH1050", f"board.yaml and the device tree differ about the cache {name.text}", entry.span,
                               related=[Label(before.span, f"{before.size} bytes, lines of {before.line}")],
                               help=["leave out of board.yaml what the tree says"]))
            amount, line = amount or before.size, line or before.line
        sets = before.sets if before is not None else 0
        if ways and line:
            if not amount or amount % (ways * line):
                sink.add(error("BH1050", f"the cache {name.text} cannot have {ways} ways of lines of {line} bytes",
                               (total or name).span, f"{amount} bytes" if amount else "its size is not known",
                               help=["size = ways x sets x line"]))
                continue
            if sets and sets != amount // (ways * line):
                sink.add(error("BH1050", f"the cache {name.text} has {sets} sets by the device tree, and "
                               f"{amount // (ways * line)} by board.yaml", entry.span,
                               related=[Label(before.span if before is not None else entry.span)]))
            sets = amount // (ways * line)
        hashed = values.get("index")
        model = values.get("model")
        made = Cache(name.text, number("level") or (before.level if before is not None else 2), amount, line, sets,
                     usable if before is None or named is not None else before.cpus, True, entry.span,
                     hashed.text if isinstance(hashed, Scalar) else "modulo",
                     isinstance(model, Scalar) and model.value is True)
        found = [made if c is before else c for c in found] if before is not None else [*found, made]
    return tuple(sorted(found, key=lambda c: c.level))

