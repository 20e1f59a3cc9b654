#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Import the device trees of Debian's kernel packages, and tally what became of them.

Usage: run.py [--sample N] [--list TEXT] [--arch ARCH]     ARCH: arm64, armhf or riscv64

The trees come from Debian's unstable and are kept in the cache (see tests/linux/packages.py). Every one has to become a
board or be refused with a reason; --sample takes every Nth of each architecture. Exit status 1: one ended in a
traceback, took longer than 5 seconds, or became a board that does not compile to the same tree or does not load. """
from __future__ import annotations

import argparse
import collections
import multiprocessing
import sys
import time

from corpus import ARCHITECTURES, fetch, kind_of, one
from packages import FetchError     # found by corpus


def main() -> int:
    parser = argparse.ArgumentParser(description="Import Debian's device trees and tally what became of them.")
    parser.add_argument("--sample", metavar="N", type=int, default=1, help="take every Nth")
    parser.add_argument("--list", metavar="TEXT", help="name the files whose result holds TEXT")
    parser.add_argument("--arch", choices=ARCHITECTURES, action="append", help="only this one")
    given = parser.parse_args()
    failed = False
    for arch in given.arch or ARCHITECTURES:
        try:
            files = fetch(arch)[::given.sample]
        except FetchError as problem:
            print(f"{arch}: {problem}", file=sys.stderr)
            return 1
        start = time.monotonic()
        with multiprocessing.Pool() as pool:
            results = pool.map(one, files, chunksize=8)
        tally = collections.Counter((kind, kind_of(reason)) for kind, reason, _ in results)
        boards = sum(count for (kind, _), count in tally.items() if kind == "board")
        slowest = max(zip(results, files), key=lambda r: r[0][2])
        print(f"{arch}: {len(files)} device trees, {boards} boards, {time.monotonic() - start:.0f} s; slowest "
              f"{slowest[1].name} {slowest[0][2]:.2f} s")
        for (kind, reason), count in sorted(tally.items(), key=lambda item: (-item[1], item[0])):
            if kind != "board":
                print(f"  {count:5} {kind}: {reason}")
                failed |= kind == "failed"
        for (kind, reason, _), file in zip(results, files):
            if kind == "failed" or given.list and given.list in f"{kind}: {reason}":
                print(f"        {file.name}: {kind}: {reason}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
