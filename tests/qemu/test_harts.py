# SPDX-License-Identifier: Apache-2.0
"""vCPUs of one VM start, stop, suspend and interrupt each other (SBI HSM, IPI, RFENCE; PSCI)."""
from __future__ import annotations

import pytest


@pytest.mark.parametrize("system", ["system", "harts-aia", "harts-gicv2", "harts-gicv3"])
def test_harts_of_one_vm(boot, system):
    console = boot(f"tests/guests/harts/{system}.yaml")
    assert console.expect_end() == 0
    assert console.lines("harts") == [
        "hart 1 is stopped at first: yes",
        "hart 0 is started: yes",
        "hart 1 starts and stops 20 times: yes",
        "hart 2 resumes elsewhere: yes",
        "harts 1 and 2 start: yes",
        "a started hart is not started again: yes",
        "both suspend: yes",
        "20 interrupts wake both: yes",
        "fences on all harts: yes",
    ]
