# SPDX-License-Identifier: Apache-2.0
"""bin/target says what a system is built for before configtool can run; the two agree."""
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from configtool.board.load import BOARDS, board_names, load_board
from configtool.diagnostics import Sink
from configtool.source import Span

ROOT = Path(__file__).resolve().parents[2]


def target(file: Path) -> str:
    made = subprocess.run([ROOT / "bin/target", file], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    return made.stdout


def describe(folder: Path, board: str, name: str = "system.yaml") -> Path:
    (folder / name).write_text(f"# a comment\nbulkhead: 1\nname: x\n{board}\nvms:\n  board:\n    vcpus: 1\n")
    return folder / name


@pytest.mark.parametrize("name", board_names())
def test_agrees_with_configtool(name: str, tmp_path: Path) -> None:
    board = load_board(name, Span("system.yaml"), "", Sink())
    assert board is not None
    assert target(describe(tmp_path, f"board: {name}")) == f"{board.arch}\n"
    for file in ("", "/board.yaml", "/board.dts"):
        assert target(describe(tmp_path, f"board: {BOARDS}/{name}{file}")) == f"{board.arch}\n"


@pytest.mark.parametrize("line", ["board: xlnx-zcu102", "board:   'xlnx-zcu102'   # the big one", '"board": "xlnx-zcu102"'])
def test_forms_of_the_line(line: str, tmp_path: Path) -> None:
    assert target(describe(tmp_path, line)) == "aarch64\n"


def test_board_of_the_file_that_is_extended(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    describe(tmp_path, "board: xlnx-zcu102")
    (tmp_path / "below" / "one.yaml").write_text("extends: ../system.yaml\n")
    (tmp_path / "below" / "two.yaml").write_text("extends: one.yaml\n")
    (tmp_path / "below" / "own.yaml").write_text("extends: one.yaml\nboard: qemu-riscv64-virt\n")
    assert [target(tmp_path / "below" / f"{name}.yaml") for name in ("one", "two", "own")] == [
        "aarch64\n", "aarch64\n", "riscv64\n"]


def test_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    for folder, boot in (("mine", "linux-image"), ("below/mine", "sbi")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "board.yaml").write_text(f"bulkhead-board: 1\nload: 0\nboot: {boot}\n")
    describe(tmp_path, "board: ./mine/board.dts")
    (tmp_path / "below" / "one.yaml").write_text("extends: ../system.yaml\n")
    assert target(tmp_path / "below" / "one.yaml") == "aarch64\n"


def test_what_it_cannot_find_is_riscv64(tmp_path: Path) -> None:
    (tmp_path / "round.yaml").write_text("extends: round.yaml\n")
    for file in (describe(tmp_path, "board: no-such-board"), tmp_path / "missing.yaml", tmp_path / "round.yaml"):
        assert target(file) == "riscv64\n"
