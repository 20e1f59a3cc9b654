# SPDX-License-Identifier: Apache-2.0
"""configtool board: what is known of a board, and a new one from a device tree."""
from __future__ import annotations

import sys

_HELP = """usage: configtool board show BOARD | import FILE

  show     show a board: CPUs, memory, devices; without BOARD, list the boards that there are
  import   make a board of a .dts or .dtb file

configtool board show --help shows the arguments.
"""


def main(arguments: list[str]) -> int:
    from ..diagnostics import UsageError

    first = arguments[0] if arguments else None
    if first in ("-h", "--help", None):
        print(_HELP, end="", file=sys.stdout if first else sys.stderr)
        return 0 if first else 2
    if first == "show":
        from ..board.show import main as show
        return show(arguments[1:])
    if first == "import":
        from ..board.import_ import main as import_
        return import_(arguments[1:])
    raise UsageError(f"there is no command 'board {first}'; there are: board show, board import")
