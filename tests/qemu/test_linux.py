# SPDX-License-Identifier: Apache-2.0
"""examples/linux-and-control: Debian's kernel, unmodified, beside a control loop; and a Linux that starts itself again."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

import pytest

from harness import Console, build
from linux_shell import PROMPT, Shell

# By interrupt controller: the description, and its nodes in Linux's tree.
SYSTEMS = {"plic": ("system", ["interrupt-controller@c000000"]),
           "aplic": ("linux-and-control-aplic", ["interrupt-controller@d000000"]),
           "aia": ("linux-and-control-aia", ["interrupt-controller@28000000", "interrupt-controller@d000000"])}
REPORT = re.compile(r"\[control\] (\d+) ticks, the latest by \d+ us; (\d+) doorbells\n")


@pytest.fixture(scope="module", params=SYSTEMS)
def chip(request: pytest.FixtureRequest) -> str:
    return request.param


def system(chip: str) -> str:
    return f"examples/linux-and-control/{SYSTEMS[chip][0]}.yaml"


@pytest.fixture(scope="module")
def disk(chip: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("linux") / "disk"
    path.write_bytes(b"from the disk\n".ljust(1 << 20, b"\0"))
    return path


@pytest.fixture(scope="module")
def linux(chip: str, disk: Path) -> Iterator[Shell]:
    """The example at Linux's prompt, once for all tests that leave it as it was."""
    console = Console(build(system(chip)).command({"-drive": f"if=none,id=disk,format=raw,file={disk}"}), limit=400)
    try:
        yield Shell(console)
    finally:
        console.close()
        print(console.output)


def test_sees_its_vm_and_nothing_of_the_host(linux: Shell, chip: str) -> None:
    ram = [m for m in build(system(chip)).plan["vms"][0]["maps"] if m["ipa"] >= 0x80000000]
    start, end = min(m["ipa"] for m in ram), max(m["ipa"] + m["size"] for m in ram)
    assert linux.run("nproc") == ["3"]
    assert re.fullmatch(r"6\.12\.\d+\+deb13-riscv64", linux.run("uname -r")[0])
    aplic = [] if chip == "plic" else ["0d000000-0d007fff : d000000.interrupt-controller interrupt-controller@d000000"]
    assert linux.run("grep -v '^ ' /proc/iomem") == [
        *aplic,
        "10000000-10000fff : serial",
        "10001000-10001fff : 10001000.virtio_mmio virtio_mmio@10001000",
        "10002000-10002fff : 10002000.virtio_mmio virtio_mmio@10002000",
        f"{start:08x}-{end - 1:08x} : System RAM"]
    assert linux.run("ls -d /proc/device-tree/soc/*@* | sed s,.*/,,") == [
        "channel@70000000", *SYSTEMS[chip][1], "serial@10000000", "virtio_mmio@10001000", "virtio_mmio@10002000"]
    # The kernel has no complaint: not of the tree, the firmware, the initrd or a CPU.
    assert linux.run("dmesg -r | grep '^<[0-3]>'") == []


def test_network_and_disk(linux: Shell, disk: Path) -> None:
    assert linux.run("ip -o address show eth0 | awk '/inet / {print $4}'") == ["10.0.2.15/24"]
    assert "3 packets transmitted, 3 packets received, 0% packet loss" in linux.run("ping -c 3 10.0.2.2")
    assert linux.run("head -n 1 /dev/vda") == ["from the disk"]
    linux.run("echo from Linux >/dev/vda; sync")
    assert disk.read_bytes().startswith(b"from Linux\n")
    irqs = [line.split() for line in linux.run("grep virtio /proc/interrupts")]
    assert sorted(line[-1] for line in irqs) == ["virtio0", "virtio1"]
    assert all(sum(map(int, line[1:4])) > 0 for line in irqs)


def test_cpus_come_and_go(linux: Shell) -> None:
    for cpu in (1, 2):
        linux.run(f"echo 0 >/sys/devices/system/cpu/cpu{cpu}/online")
        assert linux.run("nproc") == ["2"]
        linux.run(f"echo 1 >/sys/devices/system/cpu/cpu{cpu}/online")
        assert linux.run("nproc") == ["3"]
    # Work on each after it has come back.
    for cpu in range(3):
        assert linux.run(f"taskset -c {cpu} cut -d' ' -f39 /proc/self/stat") == [str(cpu)]


def test_channel_and_doorbell_from_user_space(linux: Shell) -> None:
    line = re.compile(r"control: (\d+) ticks of 10000 us, the latest by \d+ us; (\d+) doorbells")
    before = line.fullmatch(linux.run("telemetry")[0])
    assert before and int(before[1]) > 0 and before[2] == "0"
    for count in (1, 2, 3):
        linux.console.send("telemetry ring\n")
        assert linux.console.expect(REPORT)[2] == str(count)
        linux.console.expect(PROMPT)
    after = line.fullmatch(linux.run("sleep 2; telemetry")[0])
    assert after and int(after[1]) > int(before[1]) and after[2] == "3"


def test_power_off_ends_that_vm_alone(linux: Shell) -> None:
    console = linux.console
    console.send("poweroff\n")
    console.expect("[bulkhead] vm 'linux' powered off\n")
    console.send("s")
    first = int(console.expect(REPORT)[1])
    console.send("q")
    assert int(console.expect(REPORT)[1]) >= first
    assert console.expect_end() == 0
    assert console.lines("bulkhead")[-2:] == ["vm 'control' powered off", "all VMs have ended"]


@pytest.mark.parametrize("name", ["system", "linux-restart-aia"])
def test_reboot_starts_it_again_from_its_pristine_copy(boot, name: str) -> None:
    console = boot(f"tests/guests/linux-restart/{name}.yaml", limit=240)
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
