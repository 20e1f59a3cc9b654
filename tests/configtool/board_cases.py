# SPDX-License-Identifier: Apache-2.0
"""Boards for tests: QEMU's board with something added to its device tree."""
from __future__ import annotations

import re
from pathlib import Path

from configtool.board.load import BOARDS
from configtool.rules.catalogue import complete
from workbench import furnish

BASE = Path(BOARDS) / "qemu-riscv64-virt"
_ADDED = re.compile(r"^# with this in (board\.dts|board\.yaml): (.*)$", re.MULTILINE)


def changed_board(folder: Path, dts: str = "", yaml: str | None = None) -> Path:
    """A folder with QEMU's board and `dts` behind its tree; `yaml` replaces board.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "base.dtsi").write_text((BASE / "board.dts").read_text())
    (folder / "board.dts").write_text('/include/ "base.dtsi"\n' + dts + "\n")
    (folder / "board.yaml").write_text((BASE / "board.yaml").read_text() if yaml is None else yaml)
    return folder


def realise(example: str, folder: Path) -> Path:
    """The system.yaml of a rule's example, in a furnished folder. A line `# with this in board.dts: TEXT` adds TEXT to
    the device tree of the board, one with board.yaml the line TEXT to board.yaml (a line with the same key goes)."""
    furnish(folder)
    added = {"board.dts": "", "board.yaml": ""}
    for file, text in _ADDED.findall(example):
        added[file] += text + "\n"
    text = complete(example)
    if any(added.values()):
        yaml = (BASE / "board.yaml").read_text()
        for line in added["board.yaml"].splitlines():       # a key goes with the lines that are indented below it
            yaml = re.sub(rf"^{line.split(':', 1)[0]}:.*\n(?:[ \t].*\n)*", "", yaml, flags=re.MULTILINE)
        changed_board(folder / "board", added["board.dts"], yaml + added["board.yaml"])
        text = text.replace("board: qemu-riscv64-virt\n", "board: ./board\n")
    (folder / "system.yaml").write_text(text)
    return folder / "system.yaml"
