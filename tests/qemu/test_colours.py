# SPDX-License-Identifier: Apache-2.0
"""Cache colours: with them nobody evicts another's lines from a model of the shared cache, and everything runs as ever."""
from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import colours  # noqa: E402
from linux_shell import Shell  # noqa: E402


@pytest.mark.parametrize("system", colours.SYSTEMS, ids=[f"{board}-{variant}" for variant, board, _ in colours.SYSTEMS])
def test_who_evicts_whose_lines(system: tuple[str, str, str]) -> None:
    found = colours.measure(*system)
    lost = {owner: found.by_others(owner) for owner in found.owners[2:]}
    if found.variant in ("plain", "regulated"):
        assert lost["control"] > (20_000 if found.variant == "plain" else 100) and lost["hypervisor"] > 50, lost
    else:
        assert lost == {"hypervisor": 0, "control": 0, "hog": 0}
        assert found.misses[found.owners.index("control")] < 1_000


def test_linux_with_colors(boot) -> None:
    console = boot("examples/noisy-neighbour/noisy-neighbour-linux-coloured.yaml", limit=240)
    console.expect("walks, the longest took", timeout=60)
    shell = Shell(console)
    assert shell.ready[1] == "2"
    assert shell.run("echo $((6 * 7))") == ["42"]
