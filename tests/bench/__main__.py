# SPDX-License-Identifier: Apache-2.0
"""make bench: exact counts of the hypervisor's instructions, the same on every run.

    python3 tests/bench [--json] [--only TEXT]
"""
from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from figures import Figure, boots, exits, sizes  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/bench", description="What the hypervisor costs, in instructions.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", choices=("boot", "exits", "sizes"), help="measure only these")
    options = parser.parse_args()
    groups = {"boot": boots, "exits": exits, "sizes": sizes}
    try:
        found = [figure for name, group in groups.items() if options.only in (None, name) for figure in group()]
    except RuntimeError as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    print(json.dumps([dataclasses.asdict(f) for f in found], indent=2) if options.json else table(found))
    return 0


def table(figures: list[Figure]) -> str:
    rows = [("", "Bulkhead", "aim", "Bao", "")]
    rows += [(f.name, f"{f.value:,}", _number(f.aim), _number(f.bao), f.unit) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for name, value, aim, bao, unit in rows:
        numbers = "  ".join(f"{cell:>{width}}" for cell, width in zip((value, aim, bao), widths[1:]))
        lines.append(f"{name:<{widths[0]}}  {numbers}  {unit}".rstrip())
    return "\n".join(lines)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


if __name__ == "__main__":
    sys.exit(main())
