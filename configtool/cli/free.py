# SPDX-License-Identifier: Apache-2.0
"""configtool free: what of the board nobody has."""
from __future__ import annotations

from .common import add_system, make_sink, parser, report


def main(arguments: list[str]) -> int:
    made = parser("free", "Show the memory, CPUs, devices and interrupts of the board that the system leaves to "
                  "nobody.")
    add_system(made)
    given = made.parse_args(arguments)

    from ..pipeline import analyse

    result = analyse(given.file, sink=make_sink(given), guests=given.guests)
    code = report(result.sink, given)
    if result.system is None or result.board is None or result.plan is None:
        return code

    from ..report.free import free

    print(free(result.system, result.board, result.plan), end="")
    return code
