# SPDX-License-Identifier: Apache-2.0
"""What an unmodified Linux does in its VM on every architecture, at the shell of tests/linux."""
from __future__ import annotations

import re
from pathlib import Path

from harness import Console
from linux_shell import PROMPT, Shell

REPORT = re.compile(r"\[control\] (\d+) ticks, the latest by \d+ us; (\d+) doorbells\n")


def network_and_disk(linux: Shell, disk: Path) -> None:
    assert linux.run("ip -o address show eth0 | awk '/inet / {print $4}'") == ["10.0.2.15/24"]
    assert "3 packets transmitted, 3 packets received, 0% packet loss" in linux.run("ping -c 3 10.0.2.2")
    assert linux.run("head -n 1 /dev/vda") == ["from the disk"]
    linux.run("echo from Linux >/dev/vda; sync")
    assert disk.read_bytes().startswith(b"from Linux\n")
    irqs = [line.split() for line in linux.run("grep virtio /proc/interrupts")]
    assert sorted(line[-1] for line in irqs) == ["virtio0", "virtio1"]
    assert all(sum(map(int, line[1:4])) > 0 for line in irqs)


def cpus_come_and_go(linux: Shell) -> None:
    for cpu in (1, 2):
        linux.run(f"echo 0 >/sys/devices/system/cpu/cpu{cpu}/online")
        assert linux.run("nproc") == ["2"]
        linux.run(f"echo 1 >/sys/devices/system/cpu/cpu{cpu}/online")
        assert linux.run("nproc") == ["3"]
    # Work on each after it has come back.
    for cpu in range(3):
        assert linux.run(f"taskset -c {cpu} cut -d' ' -f39 /proc/self/stat") == [str(cpu)]


def channel_and_doorbell(linux: Shell) -> None:
    line = re.compile(r"control: (\d+) ticks of 10000 us, the latest by \d+ us; (\d+) doorbells")
    before = line.fullmatch(linux.run("telemetry")[0])
    assert before and int(before[1]) > 0 and before[2] == "0"
    for count in (1, 2, 3):
        linux.console.send("telemetry ring\n")
        assert linux.console.expect(REPORT)[2] == str(count)
        linux.console.expect(PROMPT)
    after = line.fullmatch(linux.run("sleep 1; telemetry")[0])
    assert after and int(after[1]) > int(before[1]) and after[2] == "3"


def power_off(linux: Shell) -> None:
    console = linux.console
    console.send("poweroff\n")
    console.expect("[bulkhead] vm 'linux' powered off\n")
    console.send("s")
    first = int(console.expect(REPORT)[1])
    console.send("q")
    assert int(console.expect(REPORT)[1]) >= first
    assert console.expect_end() == 0
    assert console.lines("bulkhead")[-2:] == ["vm 'control' powered off", "all VMs have ended"]


def reboot(console: Console) -> None:
    first = Shell(console)
    assert first.run("echo changed >/etc/mark; cat /etc/mark") == ["changed"]
    console.send("reboot\n")
    console.expect("[bulkhead] vm 'linux' reset itself, restarts\n")
    again = Shell(console)
    assert again.ready[1] == "2" and again.ready.groups() == first.ready.groups()
    assert again.run("ls /etc/mark") == ["ls: /etc/mark: No such file or directory"]
    # User space may touch what is not the VM's as little as its kernel.
    console.send("devmem 0x10001000\n")
    console.expect(re.compile(r"vm 'linux' vcpu \d: load of 4 bytes at 0x10001000: nothing is mapped there \(pc 0x\w+\)\n"))
    assert console.expect_end() == 0
    assert console.lines("bulkhead")[-2:] == ["vm 'linux' stopped", "all VMs have ended"]
