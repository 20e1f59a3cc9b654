# SPDX-License-Identifier: Apache-2.0
"""Random systems that configtool accepts, built and verified: what is accepted has to build, and verify has to find in the
image what the description says.

    python3 tests/fuzz/whole.py [--seed N] [--systems N]
"""
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cases import KINDS, ROOT  # noqa: E402
from child import run  # noqa: E402

_OUTER = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")     # what a make above tells its children


def accepted(folder: Path, seed: int, number: int) -> bool:
    """Lay out case `number` of the kind "combined" in a folder, and say whether configtool takes it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    KINDS["combined"](folder, Random(f"{seed}/combined/{number}"))
    ended, said = run(folder, whole=True)
    assert ended in (0, 1), f"exit {ended}: {said}"
    return ended == 0


def build(folder: Path) -> str:
    """Build and verify the system in this folder. What was said where that fails, or ''."""
    clean = {key: value for key, value in os.environ.items() if key not in _OUTER}
    file = folder / "system.yaml"
    for command in (["make", "--no-print-directory", "-C", str(ROOT), f"SYSTEM={file}"],
                    [str(ROOT / "bin" / "configtool"), "verify", str(ROOT / "build" / folder.name / "bulkhead.elf"),
                     str(file)]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=clean, check=False)
        if done.returncode != 0:
            return f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    shutil.rmtree(ROOT / "build" / folder.name)
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/fuzz/whole.py", description="Random systems, built and verified.")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--systems", type=int, default=10, metavar="N", help="how many to build; default: 10")
    parser.add_argument("--start", type=int, default=0, metavar="I", help="the first case to look at")
    given = parser.parse_args()
    number, made, failed = given.start, 0, 0
    while made < given.systems:
        folder = ROOT / "build" / "combined" / f"combined-{given.seed}-{number}"
        if accepted(folder, given.seed, number):
            made += 1
            if said := build(folder):
                failed += 1
                print(f"FAILED: {folder}: {said}", flush=True)
        if not (ROOT / "build" / folder.name).exists():
            shutil.rmtree(folder)
        number += 1
    print(f"whole: {made} of {number - given.start} systems built and verified, seed {given.seed}, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
