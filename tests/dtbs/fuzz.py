#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mutate real device trees, and import what comes of it: a traceback or more than 3 seconds is a find.

Usage: fuzz.py SECONDS [SEED]

Half of the trees are compiled ones, half sources of boards/. A find is kept in the current folder as find-SEED-N.dtb
(or .dts) and printed. Exit status 1: there were finds.
"""
from __future__ import annotations

import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from corpus import ARCHITECTURES, ROOT, fetch

CELLS = tuple(number.to_bytes(4, "big") for number in (0, 1, 2, 3, 4, 9, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF))
WORDS = ("{", "}", ";", "<", ">", "\"", "&gic", "&plic", "/delete-node/", "reg = <0>;", "ranges;",
         "#address-cells = <3>;", "#interrupt-cells = <0>;", "status = \"x\";", "interrupts = <1>;", "/include/ \"board.dts\"", "compatible;")
SECONDS = 3


def mutated(blob: bytes, chance: random.Random) -> bytes:
    """With some bytes, cells or stretches of it replaced; the magic stays, or nothing further would be read."""
    out = bytearray(blob)
    for _ in range(chance.choice((1, 3, 20, 200))):
        at, kind = chance.randrange(4, len(out) - 16), chance.random()
        if kind < 0.4:
            out[at] = chance.choice((0, 1, 2, 3, 4, 9, 0x7F, 0xFF, chance.randrange(256)))
        elif kind < 0.7:
            out[at & ~3:(at & ~3) + 4] = chance.choice(CELLS)
        else:
            size, source = chance.choice((4, 8, 16)), chance.randrange(0, len(out) - 16)
            out[at:at + size] = out[source:source + size]
    return bytes(out[:chance.randrange(len(out))]) if chance.random() < 0.05 else bytes(out)


def mutated_text(text: str, chance: random.Random) -> str:
    """With some lines dropped, moved or followed by something else."""
    lines = text.splitlines()
    for _ in range(chance.choice((1, 2, 5))):
        at, kind = chance.randrange(len(lines)), chance.random()
        if kind < 0.3:
            lines[at] = ""
        elif kind < 0.6:
            lines[at] += " " + chance.choice(WORDS)
        else:
            lines[at] = lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def attempt(path: str) -> str:
    """'' or what went wrong."""
    from configtool.board.import_ import import_board, summary
    from configtool.board.show import text, to_json

    start = time.monotonic()
    try:
        result = import_board(path)
        if result.board is not None:
            text(result.board)
            to_json(result.board)
        if not result.reason:
            summary("x", result)
    except Exception:       # noqa: BLE001  that is what this looks for
        return traceback.format_exc()
    seconds = time.monotonic() - start
    return f"took {seconds:.1f} seconds" if seconds > SECONDS else ""


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print("usage: fuzz.py SECONDS [SEED]", file=sys.stderr)
        return 2
    seed = int(sys.argv[2]) if len(sys.argv) == 3 else 1
    chance = random.Random(seed)
    trees = [file for arch in ARCHITECTURES for file in fetch(arch)]
    sources = sorted((ROOT / "boards").glob("*/board.dts"))
    tried = finds = 0
    end = time.monotonic() + float(sys.argv[1])
    with tempfile.TemporaryDirectory() as work:
        for source in sources:
            (Path(work) / source.parent.name).mkdir()
            (Path(work) / source.parent.name / "board.dts").write_text(source.read_text())
        while time.monotonic() < end:
            tried += 1
            if chance.random() < 0.5:
                path = Path(work) / "x.dtb"
                path.write_bytes(mutated(chance.choice(trees).read_bytes(), chance))
            else:
                source = chance.choice(sources)
                path = Path(work) / source.parent.name / "x.dts"
                path.write_text(mutated_text(source.read_text(), chance))
            problem = attempt(str(path))
            if problem:
                finds += 1
                kept = f"find-{seed}-{tried}{path.suffix}"
                os.replace(path, kept)
                print(f"{kept}: {problem}")
    print(f"{tried} trees, {finds} finds (seed {seed})")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
