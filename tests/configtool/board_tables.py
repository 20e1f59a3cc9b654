# SPDX-License-Identifier: Apache-2.0
"""The tables of boards in docs/boards.md, from the boards themselves. Run as a program, this writes them there."""
from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from configtool.board.load import board_names, load_board     # noqa: E402
from configtool.board.model import Board     # noqa: E402
from configtool.diagnostics import Sink     # noqa: E402
from configtool.plan.own import DRIVERS     # noqa: E402
from configtool.source import Span     # noqa: E402
from configtool.units import size_text     # noqa: E402

PAGE = ROOT / "docs" / "boards.md"
_PLACE = re.compile(r"(<!-- (\w+): made by tests/configtool/board_tables\.py -->\n).*?(<!-- end -->\n)", re.DOTALL)
_NAMES = {"plic": "PLIC", "aplic": "APLIC", "aplic-imsic": "APLIC and IMSIC", "gicv2": "GICv2", "gicv3": "GICv3",
          "arm,armv8": "Armv8", "nvidia,tegra186-denver": "Denver", "pl011": "PL011", "cadence": "Cadence"}
_CORE = {"tegra186-denver": "Denver", "armv8": "Armv8-A"}


def boards() -> list[Board]:
    found = []
    for name in board_names():
        sink = Sink()
        board = load_board(name, Span("docs"), "", sink)
        assert board is not None, sink.diagnostics
        found.append(board)
    return found


def _cpus(board: Board) -> str:
    counts: dict[str, int] = {}
    for cpu in board.cpus:
        core = _CORE.get(cpu.core, re.sub(r"^cortex-a", "Cortex-A", cpu.core))
        core = board.arch.replace("riscv", "rv") if board.arch.startswith("riscv") else core
        counts[core] = counts.get(core, 0) + 1
    return ", ".join(f"{n} × {core}" for core, n in counts.items())


def _console(board: Board) -> str:
    device = board.device(board.console) if board.console else None
    if device is None:
        return "none"
    driver = next((DRIVERS[c] for c in device.compatible if c in DRIVERS), "no driver")
    return f"{_NAMES.get(driver, driver)} `{device.registers[0][0]:#x}`"


def _boot(board: Board) -> str:
    if board.boot == "sbi":
        return "OpenSBI, HS mode"
    return "Linux `Image`, EL2, " + ("PSCI" if board.psci else "spin table")


def state(board: Board) -> str:
    return "runs on QEMU" if board.run and board.run[0].startswith("qemu-") else "builds"


def overview() -> str:
    rows = ["| board | state | CPUs | interrupt controller | console | boot |", "|---|---|---|---|---|---|"]
    for board in boards():
        assert board.controller is not None
        rows.append(f"| `{board.name}` | {state(board)} | {_cpus(board)} | {_NAMES[board.controller.kind]} | "
                    f"{_console(board)} | {_boot(board)} |")
    return "\n".join(rows) + "\n"


def memory() -> str:
    rows = ["| board | RAM | load address | kept out of it |", "|---|---|---|---|"]
    for board in boards():
        banks = ", ".join(f"`{b.base:#x}` to `{b.end - 1:#x}`" for b in board.memory)
        kept = "; ".join(f"{'spin table' if r.name == 'memreserve@0' else r.name}: {size_text(r.size)} at `{r.base:#x}`"
                         for r in board.reserved)
        rows.append(f"| `{board.name}` | {banks}, {size_text(sum(b.size for b in board.memory))} | `{board.load:#x}` | "
                    f"{kept or 'nothing'} |")
    return "\n".join(rows) + "\n"


def starting() -> str:
    """What board.yaml tells whoever starts one by hand, for boards that are not QEMU's alone."""
    import textwrap

    found = []
    for board in boards():
        if not re.match(r"qemu-|xlnx-", board.name):
            text = " ".join(board.run_notes.split())
            found.append(textwrap.fill(f"- **{board.name}**: {text}", 120, subsequent_indent="  ",
                                       break_on_hyphens=False, break_long_words=False))
    return "\n".join(found) + "\n"


PARTS = {"overview": overview, "memory": memory, "starting": starting}


def renewed(text: str) -> str:
    return _PLACE.sub(lambda m: f"{m[1]}{PARTS[m[2]]()}{m[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
