# SPDX-License-Identifier: Apache-2.0
"""A VM that its YAML starts again: from its image, as often as it says."""
from __future__ import annotations

import pytest


@pytest.mark.parametrize("system", ["system", "again-gicv3", "again-gicv2", "again-colors", "again-gicv3-colors"])
def test_memory_is_put_back_at_each_restart(boot, system: str):
    console = boot(f"tests/guests/again/{system}.yaml")
    assert console.expect_end() == 0
    assert console.lines("again") == ["0 words wrong, beyond the image new"] * 3
    own = [line for line in console.lines("bulkhead") if " on qemu-" not in line]
    assert own == ["vm 'again' powered off, restarts"] * 2 + ["vm 'again' powered off", "all VMs have ended"]


@pytest.mark.parametrize("system", ["system", "thousand-gicv3"])
def test_a_thousand_restarts_end_in_the_same_state(boot, system: str):
    """Sums of memory, registers and virtual interrupt controller, which each life compares and then spoils."""
    console = boot(f"tests/guests/thousand/{system}.yaml")
    assert console.expect_end(120) == 0
    first, last, count = console.lines("life")
    assert first.removeprefix("first: ") == last.removeprefix("last: ") and first != last
    assert count == "1001 lives, 0 not as the first, 0 with nothing to put back"
    # A boot, two starts; a power-off, a restart, a start each time; a power-off and an end.
    assert console.lines("watcher") == ["3005 events"]
    assert console.lines("bulkhead").count("vm 'life' powered off, restarts") == 1000
