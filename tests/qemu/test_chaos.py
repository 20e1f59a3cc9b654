# SPDX-License-Identifier: Apache-2.0
"""Random operations of a hostile guest: no panic, no report but of its faults, neighbours that notice nothing."""
from __future__ import annotations

import os

import pytest

import chaos

BOARDS = list(chaos.BOARDS)


@pytest.mark.parametrize("board", BOARDS)
def test_chaos(board: str) -> None:
    operations = int(os.environ["OPS"]) // len(BOARDS)
    try:
        done = chaos.run(board, int(os.environ["SEED"]) + BOARDS.index(board), operations)
    except chaos.Failure as problem:
        pytest.fail(str(problem), pytrace=False)
    assert done.operations >= operations and done.starts > 1 and done.passes > 1
