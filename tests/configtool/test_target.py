# SPDX-License-Identifier: Apache-2.0
"""bin/target says what a system is built for before configtool can run; the two agree."""
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from configtool.board.load import BOARDS, board_names, load_board
from configtool.diagnostics import Sink
from configtool.pipeline import analyse
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


def test_files_that_a_description_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    describe(tmp_path, "board: xlnx-zcu102")
    (tmp_path / "below" / "one.yaml").write_text("board: xlnx-zcu102\nextends: ../system.yaml\n")
    (tmp_path / "below" / "two.yaml").write_text("extends: one.yaml   # not all of it\n")
    made = subprocess.run([ROOT / "bin/target", "--files", tmp_path / "below/two.yaml"], capture_output=True, text=True)
    assert made.stdout == "".join(f"{tmp_path}/{name}\n" for name in (
        "below/two.yaml", "below/one.yaml", "below/../system.yaml"))


def test_guests_of_a_description_in_another_folder(tmp_path: Path) -> None:
    """Each is made from the source beside the description that names it, though both have one name."""
    for folder, text, number in (("base/common", "board: qemu-riscv64-virt\nvms:\n  theirs:\n", 1),
                                 ("products/one", "extends: ../../base/common/system.yaml\nvms:\n  ours:\n", 2)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "system.yaml").write_text(
            f"bulkhead: 1\nname: x\n{text}    vcpus: 1\n    memory: {{ram: 16MiB}}\n    image: {{file: same.elf}}\n")
        (tmp_path / folder / "same.h").write_text(f"#define NUMBER {number}\n")
        (tmp_path / folder / "same.c").write_text(
            '#include "same.h"\n\nstatic volatile int number = NUMBER;\n\n'
            'void guest_main(void);\nvoid guest_main(void)\n{\n    while (number != 0)\n        ;\n}\n')
    made = subprocess.run(["make", "-C", ROOT, f"SYSTEM={tmp_path}/products/one/system.yaml", f"B={tmp_path}/built", "check"],
                          capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    result = analyse(f"{tmp_path}/products/one/system.yaml", guests=f"{tmp_path}/built/guests")
    images = {vm.name: vm.images[0].path for vm in result.system.vms} if result.system else {}
    assert images == {"theirs": f"{tmp_path}/built/guests/base/up/up/base/common/same.elf",
                      "ours": f"{tmp_path}/built/guests/same.elf"}
    assert Path(images["theirs"]).read_bytes() != Path(images["ours"]).read_bytes()


def test_what_it_cannot_find_is_riscv64(tmp_path: Path) -> None:
    (tmp_path / "round.yaml").write_text("extends: round.yaml\n")
    for file in (describe(tmp_path, "board: no-such-board"), tmp_path / "missing.yaml", tmp_path / "round.yaml"):
        assert target(file) == "riscv64\n"
