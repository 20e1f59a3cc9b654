# SPDX-License-Identifier: Apache-2.0
"""Whether there is a hypervisor for a board at all."""
from __future__ import annotations

from ..board.model import Board
from ..diagnostics import Label
from ..system import System
from . import irqchip
from .arch import ARCHS
from .failure import Problems


def possible(system: System, board: Board, problems: Problems) -> bool:
    """Whether there is a hypervisor for the board."""
    controller = board.controller
    if board.arch not in ARCHS:
        problems.report("BH0312", f"there is no hypervisor for {board.arch} yet", system.board_span,
                        f"board {board.name}",
                        notes=(f"this version runs on {', '.join(sorted(ARCHS))}",))
    elif controller is None or controller.kind not in irqchip.KINDS:
        kind = controller.kind.upper() if controller else "none"
        problems.report("BH0312", f"there is no hypervisor for the board's interrupt controller ({kind}) yet",
                        system.board_span, f"board {board.name}",
                        related=(Label(controller.span, "this one"),) if controller else (),
                        notes=(f"this version has drivers for {', '.join(k.upper() for k in irqchip.KINDS)}",))
    elif irqchip.lack(board):
        problems.report("BH0312", f"the board's interrupt controller does not do for guests: {irqchip.lack(board)}",
                        system.board_span, f"board {board.name}",
                        related=(Label(controller.span, "this one"),))
    return not problems.fatal
