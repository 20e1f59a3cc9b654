# SPDX-License-Identifier: Apache-2.0
"""make fuzz: configtool on damaged input. It may say what it likes and exit 0, 1 or 2; no more memory, no more time.

    python3 tests/fuzz [--seed N] [--seconds S | --cases N] [--kind KIND]
    python3 tests/fuzz --seed N --kind KIND --case I [--keep DIR]        one case again

A case follows from seed, kind and number alone. Each runs in a process of its own with 1 GiB of address space and 10
seconds of the CPU. Failing ones are kept in build/fuzz/. Exit status 1: there was one.
"""
from __future__ import annotations

import argparse
import collections
import random
import shutil
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cases import KINDS, ROOT, WHOLE  # noqa: E402
from child import run  # noqa: E402


def prepare(kind: str, seed: int, number: int, folder: Path) -> None:
    KINDS[kind](folder, random.Random(f"{seed}/{kind}/{number}"))


def one(kind: str, seed: int, number: int, keep: Path) -> tuple[int | str, str]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(kind, seed, number, folder)
        ended, said = run(folder, kind in WHOLE)
        if ended not in (0, 1, 2):
            name = keep / f"{kind}-{seed}-{number}"
            shutil.rmtree(name, ignore_errors=True)
            shutil.copytree(folder, name)
        return ended, said


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/fuzz", description="configtool on damaged input.")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--kind", choices=list(KINDS), help="only this kind of input")
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="how long; default: 60")
    parser.add_argument("--cases", type=int, metavar="N", help="this many of each kind, instead of a time")
    parser.add_argument("--case", type=int, metavar="I", help="this one alone")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz", metavar="DIR",
                        help="where failing cases go")
    given = parser.parse_args()

    for module in ("pipeline", "board.load", "image.load", "plan.make"):
        import_module(f"configtool.{module}")       # once, before the forks
    for module in ("jsonschema", "yaml"):
        import_module(module)

    kinds = [given.kind] if given.kind else list(KINDS)
    if given.case is not None:
        if len(kinds) > 1:
            parser.error("--case needs --kind")
        ended, said = one(kinds[0], given.seed, given.case, given.keep)
        print(f"{kinds[0]} {given.case}: exit {ended}: {said}")
        return 0 if ended in (0, 1, 2) else 1
    tally: collections.Counter[int | str] = collections.Counter()
    slowest, number, failed, start = (0.0, ""), 0, 0, time.monotonic()
    while number < given.cases if given.cases is not None else time.monotonic() - start < given.seconds:
        for kind in kinds:
            before = time.monotonic()
            ended, said = one(kind, given.seed, number, given.keep)
            slowest = max(slowest, (time.monotonic() - before, f"{kind} {number}"))
            tally[ended] += 1
            if ended not in (0, 1, 2):
                failed += 1
                print(f"FAILED: {kind} {number}: exit {ended}: {said}\n"
                      f"  again: python3 tests/fuzz --seed {given.seed} --kind {kind} --case {number}", flush=True)
        number += 1
    print(f"fuzz: {sum(tally.values())} cases, seed {given.seed}: "
          + ", ".join(f"{count} exit {ended}" for ended, count in sorted(tally.items(), key=str))
          + f"; the slowest took {slowest[0]:.1f} s ({slowest[1]})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
