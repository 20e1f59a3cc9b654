# SPDX-License-Identifier: Apache-2.0
"""configtool verify: shows from a finished image that no VM reaches what is not its own."""
from __future__ import annotations

import os
import sys

from ..diagnostics import Sink, UsageError
from .common import parser

_LARGEST = 4 << 30


def main(arguments: list[str]) -> int:
    made = parser("verify", "Show from the finished image, decoded afresh, that no VM reaches what is not its own but "
                  "where the "
                  "description shares.")
    made.add_argument("image", metavar="ELF", help="the finished image, bulkhead.elf")
    made.add_argument("file", metavar="FILE", help="the system description")
    made.add_argument("--guests", metavar="DIR", help="where images are looked for that do not lie beside FILE "
                      "(default: the "
                      "guests that make builds for it)")
    made.add_argument("--format", choices=("text", "json", "html"), default="text", help="default: text")
    made.add_argument("-o", dest="out", metavar="FILE", help="write the report there instead of to standard output")
    made.add_argument("-v", "--evidence", action="store_true", help="with text: show what each check saw")
    made.add_argument("-q", "--quiet", action="store_true", help="with text: one line when all is well")
    made.add_argument("--color", choices=("auto", "always", "never"), default="auto",
                      help="colour in messages (default: auto: on a terminal, unless NO_COLOR is set)")
    given = made.parse_args(arguments)

    from ..language import load_system
    from ..pipeline import built_guests
    from ..source import Unreadable, read_file
    from ..verify.elf import NotAnImage
    from .common import color, report as show_diagnostics

    try:
        data = read_file(given.image, _LARGEST)
    except Unreadable as reason:
        raise UsageError(f"cannot read {given.image}: {reason}") from None
    sink = Sink()
    system = load_system(given.file, sink, given.guests if given.guests is not None else built_guests(given.file))
    board = None
    if system is not None and not sink.has_errors:
        from ..board.load import load_board

        board = load_board(system.board, system.board_span, os.path.dirname(system.board_span.file), sink)
    if system is None or board is None or sink.has_errors:
        given.max_errors = None
        show_diagnostics(sink, given)
        return 1

    from ..verify import show
    from ..verify.inputs import inputs
    from ..verify.judge import verify

    try:
        report = verify(data, given.image, system, board, inputs=inputs(system, board))
    except NotAnImage as reason:
        raise UsageError(f"{given.image} cannot be verified: {reason}") from None
    if given.format == "text":
        if report.findings:
            sys.stderr.write(show.findings(report, sink.texts, color(given.color, sys.stderr)) + "\n")
        brief = given.quiet and report.isolated
        out = f"{given.image}: {show.result(report)}\n" if brief else show.text(report, given.evidence)
    elif given.format == "json":
        out = show.to_json(report)
    else:
        from ..verify.html import page

        out = page(report)
    _write(out, given.out)
    return 0 if report.isolated else 1


def _write(text: str, path: str | None) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
