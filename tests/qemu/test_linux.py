# SPDX-License-Identifier: Apache-2.0
"""examples/linux-and-control: Debian's kernel, unmodified, beside a control loop; and a Linux that starts itself again."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

import pytest

import linux_checks
from harness import Console, build
from linux_shell import Shell

# By interrupt controller: the description, and its nodes in Linux's tree.
SYSTEMS = {"plic": ("system", ["interrupt-controller@c000000"]),
           "aplic": ("linux-and-control-aplic", ["interrupt-controller@d000000"]),
           "aia": ("linux-and-control-aia", ["interrupt-controller@28000000", "interrupt-controller@d000000"])}


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
    linux_checks.network_and_disk(linux, disk)


def test_cpus_come_and_go(linux: Shell) -> None:
    linux_checks.cpus_come_and_go(linux)


def test_channel_and_doorbell_from_user_space(linux: Shell) -> None:
    linux_checks.channel_and_doorbell(linux)


def test_power_off_ends_that_vm_alone(linux: Shell) -> None:
    linux_checks.power_off(linux)


@pytest.mark.parametrize("name", ["system", "linux-restart-aia"])
def test_reboot_starts_it_again_from_its_pristine_copy(boot, name: str) -> None:
    linux_checks.reboot(boot(f"tests/guests/linux-restart/{name}.yaml", limit=240))