# SPDX-License-Identifier: Apache-2.0
"""The figures as tables and as JSON."""
from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

from boards import BOARDS, Board
from figures import Figure
import bandwidth
import colours
from linux import REASONS, Exits, Ticks
from paths import Paths, rows as path_rows

Row = Sequence[str]


@dataclass
class Report:
    figures: list[Figure] = field(default_factory=list)
    exits: list[Exits] = field(default_factory=list)
    ticks: list[Ticks] = field(default_factory=list)
    paths: list[Paths] = field(default_factory=list)
    evictions: list[colours.Evictions] = field(default_factory=list)
    budgets: list[bandwidth.Costs] = field(default_factory=list)

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """For JSON."""
        return {name: [dataclasses.asdict(entry) for entry in getattr(self, name)]
                for name in ("figures", "exits", "ticks", "paths", "evictions", "budgets")}


def figures(report: Report, board: Board) -> str:
    """One board's figures as text; nothing where there are none."""
    rows = _figure_rows(report, board)
    return f"{board.title}\n{_text(rows)}\n\n" if len(rows) > 1 else ""


def linux(report: Report) -> str:
    parts = []
    if report.exits:
        parts.append(f"Exits in a second of Linux at work (one run)\n{_text(_exit_rows(report))}\n\n")
    if report.ticks:
        parts.append(f"Instructions between two ticks of the control loop\n{_text(_tick_rows(report), left=2)}\n")
    if report.paths:
        parts.append(f"\nInstructions of the longest path for each reason\n{_text(path_rows(report.paths))}\n")
    if report.evictions:
        parts.append("\nLines of a shared cache (a model), examples/noisy-neighbour\n"
                     f"{_text(colours.rows(report.evictions), left=3)}\n")
    if report.budgets:
        parts.append(f"\nInstructions for each period of a budget of memory bandwidth\n{_text(bandwidth.rows(report.budgets), left=2)}\n")
    return "".join(parts)


def write_docs(report: Report, path: Path) -> None:
    """Replaces what stands between the marks of each table."""
    text = path.read_text()
    tables = {board.key: _figure_rows(report, board) for board in BOARDS}
    tables |= {"linux": _exit_rows(report), "ticks": _tick_rows(report),
               "paths": path_rows(report.paths), "colours": colours.rows(report.evictions),
               "bandwidth": bandwidth.rows(report.budgets)}
    for key, rows in tables.items():
        begin, end = f"<!-- table {key} -->\n", "<!-- end -->"
        text, count = re.subn(re.escape(begin) + ".*?" + end, lambda _: begin + _markdown(rows) + "\n" + end, text,
                              flags=re.DOTALL)
        if count != 1:
            raise RuntimeError(f"{path} has no place for the table '{key}'")
    path.write_text(text)


def _figure_rows(report: Report, board: Board) -> list[Row]:
    rows: list[Row] = [("", "Bulkhead", "firmware", "bare machine", "aim", "Bao", "")]
    for figure in report.figures:
        if figure.board == board.key:
            bao = _number(figure.bao) + (f" to {figure.bao_up_to:,}" if figure.bao_up_to else "")
            rows.append((figure.name, _number(figure.value), _number(figure.firmware), _number(figure.bare),
                         _number(figure.aim), bao, "" if figure.unit == "instructions" else figure.unit))
    # Columns that a board has nothing for are left out.
    kept = [c for c in range(7) if c < 2 or any(row[c] for row in rows[1:])]
    return [[row[c] for c in kept] for row in rows]


def _exit_rows(report: Report) -> list[Row]:
    reasons = [reason for reason in REASONS if reason != "hypercalls"]
    rows: list[Row] = [("", "all", *reasons, "control loop")]
    control = {(entry.board, entry.load): entry.total for entry in report.exits if entry.vm == "control"}
    for entry in report.exits:
        if entry.vm == "linux":
            rows.append((f"{_title(entry.board)}: {entry.load}", _number(entry.total),
                         *(_number(entry.per_second[reason]) for reason in reasons),
                         _number(control[entry.board, entry.load])))
    return rows


def _tick_rows(report: Report) -> list[Row]:
    rows: list[Row] = [("", "beside Linux", "instructions", "of the hypervisor")]
    for entry in report.ticks:
        between = _number(entry.least) + (f" to {entry.most:,}" if entry.most != entry.least else "")
        rows.append((_title(entry.board), entry.load, between, _number(entry.hypervisor)))
    return rows


def _title(key: str) -> str:
    return next(board.title for board in BOARDS if board.key == key).replace("RISC-V, ", "")


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _text(rows: Sequence[Row], left: int = 1) -> str:
    """`left`: so many columns hold words, the others numbers."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [f"{cell:<{width}}" if column < left or cell in ("bytes", "lines") else f"{cell:>{width}}"
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _markdown(rows: Sequence[Row]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)
