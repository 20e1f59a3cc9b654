# SPDX-License-Identifier: Apache-2.0
"""configtool scatter: a step of the build of systems with cache colors."""
from __future__ import annotations

from .common import parser


def main(arguments: list[str]) -> int:
    made = parser("scatter", "Put each page of a linked image with cache colors where the plan wants it; make calls it.")
    made.add_argument("file", metavar="ELF", help="the linked image; with --flat the finished one")
    made.add_argument("pieces", metavar="PIECES", nargs="?", help="pieces.txt of the generated files")
    made.add_argument("--flat", action="store_true", help="write the flat file to boot")
    made.add_argument("-o", "--out", metavar="FILE", required=True, help="what to write")
    given = made.parse_args(arguments)

    from ..diagnostics import UsageError
    from ..image.scatter import flat, scatter
    from ..output import write_file
    from ..source import Unreadable, read_file

    if given.flat == (given.pieces is not None):
        made.error("either PIECES or --flat")
    try:
        data = read_file(given.file, 1 << 32)
        text = read_file(given.pieces, 1 << 30).decode() if given.pieces else ""
    except Unreadable as reason:
        raise UsageError(f"cannot read {given.file}: {reason}") from None
    try:
        write_file(given.out, flat(data) if given.flat else scatter(data, text))
    except UsageError as reason:
        raise UsageError(f"{given.file}: {reason}") from None
    return 0
