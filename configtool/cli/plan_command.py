# SPDX-License-Identifier: Apache-2.0
"""configtool plan: every decision, to read or for programs; what decided one; a lock on what `rest: true` means."""
from __future__ import annotations

import sys

from ..diagnostics import UsageError
from .common import add_system, make_sink, parser, report


def main(arguments: list[str]) -> int:
    made = parser("plan", "Show what was decided for a system: CPUs, addresses, interrupts, the place of everything in "
                  "memory.")
    add_system(made)
    which = made.add_mutually_exclusive_group()
    which.add_argument("--json", action="store_true", help="the whole plan, for programs")
    which.add_argument("--why", metavar="PATH", help="what decided one thing, such as vms.control.memory.ram")
    which.add_argument("--lock", action="store_true", help="write down which devices `rest: true` stands for, into "
                       "FILE.lock")
    which.add_argument("--locked", action="store_true", help="fail when `rest: true` stands for other devices than "
                       "FILE.lock says")
    given = made.parse_args(arguments)

    from ..pipeline import analyse

    result = analyse(given.file, sink=make_sink(given), guests=given.guests)
    system, board, plan, sink = result.system, result.board, result.plan, result.sink
    if plan is None or system is None or board is None:
        return report(sink, given)
    if given.lock or given.locked:
        from .. import lock
        if given.lock:
            lock.write(system, board)
            return report(sink, given)
        sink.add(*lock.check(system, board))
        code = report(sink, given)
        if code:
            return code
    else:
        report(sink, given)
    if given.why:
        from ..report.why import why
        text = why(given.why, system, board, result.images, plan)
        if isinstance(text, list):
            from ..schema_words import nearest
            near = nearest(given.why, text)
            raise UsageError(f"--why {given.why}: the plan has no such thing; "
                             + (f"did you mean {near[0]}?" if near else f"there are: {', '.join(text)}"))
        sys.stdout.write(text)
    else:
        from ..plan.show import render, to_json
        sys.stdout.write(to_json(plan) if given.json else render(plan))
    return 0
