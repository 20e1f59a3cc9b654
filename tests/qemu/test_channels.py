# SPDX-License-Identifier: Apache-2.0
"""Channels that go both ways or to several readers, doorbells by hypercall, an interrupt number chosen in the YAML."""
from __future__ import annotations

import pytest


@pytest.mark.parametrize("system", ["system", "between-gicv3", "between-gicv2"])
def test_both_ways_and_to_two_readers(boot, system: str):
    console = boot(f"tests/guests/between/{system}.yaml")
    assert console.expect_end() == 0
    assert console.lines("ping") == ["1000 of 1000 answers right"]
    assert console.lines("pong") == ["1000 answers, news 0x600d"]
    assert console.lines("listener") == ["interrupt 50, news 0x600d"]
