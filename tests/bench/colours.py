# SPDX-License-Identifier: Apache-2.0
"""Who evicts whose lines from the shared cache, by a model of it: examples/noisy-neighbour plain, with colours, with a
budget of bandwidth, and with both.

The cache is the one that the board's board.yaml describes. llc.c is the model, a plugin of QEMU's; it sees data accesses
alone. The machine runs under -icount, so that two runs count the same.
"""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from counting import EXACT
from harness import Console
from image import ROOT, Image

sys.path.insert(0, str(ROOT))

from configtool.board.caches import coloring  # noqa: E402
from configtool.board.load import load_board  # noqa: E402
from configtool.diagnostics import Sink  # noqa: E402
from configtool.source import Span  # noqa: E402

_PAGE = 4096
_EXAMPLE = "examples/noisy-neighbour/"
# Title, board, YAML.
SYSTEMS = (
    ("plain", "RISC-V", "system.yaml"),
    ("coloured", "RISC-V", "noisy-neighbour-coloured.yaml"),
    ("plain", "AArch64", "noisy-neighbour-gicv3.yaml"),
    ("coloured", "AArch64", "noisy-neighbour-gicv3-coloured.yaml"),
    ("regulated", "AArch64", "noisy-neighbour-gicv3-regulated.yaml"),
    ("both", "AArch64", "noisy-neighbour-gicv3-both.yaml"),
)


@dataclass(frozen=True)
class Evictions:
    """One run. Owners: 'firmware', 'hypervisor', each VM, 'nobody'; lists are in their order."""
    variant: str
    board: str
    owners: tuple[str, ...]
    accesses: tuple[int, ...]
    misses: tuple[int, ...]
    evicted: tuple[tuple[int, ...], ...]        # [whose line][by whom]

    def by_others(self, owner: str) -> int:
        """Lines of an owner that VMs and the hypervisor evicted, itself not counted. The firmware's are apart: it has no
        colours."""
        i = self.owners.index(owner)
        return sum(n for other, n in zip(self.owners, self.evicted[i]) if other not in (owner, "firmware", "nobody"))


def plugin() -> Path:
    """The compiled model."""
    source, made = ROOT / "tests/bench/llc.c", ROOT / "build/bench/llc.so"
    made.parent.mkdir(parents=True, exist_ok=True)
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        part = made.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", str(source), "-o", str(part)],
                       check=True)
        part.replace(made)
    return made


def pieces(extent: dict[str, Any]) -> Iterator[int]:
    """Page numbers of a mapping, a stripe or a use of plan.json."""
    first = extent.get("phys", extent.get("base")) // _PAGE
    left, among = extent["size"] // _PAGE, extent.get("among", 0)
    colors = set(extent.get("colors", ()))
    page = first
    while left:
        if not colors or page % among in colors:
            yield page
            left -= 1
        page += 1


def owners_of(plan: dict[str, Any]) -> tuple[tuple[str, ...], int, bytes, list[int]]:
    """(owners; base of RAM; a byte for each page: the owner whatever the CPU, 0: the CPU's; the owner of each CPU).

    What is the hypervisor's is so on every CPU; all else that a CPU touches its VM does, channels too.
    """
    names = ("nobody", "firmware", "hypervisor", *(vm["name"] for vm in plan["vms"]))
    base = min(bank["base"] for bank in plan["banks"])
    end = max(bank["base"] + bank["size"] for bank in plan["banks"])
    pages = bytearray((end - base) // _PAGE)
    own = plan["hypervisor"]

    def mark(extent: dict[str, Any], owner: int) -> None:
        for page in pieces(extent):
            pages[page - base // _PAGE] = owner

    for use in plan["uses"]:
        if use["owner"] in ("OpenSBI",):
            mark(use, 1)
    if own.get("parts"):
        for part in own["parts"]:
            mark(part, 2)
    else:
        mark({"base": own["load"], "size": own["window_end"] - own["load"]}, 2)
    cpus = [0] * (max(cpu["id"] for cpu in plan["cpus"]) + 1)
    for cpu in plan["cpus"]:
        cpus[cpu["id"]] = 3 + cpu["vm"]
    return names, base, bytes(pages), cpus


def measure(variant: str, board: str, file: str) -> Evictions:
    """Build a system, run it to its end under the model."""
    image = Image(_EXAMPLE + file)
    made = load_board(image.plan["board"], Span(file), "", Sink())
    cache = coloring(made).cache if made else None
    if cache is None:
        raise RuntimeError(f"board {image.plan['board']} describes no shared cache")
    names, base, pages, cpus = owners_of(image.plan)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pages").write_bytes(pages)
        arguments = {"sets": cache.sets, "ways": cache.ways, "line": cache.line, "base": hex(base),
                     "pages": f"{folder}/pages", "cpus": ":".join(map(str, cpus)), "owners": len(names),
                     "probes": ":".join(hex(b["probe"]) for b in image.plan["banks"] if b["probe"]), "out": f"{folder}/out"}
        words = ",".join(f"{name}={value}" for name, value in arguments.items())
        console = Console([*image.command(), *EXACT, "-plugin", f"{plugin()},{words}"], 300)
        try:
            status = console.expect_end(timeout=300)
            if status or re.search(r"stopped|exception", console.output):
                raise RuntimeError(f"the machine failed:\n{console.output}")
        finally:
            console.close()
        counted = json.loads((Path(folder) / "out").read_text())
    return Evictions(variant, board, names, tuple(counted["accesses"]), tuple(counted["misses"]),
                     tuple(map(tuple, counted["evicted"])))


def rows(found: list[Evictions]) -> list[tuple[str, ...]]:
    """A table: what each owner did, and what the others did to it."""
    made: list[tuple[str, ...]] = [("", "variant", "whose", "accesses", "misses", "its lines evicted by others")]
    for run in found:
        for owner in run.owners[2:]:
            i = run.owners.index(owner)
            made.append((run.board, run.variant, owner, f"{run.accesses[i]:,}", f"{run.misses[i]:,}",
                         f"{run.by_others(owner):,}"))
    return made
