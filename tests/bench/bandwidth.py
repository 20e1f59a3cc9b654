# SPDX-License-Identifier: Apache-2.0
"""What budgets of memory bandwidth cost: instructions for each period of a vCPU that works without a pause."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Sequence

from boards import BOARDS as ALL, Board
from counting import EXACT, Machine
from image import on_board

_GICV3 = next(board for board in ALL if board.key == "gicv3")
_SBI = Board("sscofpmf", "RISC-V, Sscofpmf by the firmware", "tests/boards/qemu-riscv64-virt-sscofpmf/board.yaml", "")
_USED_UP, _JUST_ENOUGH = "400MiB/s", "1GiB/s"       # of the 954 that a CPU can use
SYSTEMS = [*((_GICV3, period) for period in (1, 2, 10, 100)), *((_SBI, period) for period in (10, 100))]


@dataclass(frozen=True)
class Costs:
    """Of one board and period, in instructions of which one takes a nanosecond."""
    board: str
    period: int                 # us
    throttled: int              # of the hypervisor for each period in which the budget is used up
    throttled_firmware: int
    used: float                 # percent of what was granted meanwhile
    enough: int                 # of the hypervisor for each period with a budget of a little more than a CPU can use
    enough_firmware: int


def measure(board: Board, period: int) -> Costs:
    throttled, firmware, used = _run(board, period, _USED_UP, "up")
    enough, enough_firmware, _ = _run(board, period, _JUST_ENOUGH, "enough")
    return Costs(board.title, period, throttled, firmware, used, enough, enough_firmware)


def _run(board: Board, period: int, budget: str, name: str) -> tuple[int, int, float]:
    """Instructions of hypervisor and firmware for each period, and what was used of 100 that were granted."""
    image = on_board("budget", f"budget-{name}-{period}", board,
                     f"vms: {{budget: {{bandwidth: {{budget: {budget}, period: {period}us}}}}}}\n")
    begin, end = (image.marks[f"budget.mark_run_{which}"] for which in ("begin", "end"))
    firmware = [board.firmware] if board.firmware else []
    with Machine([*image.command(), *EXACT], [image.text, *firmware, (begin, 1), (end, 1)]) as machine:
        machine.console.expect("ready\n", timeout=120)
        machine.count()
        machine.console.send("g")
        machine.end()
        steps, output = machine.steps(), machine.console.output
    found = re.search(r"granted (\d+) used (\d+) throttles (\d+) in (\d+) us", output)
    if found is None:
        raise RuntimeError(f"{board.title}: the guest said nothing:\n{output}")
    granted, used, throttles, took = map(int, found.groups())
    counts, counting = [0, 0], False
    for _, pc in steps:
        if pc in (begin, end):
            counting = pc == begin
        elif counting:
            counts[not image.text[0] <= pc < image.text[0] + image.text[1]] += 1
    periods = throttles if name == "up" else took / period
    return round(counts[0] / periods), round(counts[1] / periods), round(100 * used / granted, 1) if granted else 100.0


def rows(costs: Sequence[Costs]) -> list[Sequence[str]]:
    table: list[Sequence[str]] = [("", "period", "budget used up: hypervisor", "firmware", "used of granted",
                                   "budget just enough: hypervisor", "firmware", "of the period")]
    for c in costs:
        share = (c.enough + c.enough_firmware) / (10 * c.period)
        table.append((c.board, f"{c.period} us", f"{c.throttled:,}", f"{c.throttled_firmware:,}", f"{c.used}%",
                      f"{c.enough:,}", f"{c.enough_firmware:,}", f"{share:.2f}%"))
    return table
