# SPDX-License-Identifier: Apache-2.0
"""examples/linux-and-control on Arm: Debian's arm64 kernel, unmodified, beside the control loop; with a UART of its own;
and one that starts itself again."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

import pytest

import linux_checks
from harness import Console, build
from linux_shell import PROMPT, Shell

# By board: what its interrupt controller adds to /proc/iomem, and the devices of Linux in its tree and in /proc/iomem.
GICV3 = ["08000000-0800ffff : GICD", "08010000-0806ffff : GICR"]
VIRTIO = {"virtio_mmio@a000000": "0a000000-0a0001ff : a000000.virtio_mmio virtio_mmio@a000000",
          "virtio_mmio@a000200": "0a000200-0a0003ff : a000200.virtio_mmio virtio_mmio@a000200"}
SYSTEMS = {"gicv2": ([], VIRTIO), "gicv3": (GICV3, VIRTIO), "zcu102": ([], {"serial@ff010000": "ff010000-ff010fff : xuartps"})}


@pytest.fixture(scope="module", params=SYSTEMS)
def board(request: pytest.FixtureRequest) -> str:
    return request.param


def system(board: str) -> str:
    return f"examples/linux-and-control/linux-and-control-{board}.yaml"


@pytest.fixture(scope="module")
def disk(board: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("linux") / "disk"
    path.write_bytes(b"from the disk\n".ljust(1 << 20, b"\0"))
    return path


@pytest.fixture(scope="module")
def linux(board: str, disk: Path) -> Iterator[Shell]:
    """The example at Linux's prompt, once for all tests that leave it as it was."""
    options = {} if board == "zcu102" else {"-drive": f"if=none,id=disk,format=raw,file={disk}"}
    console = Console(build(system(board)).command(options), limit=400)
    try:
        yield Shell(console)
    finally:
        console.close()
        print(console.output)


def test_sees_its_vm_and_nothing_of_the_host(linux: Shell, board: str) -> None:
    controller, devices = SYSTEMS[board]
    ram = build(system(board)).plan["vms"][0]["regions"][0]
    assert linux.run("nproc") == ["3"]
    assert re.fullmatch(r"6\.1\.0-\d+-cloud-arm64", linux.run("uname -r")[0])
    assert linux.run("grep -v '^ ' /proc/iomem") == sorted([
        *controller, *devices.values(), "09000000-09000fff : serial@9000000",
        f"{ram['ipa']:08x}-{ram['ipa'] + ram['size'] - 1:08x} : System RAM"])
    assert linux.run("ls -d /proc/device-tree/soc/*@* | sed s,.*/,,") == sorted([
        "channel@30000000", "interrupt-controller@8000000", "serial@9000000", *devices])
    # The kernel has no complaint: not of the tree, the firmware, the initrd or a CPU.
    assert linux.run("dmesg -r | grep '^<[0-3]>'") == []


def test_psci_as_linux_sees_it(linux: Shell) -> None:
    lines = [line.partition("] ")[2] for line in linux.run("dmesg | grep psci:")]
    assert lines == ["psci: probing for conduit method from DT.", "psci: PSCIv1.1 detected in firmware.",
                     "psci: Using standard PSCI v0.2 function IDs", "psci: Trusted OS migration not required",
                     "psci: SMC Calling Convention v1.1"]


def test_its_devices_work(linux: Shell, board: str, disk: Path) -> None:
    """What the board has: virtio-mmio on QEMU's virt, a second UART on the ZCU102."""
    if board == "zcu102":
        check_second_uart(linux, board)
    else:
        linux_checks.network_and_disk(linux, disk)


def check_second_uart(linux: Shell, board: str) -> None:
    linux.run("echo from Linux >/dev/ttyPS1")
    assert (build(system(board)).directory / "serial1.log").read_bytes() == b"from Linux\r\n"


def test_cpus_come_and_go(linux: Shell) -> None:
    linux_checks.cpus_come_and_go(linux)


def test_channel_and_doorbell_from_user_space(linux: Shell) -> None:
    linux_checks.channel_and_doorbell(linux)


def test_suspends_to_ram_and_wakes_by_a_key(linux: Shell) -> None:
    """CPU_OFF of the others, SYSTEM_SUSPEND, and back at its entry with the virtual console's interrupt."""
    linux.run("cd /sys/class/tty/ttyAMA0/power; echo enabled >wakeup")
    assert linux.run("cat /sys/power/mem_sleep") == ["s2idle [deep]"]
    for _ in range(6):
        before = linux.run("dmesg -c >/dev/null; cat /sys/power/suspend_stats/success")
        linux.console.send("echo mem >/sys/power/state\n")
        linux.console.expect("/sys/power/state\n")
        asleep = PROMPT not in linux.console.expect_nothing(1.5)
        linux.console.send("echo awake$((1+1))\n")      # the first key wakes it
        linux.console.expect("awake2\n")
        linux.console.expect(PROMPT)
        # Awake too early: a timer's interrupt was on its way. Not counted: the key came before it slept.
        if asleep and linux.run("cat /sys/power/suspend_stats/success") > before:
            break
    else:
        raise AssertionError("it never slept until a key was typed")
    assert linux.run("nproc") == ["3"]
    slept = [line.partition("] ")[2] for line in linux.run("dmesg | grep -E 'PM: suspend|psci: CPU'")]
    assert [re.sub(r" \(polled \d+ ms\)", "", line) for line in slept][-4:] == [
        "PM: suspend entry (deep)", "psci: CPU1 killed", "psci: CPU2 killed", "PM: suspend exit"]


def test_power_off_ends_that_vm_alone(linux: Shell) -> None:
    linux_checks.power_off(linux)


@pytest.mark.parametrize("board", ["gicv3", "zcu102"])
def test_reboot_starts_it_again_from_its_pristine_copy(boot, board: str) -> None:
    linux_checks.reboot(boot(f"tests/guests/linux-restart/linux-restart-{board}.yaml", limit=240))


@pytest.mark.parametrize("name", ["system", "linux-uart-gicv2"])
def test_a_pl011_of_its_own(boot, name: str) -> None:
    """The real one, its interrupt and its driver, and a hypervisor that says nothing."""
    console = boot(f"tests/guests/linux-uart/{name}.yaml")
    shell = Shell(console, label="")
    assert shell.ready[1] == "1"
    lines = shell.run("grep uart-pl011 /proc/interrupts; dmesg | grep 'ttyAMA0 at'")
    assert re.fullmatch(r" *\d+: +[1-9]\d* +GIC\S+ +33 Level +uart-pl011", lines[0])
    assert "9000000.pl011: ttyAMA0 at MMIO 0x9000000 (irq = " in lines[1]
    console.send("poweroff\n")
    assert console.expect_end() == 0
    assert "[bulkhead]" not in console.output


def test_cpus_of_two_clusters(boot) -> None:
    """Started, interrupted and routed to by an affinity of two fields."""
    console = boot("tests/guests/linux-clusters/system.yaml")
    assert [cpu["id"] for cpu in build("tests/guests/linux-clusters/system.yaml").plan["cpus"]] == [0, 1, 0x100, 0x101]
    linux = Shell(console)
    assert linux.ready[1] == "4"
    assert linux.run("ls /proc/device-tree/cpus") == ["#address-cells  cpu@0           cpu@2           name",
                                                      "#size-cells     cpu@1           cpu@3"]
    for cpu in range(4):
        assert linux.run(f"taskset -c {cpu} cut -d' ' -f39 /proc/self/stat") == [str(cpu)]
    linux.run("echo 0 >/sys/devices/system/cpu/cpu3/online")
    linux.run("echo 1 >/sys/devices/system/cpu/cpu3/online")
    assert linux.run("nproc") == ["4"]
    assert all(int(n) > 0 for n in linux.run("grep 'Function call' /proc/interrupts")[0].split()[1:5])
    console.send("poweroff\n")
    assert console.expect_end() == 0


@pytest.mark.parametrize("name, controller, devices", [
    ("system", ["08000000-0800ffff : GICD", "08010000-0804ffff : GICR"], ["ff010000-ff010fff : serial@ff010000"]),
    ("linux-raspberrypi-4b", [], [])])
def test_other_boards(boot, name: str, controller: list[str], devices: list[str]) -> None:
    """Versal, with its second UART, and a Raspberry Pi, whose CPUs are released from a spin table."""
    console = boot(f"tests/guests/linux-boards/{name}.yaml", limit=240)
    shell = Shell(console)
    assert shell.ready[1] == "2"
    assert shell.run("grep -v '^ ' /proc/iomem") == sorted([
        *controller, *devices, "09000000-09000fff : serial@9000000", "40000000-47ffffff : System RAM"])
    console.send("poweroff -f\n")
    console.expect("[bulkhead] vm 'linux' powered off\n")
