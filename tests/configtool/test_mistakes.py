# SPDX-License-Identifier: Apache-2.0
"""What configtool says of the mistakes in mistakes.py, to the letter: golden/mistakes.txt.

After a change that is meant, write it anew with `/usr/bin/python3 tests/configtool/test_mistakes.py` and read what
changed.
"""
from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

import pytest  # noqa: E402

from mistakes import GOOD, MISTAKES  # noqa: E402
from workbench import configtool, furnish  # noqa: E402

ROOT = str(Path(__file__).resolve().parents[2])
GOLDEN = Path(__file__).parent / "golden" / "mistakes.txt"
_RULE = "=" * 100


def said(folder: Path, description: str) -> str:
    (folder / "system.yaml").write_text(description)
    code, out, err = configtool("check", "system.yaml", "--guests", "built", folder=folder)
    assert out == "" and code == 1, out + err
    return err.replace(ROOT, "/bulkhead")


def expected() -> dict[str, str]:
    parts = re.split(rf"^{_RULE}\n(.*)\n{_RULE}\n", GOLDEN.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("mistakes"))


def test_the_description_that_they_are_made_of_is_good(folder: Path) -> None:
    (folder / "system.yaml").write_text(GOOD)
    assert configtool("check", "system.yaml", "--guests", "built", folder=folder) == (
        0, "system.yaml: ok: 2 VMs on 3 of 4 CPUs of qemu-riscv64-virt\n", "")


def test_all_are_there() -> None:
    assert list(expected()) == [title for title, _ in MISTAKES] and len(MISTAKES) >= 40


@pytest.mark.parametrize("title, description", MISTAKES, ids=[title.replace(" ", "-") for title, _ in MISTAKES])
def test_mistake(title: str, description: str, folder: Path) -> None:
    assert said(folder, description) == expected()[title]


def write() -> None:
    with tempfile.TemporaryDirectory() as place:
        desk = furnish(Path(place))
        GOLDEN.write_text("".join(f"{_RULE}\n{title}\n{_RULE}\n{said(desk, text)}" for title, text in MISTAKES))


if __name__ == "__main__":
    os.umask(0o022)
    write()
