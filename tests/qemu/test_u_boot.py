# SPDX-License-Identifier: Apache-2.0
"""examples/u-boot: Debian's U-Boot, unmodified, sees its VM and nothing of the host."""
from __future__ import annotations

import os
import re

import pytest

SYSTEM = "examples/u-boot/system.yaml"
PROMPT = "[u-boot] => "
MIB = 1 << 20

pytestmark = pytest.mark.skipif(not os.path.exists("/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"),
                                reason="package u-boot-qemu is not installed")


def prompt(boot):
    """U-Boot at its prompt: its VM has the input at the start."""
    console = boot(SYSTEM)
    console.expect("Hit any key to stop autoboot")
    console.send("\r")
    console.expect(PROMPT)
    return console


def command(console, text: str) -> str:
    """What U-Boot prints for a command, without the labels."""
    console.send(text + "\r")
    answer = console.expect(re.compile(re.escape(text) + r"\n(.*?)" + re.escape(PROMPT), re.DOTALL)).group(1)
    return answer.replace("[u-boot] ", "")


def test_reaches_its_prompt_and_sees_its_own_memory(boot):
    console = prompt(boot)
    info = command(console, "bdinfo")
    assert re.search(r"-> start +(= )?0x0*80000000\n", info)
    assert re.search(rf"-> size +(= )?0x0*{128 * MIB:x}\n", info)


def test_its_tree_is_the_vm_s(boot):
    console = prompt(boot)
    command(console, "fdt addr $fdtcontroladdr")
    tree = command(console, "fdt print")
    assert "memory@80000000 {" in tree
    assert f"reg = <0x00000000 0x80000000 0x00000000 {128 * MIB:#010x}>;" in tree
    assert len(re.findall(r"\tcpu@\d+ \{", tree)) == 1
    # Nothing of the host: its other devices, its firmware's, its harts, QEMU's own nodes.
    for name in ("virtio", "pci", "clint", "rtc", "flash", "fw-cfg", "test@", "platform-bus", "mmode_resv", "qemu"):
        assert name not in tree, name


def test_input_goes_to_another_vm_and_back(boot):
    console = prompt(boot)
    console.send("\x051")
    console.expect("[bulkhead] input goes to control\n")
    console.send("s")
    console.expect(re.compile(r"\[control\] \d+ ticks, the latest by \d+ us\n"))
    console.send("\x050")
    console.expect("[bulkhead] input goes to u-boot\n")
    console.expect(PROMPT)
    assert "version" in command(console, "help version")


def test_power_off_ends_that_vm_alone(boot):
    console = prompt(boot)
    console.send("poweroff\r")
    console.expect("[bulkhead] vm 'u-boot' powered off\n")
    console.send("q")           # the input has gone to the VM that is left
    console.expect(re.compile(r"\[control\] \d+ ticks, the latest by \d+ us\n"))
    console.expect("[bulkhead] all VMs have ended\n")
    assert console.expect_end() == 0
