# SPDX-License-Identifier: Apache-2.0
"""Cache colours: with them nobody evicts another's lines from a model of the shared cache, and everything runs as ever."""
from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import colours  # noqa: E402
from linux_shell import Shell  # noqa: E402
from rogue import Rogue, indexed  # noqa: E402


@pytest.mark.parametrize("system", colours.SYSTEMS, ids=[f"{board}-{variant}" for variant, board, _ in colours.SYSTEMS])
def test_who_evicts_whose_lines(system: tuple[str, str, str]) -> None:
    found = colours.measure(*system)
    lost = {owner: found.by_others(owner) for owner in found.owners[2:]}
    if found.variant in ("plain", "regulated"):
        assert lost["control"] > (20_000 if found.variant == "plain" else 100) and lost["hypervisor"] > 50, lost
    else:
        assert lost == {"hypervisor": 0, "control": 0, "hog": 0}
        assert found.misses[found.owners.index("control")] < 1_000


@pytest.fixture
def scattered(boot) -> Rogue:
    """tests/guests/rogue on Arm, with colours."""
    return Rogue(boot, "tests/guests/rogue/rogue-gicv3-colors.yaml")


def test_a_guest_s_instruction_is_read_where_the_hypervisor_is_scattered(scattered: Rogue) -> None:
    """With the MMU off for one load: that code, and the vectors, are where they are linked."""
    words = scattered.ask("where").split()
    uart = int(words[words.index("uart") + 1], 16)
    scratch = uart + 0x2c               # line control: a byte
    assert scattered.ask(f"store 4 {scratch:#x} 0x9f") == "done"
    assert scattered.ask(f"run {indexed(2, 1, 7, 4, True):#x} {scratch:#x}") == f"changed x1={scratch + 4:#x} x7=0x9f"
    scattered.expect_unharmed()


@pytest.mark.parametrize("system", ["rogue-colors", "rogue-gicv3-colors"])
def test_a_fault_is_reported_and_the_neighbour_goes_on(boot, system: str) -> None:
    rogue = Rogue(boot, f"tests/guests/rogue/{system}.yaml")
    rogue.tell(f"load 8 {rogue.ram_end:#x}")
    rogue.console.expect(f"[bulkhead] vm 'rogue' vcpu 0: load of 8 bytes at {rogue.ram_end:#x}: nothing is mapped there")
    rogue.expect_unharmed()


def test_linux_with_colors(boot) -> None:
    console = boot("examples/noisy-neighbour/noisy-neighbour-linux-coloured.yaml", limit=240)
    console.expect("walks, the longest took", timeout=60)
    shell = Shell(console)
    assert shell.ready[1] == "2"
    assert shell.run("echo $((6 * 7))") == ["42"]
