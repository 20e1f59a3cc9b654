# SPDX-License-Identifier: Apache-2.0
"""With APLIC, IMSIC and Sstc the hypervisor does not run for what guests do all the time; it counts how often it did."""
from __future__ import annotations

import re
import subprocess
from typing import Iterator

import pytest

from harness import ROOT, Console, build
from linux_shell import Shell

REASONS = ("calls", "hypercalls", "mmio", "device", "timer", "event", "other")
NONE: dict[str, dict[str, int]] = {"linux 0": {}, "linux 1": {}, "linux 2": {}, "control 0": {}}
ROW = re.compile(r"\[bulkhead\] +" + r" +".join([r"(\d+)"] * len(REASONS)) + r"  (\S+) vcpu (\d+) \(\S+\)\n")


def test_bare_metal(boot):
    """Ticks, interrupts between CPUs, edges: nothing. A level of a device: its retrigger. A doorbell: whoever rings."""
    console = boot("tests/guests/steady/system.yaml")
    assert console.expect_end() == 0
    assert console.lines("steady") == [
        "50 ticks: 0 exits",
        "50 interrupts to the other CPU and back: 0 exits",
        "50 interrupts seen from there: 0 exits",
        "50 levels of a device: 50 exits",
        "50 edges of a device: 0 exits",
        "50 rings and answers: 50 exits",
    ]
    assert console.lines("echo") == ["50 rings: 50 exits"]


def counters(console: Console, cpus: int) -> dict[str, tuple[int, ...]]:
    """What the key prints: 'linux 0' -> counts by reason."""
    console.send("\x05s")
    console.expect(" of\n")
    found = {}
    for _ in range(cpus):
        row = console.expect(ROW)
        found[f"{row[8]} {row[9]}"] = tuple(int(row[i]) for i in range(1, 8))
    return found


def exits(console: Console, cpus: int = 4, seconds: float = 2.0) -> dict[str, dict[str, int]]:
    """How often the hypervisor ran for each vCPU, and why, while nothing is printed. The keys that ask cost interrupts of
    the console's CPU, which is Linux's first: two at most between the first count and the second."""
    console.expect_nothing(0.5)         # what was printed last is behind the UART's driver
    before = counters(console, cpus)
    console.expect_nothing(0.2)         # a prompt is shown again
    assert not console.expect_nothing(seconds)
    after = counters(console, cpus)
    changes = {vcpu: {reason: b - a for reason, a, b in zip(REASONS, before[vcpu], after[vcpu]) if a != b}
               for vcpu in before}
    assert changes["linux 0"].pop("device") in (1, 2)
    return changes


@pytest.fixture(scope="module")
def linux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    built = build("examples/linux-and-control/linux-and-control-aia.yaml")
    disk = tmp_path_factory.mktemp("linux") / "disk"
    disk.write_bytes(bytes(1 << 20))
    console = Console(built.command({"-drive": f"if=none,id=disk,format=raw,file={disk}"}), limit=200)
    shell = Shell(console)
    shell.run("ip link set eth0 down")  # whose packets come when they come, each with a retrigger
    for _ in range(10):                 # until what goes on in the background is over
        if exits(console, seconds=1.0) == NONE:
            break
    yield shell
    console.close()
    print(console.output)


def test_linux_idles(linux):
    assert exits(linux.console, seconds=4.0) == NONE


@pytest.mark.parametrize("cpu", [0, 2])
def test_linux_computes(linux, cpu):
    """Its timer ticks, and its CPUs interrupt each other now and then."""
    linux.console.send(f"taskset -c {cpu} sh -c 'echo go; timeout 6 yes >/dev/null'\n")
    linux.console.expect("[linux] go\n")
    assert exits(linux.console) == NONE
    linux.console.expect("guest# ")


def test_table_at_the_end():
    made = subprocess.run([str(ROOT / "bin/configtool"), "run", "--stats", "examples/hello/system.yaml"], cwd=ROOT,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0
    end = made.stdout.replace("\r", "").split("[bulkhead] all VMs have ended\n")[1].splitlines(keepends=True)
    assert end[0] == "[bulkhead]       calls hypercalls       mmio     device      timer      event      other  of\n"
    row = ROW.fullmatch(end[1])
    assert row and row[8] == "hello" and int(row[1]) >= 1
    assert len(end) == 2
