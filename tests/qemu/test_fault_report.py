# SPDX-License-Identifier: Apache-2.0
"""The whole report of a fault: tests/guests/deep calls a few functions, the last of which stores where nothing is."""
from __future__ import annotations

import re
import subprocess

import pytest

from harness import ROOT, Built, build

FUNCTIONS = ["store_nowhere", "open_valve", "open_valve", "control_loop"]    # from the one that faults outwards


def symbols(built: Built, guest: str) -> list[tuple[int, str]]:
    """Address and name of each function of a guest, sorted."""
    cross = "aarch64-linux-gnu-" if built.plan["arch"] == "aarch64" else "riscv64-unknown-elf-"
    listed = subprocess.run([f"{cross}nm", "-n", built.directory / "guests" / guest], check=True, capture_output=True,
                            text=True).stdout
    return [(int(row.split()[0], 16), row.split()[2]) for row in listed.splitlines() if row.split()[1] in "tT"]


def function_of(listed: list[tuple[int, str]], address: int) -> str:
    return max((s for s in listed if s[0] <= address), default=(0, "nothing"))[1]


@pytest.mark.parametrize("system, guest, offset", [
    ("system", "deep.elf", 0), ("deep-rv32", "deep.elf", 0), ("deep-higher", "higher.elf", 0x4000_0000),
    ("deep-gicv3", "deep.elf", 0)])
def test_report(boot, system: str, guest: str, offset: int):
    """With address translation of the guest's own on (higher), pc, registers and callers are its virtual addresses."""
    built = build(f"tests/guests/deep/{system}.yaml")
    console = boot(built)
    assert console.expect_end() == 0
    own = console.lines("bulkhead")
    assert own[-2:] == ["vm 'pump' stopped", "all VMs have ended"]
    report = own[1:-2]
    assert 9 <= len(report) <= 12 and all(len(row) < 200 for row in report)

    ipa = 0xf000_0000 - offset
    pc = re.fullmatch(rf"vm 'pump' vcpu 0: store of 4 bytes at {ipa:#x}: nothing is mapped there \(pc 0x(\w+)\)", report[0])
    assert pc and report[1].startswith("  nearest: 'memory.ram' ")
    state = dict(zip(*[iter(report[2].split())] * 2))
    assert int(state.get("stval") or state["far"], 16) == 0xf000_0000
    registers = [int(word, 16) for row in report[3:7] for word in row.split()[1:]]
    assert len(registers) == 32 and [row.split()[0] for row in report[3:7]] == ["x0:", "x8:", "x16:", "x24:"]
    assert 0xf000_0000 in registers             # the address that it stored to
    callers = [int(word, 16) for word in re.fullmatch(r"    called from:((?: \w+)+)", report[7]).group(1).split()]
    assert report[8].endswith("0 device, 0 timer, 0 event, 1 other")

    listed = symbols(built, guest)
    path = [function_of(listed, address - offset) for address in [int(pc.group(1), 16), *callers]]
    assert path[:len(FUNCTIONS)] == FUNCTIONS


def test_explained(boot, tmp_path):
    """explain-fault leads from the console to the line that stores, and to those that called."""
    console = boot("tests/guests/deep/system.yaml")
    console.expect_end()
    (tmp_path / "console.log").write_text(console.output)
    done = subprocess.run([ROOT / "bin/configtool", "explain-fault", tmp_path / "console.log", "--system",
                           "tests/guests/deep/system.yaml"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and not done.stderr
    shown = done.stdout
    assert shown.startswith("fault: VM 'pump' vCPU 0 stores 4 bytes at 0xf0000000, where it has nothing\n"
                            "  --> tests/guests/deep/deep.c:18:5\n   |\n18 |     *(volatile uint32_t *)NOWHERE = 1;\n")
    places = [":::" in row and row.split()[1] for row in shown.splitlines() if ":::" in row]
    assert places == ["tests/guests/deep/deep.c:26:9", "tests/guests/deep/deep.c:24:9", "tests/guests/deep/deep.c:32:5",
                      "tests/guests/deep/system.yaml:11:19"]
    assert [re.search(r": (\w+)\+", row).group(1) for row in shown.splitlines() if re.search(r"(at|from) 0x", row)
            and "+0x" in row] == [*FUNCTIONS, "guest_main", "enter"]
