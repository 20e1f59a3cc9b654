# SPDX-License-Identifier: Apache-2.0
"""A person at the console looks at VMs and steers them; the event ring outlives a reset of the board."""
from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

ESCAPE = "\x05"
SYSTEMS = ["system", "steered-gicv3"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_person_steers_a_vm(boot, system: str):
    console = boot(f"tests/guests/steered/{system}.yaml")
    console.expect("[second] is there")
    console.send(ESCAPE + "0" + ESCAPE + "p")
    console.expect("vm 'first' suspended by the console")
    console.send(ESCAPE + "p")
    console.expect("vm 'first' is in no state for that: Ctrl-E l")
    console.send(ESCAPE + "l")
    console.expect("first is suspended: criticality 0, 0 restarts, 0 faults\n")
    console.expect("second runs: criticality 0, 0 restarts, 0 faults, cannot start again\n")
    console.send(ESCAPE + "c" + ESCAPE + "x")
    console.expect("vm 'first' resumed by the console")
    console.expect("vm 'first' stopped by the console")
    console.send(ESCAPE + "0" + ESCAPE + "r")
    console.expect("vm 'first' restarted by the console")
    console.expect("[first] is there")
    console.send(ESCAPE + "m")
    console.expect(re.compile(r"0x\w+-0x\w+ rwx: memory.ram, line 12"))
    console.send(ESCAPE + "e")
    for what in ("booted", "vm 'first': starts", "vm 'first': suspended", "vm 'first': resumed", "vm 'first': has ended"):
        console.expect(what)


# QEMU 10.0's RISC-V machines end themselves at system_reset (an assertion in target/riscv/pmu.c).
@pytest.mark.parametrize("system", SYSTEMS[1:])
def test_events_outlive_a_reset_of_the_board(boot, system: str, tmp_path: Path):
    where = tmp_path / "qemu"
    console = boot(f"tests/guests/steered/{system}.yaml", options={"-monitor": f"unix:{where},server,nowait"})
    console.expect("[second] is there")
    console.send(ESCAPE + "1" + ESCAPE + "x")
    console.expect("vm 'second' stopped by the console")
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(where))
        monitor.sendall(b"system_reset\n")
        console.expect("[second] is there")
    console.send(ESCAPE + "e")
    console.expect(re.compile(r"1: \d+ ms, booted"))
    console.expect("vm 'second': has ended")
    console.expect("booted")
    console.expect("vm 'second': starts")
