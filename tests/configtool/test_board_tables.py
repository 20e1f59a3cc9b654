# SPDX-License-Identifier: Apache-2.0
"""docs/boards.md says of each board what the board's files say."""
from __future__ import annotations

import re

from board_tables import PAGE, PARTS, ROOT, boards, renewed, state


def test_tables_are_those_of_the_boards() -> None:
    """To renew them: /usr/bin/python3 tests/configtool/board_tables.py"""
    text = PAGE.read_text()
    assert set(re.findall(r"<!-- (\w+): made by", text)) == set(PARTS)
    assert text == renewed(text)


def test_a_board_runs_where_a_test_boots_it() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests/qemu").glob("test_*.py"))
    for board in boards():
        if state(board) == "runs on QEMU":
            systems = [p.stem for p in ROOT.glob("examples/*/*.yaml")
                       if re.search(rf"(?m)^board: {re.escape(board.name)}$", p.read_text())]
            assert any(name in tests or board.name in tests for name in systems), board.name
