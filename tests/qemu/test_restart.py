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
