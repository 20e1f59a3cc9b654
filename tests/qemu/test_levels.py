# SPDX-License-Identifier: Apache-2.0
"""A level that is still high when a guest has ended its interrupt comes again, without an exit that would find it."""
from __future__ import annotations

import pytest


@pytest.mark.parametrize("system", ["system", "high-gicv2"])
def test_a_line_that_stays_high_interrupts_again(boot, system: str):
    console = boot(f"tests/guests/high/{system}.yaml")
    assert console.expect_end() == 0
    assert console.lines("high") == ["4 times"]
