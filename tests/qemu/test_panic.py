# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's own faults. gdb makes them in an image as it is shipped: a stack pointer at the lowest address of its
stack, a jump into nothing, a console that somebody holds for ever."""
from __future__ import annotations

import re
import subprocess
import time

import pytest

from harness import ROOT, Built, build
from test_gdb import free_port

# Where the hypervisor comes from a guest with an access to a virtual device.
TRAPS = {"riscv64": "trap_access", "riscv32": "trap_access", "aarch64": "trap_exception"}
OVERFLOW = "set $sp = config.cpus[$_thread - 1].stack - 4096 + 16"


class Faulty:
    """A system whose hypervisor, the first time that a guest comes to it, has this done to it by gdb."""

    def __init__(self, boot, system: str, *commands: str) -> None:
        self.system = system
        self.built: Built = build(system)
        self.port = free_port()
        self.console = boot(self.built, extra=["-S", "-gdb", f"tcp:localhost:{self.port}"])
        self.gdb(f"hbreak *{TRAPS[self.built.plan['arch']]}", "continue", "delete", *commands)

    def gdb(self, *commands: str) -> str:
        """Connects, carries out and goes away; the machine goes on."""
        words = [f"file {self.built.elf}", f"target remote localhost:{self.port}", *commands, "detach"]
        done = subprocess.run(["gdb-multiarch", "-q", "-nx", "-batch", *sum((["-ex", w] for w in words), [])], cwd=ROOT,
                              capture_output=True, text=True, timeout=90)
        return done.stdout

    def expect_panic(self) -> tuple[str, dict[str, int]]:
        """The CPU, and the registers shown."""
        found = self.console.expect(re.compile(
            r"\n\[bulkhead\] hypervisor panic on (\S+), running for vm '\w+' vcpu \d: exception\n"
            r"\[bulkhead\]     ([^\n]+)\n"))
        words = found[2].split()
        return found[1], {name: int(value, 16) for name, value in zip(words[::2], words[1::2])}

    def explained(self, tmp_path) -> str:
        (tmp_path / "console.log").write_text(self.console.output)
        return subprocess.run([ROOT / "bin/configtool", "explain-fault", tmp_path / "console.log", "--system", self.system],
                              cwd=ROOT, capture_output=True, text=True).stdout


@pytest.mark.parametrize("system", ["tests/guests/talkers/system.yaml", "tests/guests/talkers/talkers-gicv3.yaml",
                                    "examples/two-vms/two-vms-rv32.yaml"])
def test_stack_overflow(boot, tmp_path, system: str):
    """It meets the unmapped page below the stack, is named, and the board is powered off."""
    faulty = Faulty(boot, system, OVERFLOW)
    name, state = faulty.expect_panic()
    stack = next(cpu["stack"] for cpu in faulty.built.plan["cpus"] if cpu["name"] == name)
    address = state.get("stval", state.get("far"))
    assert stack["base"] - 4096 <= address < stack["base"]
    faulty.console.expect("[bulkhead] the board is powered off\n")
    faulty.console.expect_end()
    shown = faulty.explained(tmp_path)
    assert f"panic: the hypervisor stopped on {name}, running for VM " in shown
    assert re.search(r"= note: at 0x\w+: \w+\+0x\w+, hypervisor/arch/", shown)
    assert f"the stack of {name} ({stack['base']:#x} to {stack['base'] + stack['size']:#x}) ran over into the unmapped" \
        in shown


def test_all_cpus_halt(boot):
    """`on_panic: halt`: no CPU that the system uses runs a guest any more, and the board stays on."""
    faulty = Faulty(boot, "tests/guests/talkers/talkers-halt.yaml", "set $pc = 0x10")
    _, state = faulty.expect_panic()
    assert state["sepc"] == 0x10
    faulty.console.expect("[bulkhead] all CPUs halt\n")
    used = len(faulty.built.plan["cpus"])
    deadline = time.monotonic() + 30
    while faulty.gdb("thread apply all -q info symbol $pc").count("\narch_halt +") != used:
        assert time.monotonic() < deadline
    assert faulty.console.output.endswith("[bulkhead] all CPUs halt\n")


def test_the_board_is_reset(boot):
    """`on_panic: reset`: everything starts anew."""
    faulty = Faulty(boot, "tests/guests/talkers/talkers-reset.yaml", OVERFLOW)
    faulty.expect_panic()
    faulty.console.expect("[bulkhead] the board is reset\n")
    faulty.console.expect(re.compile(r"\[bulkhead\] talkers-reset on qemu-aarch64-virt-gicv3, build "))


@pytest.mark.parametrize("system", ["tests/guests/talkers/system.yaml", "tests/guests/talkers/talkers-gicv3.yaml"])
def test_a_console_that_is_held(boot, system: str):
    """A panic is printed although another CPU, or this one, has the console's lock and keeps it."""
    faulty = Faulty(boot, system, "set variable console.lock.next = console.lock.next + 1", OVERFLOW)
    faulty.expect_panic()
    faulty.console.expect("[bulkhead] the board is powered off\n")
    faulty.console.expect_end()


def test_a_trap_while_booting(boot, tmp_path):
    """A board whose device tree is wrong about the interrupt controller: the access faults before there is a guest."""
    board = tmp_path / "wrong"
    board.mkdir()
    good = ROOT / "boards" / "qemu-riscv64-virt"
    (board / "board.yaml").write_text((good / "board.yaml").read_text())
    tree = (good / "board.dts").read_text().replace("plic@c000000", "plic@e000000").replace(
        "<0x0 0xc000000 0x0 0x600000>", "<0x0 0xe000000 0x0 0x600000>")
    (board / "board.dts").write_text(tree)
    (tmp_path / "guest.bin").write_bytes(bytes(64))
    (tmp_path / "system.yaml").write_text(
        "bulkhead: 1\nname: wrong\nboard: ./wrong\nvms:\n  only:\n    vcpus: 1\n    memory: {ram: 1MiB}\n"
        "    image: {file: guest.bin, at: 0x80000000}\n")
    console = boot(str(tmp_path / "system.yaml"))
    console.expect("[bulkhead] hypervisor panic on the boot CPU: exception\n")
    state = console.expect(re.compile(r"\[bulkhead\]     scause (\w+) stval (\w+) sepc \w+ [^\n]+\n"))
    assert int(state[1], 16) in (5, 7) and 0xe000000 <= int(state[2], 16) < 0xe600000
    console.expect("[bulkhead] the board is powered off\n")
    console.expect_end()
