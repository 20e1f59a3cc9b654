# SPDX-License-Identifier: Apache-2.0
"""configtool check: all phases as far as the plan, and what they found."""
from __future__ import annotations

from .common import add_system, make_sink, parser, report


def main(arguments: list[str]) -> int:
    made = parser("check", "Check a system description against the language, its board, its images and the plan made "
                  "of them.")
    add_system(made)
    made.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text",
                      help="text for people on stderr; the others for programs on stdout")
    given = made.parse_args(arguments)

    from ..pipeline import analyse

    result = analyse(given.file, sink=make_sink(given), guests=given.guests)
    code = report(result.sink, given, given.format)
    if code == 0 and given.format == "text" and result.plan and result.board:
        vms, cpus, there = len(result.plan.vms), len(result.plan.cpus), len(result.board.cpus)
        print(f"{given.file}: ok: {vms} VM{'' if vms == 1 else 's'} on {cpus} of {there} CPUs of {result.board.name}")
    return code
