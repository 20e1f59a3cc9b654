# SPDX-License-Identifier: Apache-2.0
"""One UART for all: lines are whole and labelled, input goes where the user wants it."""
from __future__ import annotations

import pytest

from rogue import Rogue

ESCAPE = "\x05"     # Ctrl-E

TEXT = "The quick brown fox jumps over the lazy dog, and the lazy dog thinks nothing of it at all."


@pytest.mark.parametrize("system", ["system", "talkers-gicv3", "talkers-gicv2"])
def test_two_vms_that_talk_at_once_are_never_mixed(boot, system: str):
    console = boot(f"tests/guests/talkers/{system}.yaml")
    assert console.expect_end(timeout=60) == 0
    begun = console.output.index("[bulkhead] talkers")
    for vm, cpus in (("alice", 1), ("bob", 2)):
        for cpu in range(cpus):
            wanted = [f"cpu {cpu} line {n}: {TEXT}" for n in range(100)]
            assert [line for line in console.lines(vm) if line in set(wanted)] == wanted
    whole = {f"cpu {cpu} line {n}: {TEXT}" for cpu in (0, 1) for n in range(100)}
    for line in console.output[begun:].split("\n"):
        label, _, text = line.partition("] ")
        if line and label != "[bulkhead":
            # A line of the VM with the input may show unfinished, and again when it is finished.
            assert label in ("[alice", "[bob") and (text in whole or any(w.startswith(text) for w in whole)), line


@pytest.mark.parametrize("system", ["system", "own-uart-gicv3"])
def test_real_uart_for_a_vm(boot, system: str):
    """`hypervisor.console: none`: the hypervisor keeps silent and one VM has the UART for itself."""
    console = boot(f"tests/guests/own-uart/{system}.yaml")
    console.expect("Hello from CPU 0 of 1\n")
    assert console.expect_end() == 0
    assert "[bulkhead]" not in console.output and "[hello]" not in console.output


@pytest.mark.parametrize("system", ["system", "rogue-gicv3"])
def test_keys(boot, system: str):
    """Ctrl-E and: n, a digit, anything else; Ctrl-E twice is one for the guest."""
    rogue = Rogue(boot, f"tests/guests/rogue/{system}.yaml")
    console = rogue.console
    console.send(ESCAPE + "n")
    console.expect("[bulkhead] input goes to neighbour\n")
    console.send(ESCAPE + "n")
    console.expect("[bulkhead] input goes to rogue\n")
    console.send(ESCAPE + "1")
    console.expect("[bulkhead] input goes to neighbour\n")
    console.send(ESCAPE + "h")
    console.expect("[bulkhead]   0 rogue\n")
    console.expect("[bulkhead]   1 neighbour <- input\n")
    console.send(ESCAPE + "0" + ESCAPE + ESCAPE + "\r")
    console.expect("[rogue] what is '\x05'?\n")
    rogue.expect_unharmed()
