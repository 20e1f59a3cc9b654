# SPDX-License-Identifier: Apache-2.0
"""What is said of memory and images that cannot be, to the letter, through the whole of `check`."""
from __future__ import annotations

from pathlib import Path

import guest_files
import pytest
from configtool.pipeline import analyse
from configtool.rules.registry import load

HEAD = "bulkhead: 1\nname: case\nboard: qemu-riscv64-virt\n"
MINE = [rule for rule in load().values() if rule.code[:4] in ("BH03", "BH04")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("case")
    guest_files.write(made)
    return made


def codes(folder: Path, text: str) -> list[str]:
    (folder / "system.yaml").write_text(HEAD + text)
    return [d.code for d in analyse(str(folder / "system.yaml")).sink.diagnostics]


@pytest.mark.parametrize("rule", MINE, ids=lambda r: r.code)
def test_examples(rule, folder: Path) -> None:      # type: ignore[no-untyped-def]
    assert codes(folder, rule.passes) == []
    if "# with a board" not in rule.fails:
        assert codes(folder, rule.fails) == [rule.code]
