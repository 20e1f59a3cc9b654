# SPDX-License-Identifier: Apache-2.0
"""make bench: what the hypervisor costs. Instructions, the same on every run; and how often it runs for a Linux at work.

    python3 tests/bench [GROUP...] [--board KEY...] [--json FILE] [--docs]
"""
from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "qemu")]

import report  # noqa: E402
from boards import BOARDS  # noqa: E402
from figures import GROUPS, measure  # noqa: E402
from image import ROOT  # noqa: E402
import bandwidth  # noqa: E402
import colours  # noqa: E402
import linux  # noqa: E402
import paths  # noqa: E402

_LINUX_BOARDS = ("plic", "aia")


def main() -> int:
    keys = [board.key for board in BOARDS]
    groups = [*GROUPS, "linux", "ticks", "paths", "colours", "bandwidth"]
    parser = argparse.ArgumentParser(prog="tests/bench", description="What the hypervisor costs.")
    parser.add_argument("words", nargs="*", metavar="WORD", help=f"only these groups ({', '.join(groups)}) and these "
                        f"boards ({', '.join(keys)}); all without")
    parser.add_argument("--json", metavar="FILE", default=str(ROOT / "build/bench.json"),
                        help="where to write the figures")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md, too")
    given = parser.parse_args()
    unknown = [word for word in given.words if word not in groups and word not in keys]
    if unknown:
        parser.error(f"there is no group and no board '{unknown[0]}'")
    if given.docs and given.words:
        parser.error("--docs needs all figures")
    chosen = [group for group in groups if group in given.words] or groups
    boards = [board for board in BOARDS if board.key in given.words] or list(BOARDS)
    found = report.Report()
    try:
        beside_linux = [board for board in boards if board.key in _LINUX_BOARDS]
        # Exact counts stay what they are when two machines run at a time.
        with ProcessPoolExecutor(2) as pool:
            for board, figures in zip(boards, pool.map(measure, repeat(chosen), boards)):
                found.figures += figures
                print(report.figures(found, board), end="", flush=True)
            if "ticks" in chosen:
                for ticks in pool.map(linux.ticks, beside_linux):
                    found.ticks += ticks
            if "paths" in chosen:
                found.paths += pool.map(paths.measure, [board for board in paths.BOARDS if board in given.words]
                                        or paths.BOARDS)
        if "linux" in chosen:
            for board in beside_linux:
                found.exits += linux.exits(board)
        if "colours" in chosen:
            found.evictions = [colours.measure(*system) for system in colours.SYSTEMS]
        if "bandwidth" in chosen:
            found.budgets = [bandwidth.measure(*system) for system in bandwidth.SYSTEMS]
        print(report.linux(found), end="")
    except (RuntimeError, AssertionError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    Path(given.json).write_text(json.dumps(found.data(), indent=2) + "\n")
    if given.docs:
        report.write_docs(found, ROOT / "docs/benchmarks.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
