# SPDX-License-Identifier: Apache-2.0
"""examples/u-boot: Debian's U-Boot, unmodified, sees its VM and nothing of the host."""
from __future__ import annotations

import os
import re

import pytest

PROMPT = "[u-boot] => "
MIB = 1 << 20

# By system: U-Boot's folder in the package, where its VM's memory begins, what stops its autoboot, nodes of its tree.
SYSTEMS = {"system": ("qemu-riscv64_smode", 0x80000000, ()),
           "u-boot-gicv2": ("qemu_arm64", 0x40000000, ('compatible = "arm,gic-400"', "flash@0 {")),
           "u-boot-gicv3": ("qemu_arm64", 0x40000000, ('compatible = "arm,gic-v3"', "flash@0 {"))}
ARM = [name for name, made in SYSTEMS.items() if made[0] == "qemu_arm64"]

pytestmark = pytest.mark.skipif(not os.path.exists("/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"),
                                reason="package u-boot-qemu is not installed")


@pytest.fixture(params=SYSTEMS)
def name(request):
    return request.param


def prompt(boot, name="system"):
    """U-Boot at its prompt: its VM has the input at the start."""
    console = boot(f"examples/u-boot/{name}.yaml")
    console.expect("Hit any key to stop autoboot")
    console.send("\r")
    console.expect(PROMPT)
    return console


def command(console, text: str) -> str:
    """What U-Boot prints for a command, without the labels."""
    console.send(text + "\r")
    answer = console.expect(re.compile(re.escape(text) + r"\n(.*?)" + re.escape(PROMPT), re.DOTALL)).group(1)
    return answer.replace("[u-boot] ", "")


def test_reaches_its_prompt_and_sees_its_own_memory(boot, name):
    console = prompt(boot, name)
    info = command(console, "bdinfo")
    assert re.search(rf"-> start +(= )?0x0*{SYSTEMS[name][1]:x}\n", info)
    assert re.search(rf"-> size +(= )?0x0*{128 * MIB:x}\n", info)


def test_its_tree_is_the_vm_s(boot, name):
    start, nodes = SYSTEMS[name][1:]
    console = prompt(boot, name)
    command(console, "fdt addr $fdtcontroladdr")
    tree = command(console, "fdt print")
    assert f"memory@{start:x} {{" in tree
    assert f"reg = <0x00000000 {start:#010x} 0x00000000 {128 * MIB:#010x}>;" in tree
    assert len(re.findall(r"\tcpu@\d+ \{", tree)) == 1
    assert all(node in tree for node in nodes)
    # Nothing of the host: its other devices, its firmware's, its CPUs, QEMU's own nodes.
    for other in ("virtio", "pci", "clint", "rtc@", "pl031", "fw-cfg", "test@", "platform-bus", "mmode_resv", "qemu"):
        assert other not in tree, other
    assert ("flash" in tree) == ("flash@0 {" in nodes)


@pytest.mark.parametrize("arm", ARM)
def test_timer_and_interrupt_controller_on_arm(boot, arm):
    """The CPU's timer runs for it, and the distributor is the emulated one."""
    console = prompt(boot, arm)
    assert command(console, "sleep 1") == ""
    # GICD_IIDR: implementer Arm; GICD_TYPER: one CPU, and no more SPIs than it needs.
    assert command(console, "md.l 0x8000008 1").startswith("08000008: 0000043b")
    assert int(command(console, "md.l 0x8000004 1").split()[1], 16) & 0xff == 1
    # Its own flash, in which it looks for its environment.
    assert "Bank # 1: CFI conformant flash" in command(console, "flinfo")


@pytest.mark.parametrize("arm", ARM)
def test_reset_ends_that_vm_alone_on_arm(boot, arm):
    console = prompt(boot, arm)
    console.send("reset\r")
    console.expect("[bulkhead] vm 'u-boot' reset itself\n")
    console.send("q")
    console.expect("[bulkhead] all VMs have ended\n")
    assert console.expect_end() == 0


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


def test_power_off_ends_that_vm_alone(boot, name):
    console = prompt(boot, name)
    console.send("poweroff\r")
    console.expect("[bulkhead] vm 'u-boot' powered off\n")
    console.send("q")           # the input has gone to the VM that is left
    console.expect(re.compile(r"\[control\] \d+ ticks, the latest by \d+ us\n"))
    console.expect("[bulkhead] all VMs have ended\n")
    assert console.expect_end() == 0
