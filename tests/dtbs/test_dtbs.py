# SPDX-License-Identifier: Apache-2.0
"""A sample of real boards; tests/dtbs/run.py takes all of them."""
from __future__ import annotations

import random
from pathlib import Path

import pytest

from corpus import fetch, one
from fuzz import attempt, mutated

EVERY = {"arm64": 60, "armhf": 60, "riscv64": 3}


@pytest.mark.parametrize("arch", EVERY)
def test_sample_becomes_boards_or_is_refused_with_a_reason(arch: str) -> None:
    files = fetch(arch)[::EVERY[arch]]
    assert len(files) >= 17
    results = {file.name: one(file)[:2] for file in files}
    assert {name: r for name, r in results.items() if r[0] == "failed"} == {}
    assert all(reason and "\n" not in reason for kind, reason in results.values() if kind == "refused")
    boards = sum(kind == "board" for kind, _ in results.values())
    assert boards >= {"arm64": 25, "armhf": 3, "riscv64": 1}[arch]


def test_mutated_trees_are_imported_or_refused(tmp_path: Path) -> None:
    """tests/dtbs/fuzz.py goes on for as long as one likes."""
    chance = random.Random(1)
    files = fetch("riscv64")
    for number in range(150):
        path = tmp_path / "x.dtb"
        path.write_bytes(mutated(chance.choice(files).read_bytes(), chance))
        assert attempt(str(path)) == "", f"tree {number}"
