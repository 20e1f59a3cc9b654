# SPDX-License-Identifier: Apache-2.0
"""A manager VM steers a worker: its faults, its watchdog, suspension, restart, stop; and what the event ring says."""
from __future__ import annotations

import re

import pytest

BOSS = ["manages worker: 2 vCPUs, criticality 2, can start again", "fault 1: access 2 of vCPU 0 at 0x3f000000",
        "resume what has ended: refused", "start: done", "start after its watchdog: done", "suspend: done",
        "suspended, it does nothing", "resume: done", "restart: done", "stop: done", "its vCPU 1 has made exits"]
EVENTS = ["boot", "start of the boss", "start of the worker", "fault of the worker", "end of the worker",
          "order of the worker", "restart of the worker", "start of the worker",
          "watchdog of the worker", "end of the worker", "order of the worker", "restart of the worker",
          "start of the worker", "order of the worker", "suspend of the worker", "order of the worker",
          "resume of the worker", "order of the worker", "restart of the worker", "start of the worker",
          "order of the worker", "end of the worker"]
OWN = ["vm 'worker' stopped", "vm 'worker' started by vm 'boss'", "vm 'worker' was silent for too long",
       "vm 'worker' started by vm 'boss'", "vm 'worker' suspended by vm 'boss'", "vm 'worker' resumed by vm 'boss'",
       "vm 'worker' restarted by vm 'boss'", "vm 'worker' stopped by vm 'boss'", "vm 'boss' powered off",
       "all VMs have ended"]


@pytest.mark.parametrize("system", ["system", "manager-aia", "manager-aplic", "manager-rv32", "manager-gicv2",
                                    "manager-gicv3", "manager-gicv3-direct", "manager-gicv3-budget"])
def test_a_manager_steers_a_worker(boot, system: str):
    console = boot(f"examples/manager/{system}.yaml")
    assert console.expect_end(60) == 0
    events = [f"event {number}: {text}" for number, text in enumerate(EVENTS, 1)]
    said = console.lines("boss")
    if system == "manager-gicv3-budget":    # a vCPU that is held is stopped without leaving its guest
        said = [line.replace("no exits", "exits") for line in said]
    assert said == BOSS + events
    assert console.lines("worker") == ["starts, as new"] * 4
    own = [line for line in console.lines("bulkhead") if re.match(r"vm '\w+' (?!vcpu)|all VMs", line)]
    assert own == OWN
    assert re.search(r"vm 'worker' vcpu 0: no sign of life for \d+ ms, its watchdog bites \(pc 0x[0-9a-f]+\)",
                     console.output)
