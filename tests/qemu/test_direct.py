# SPDX-License-Identifier: Apache-2.0
"""Interrupts of a GICv3 that reach a VM without the hypervisor: what they cost, what a hostile guest does with them, what
a restart leaves of them."""
from __future__ import annotations

import re

from harness import build
from linux_shell import Shell
from test_steady_state import REASONS, counters


def test_the_hypervisor_does_not_run_for_what_a_guest_does_all_the_time(boot):
    """Ticks, a device, receiving a doorbell or an SGI: nothing. Sending one: an exit each."""
    console = boot("tests/guests/direct/system.yaml")
    assert console.expect_end() == 0
    assert console.lines("steady") == [
        "50 ticks: 0 exits",
        "50 interrupts to the other CPU and back: 50 exits",
        "50 and one sent from there: 51 exits",
        "50 levels of a device: 0 exits",
        "50 rings and answers: 50 exits",
    ]
    assert console.lines("echo") == ["50 answers: 50 exits"]


def test_a_hostile_guest_reaches_nobody_else(boot):
    """SGIs of every group to every affinity, all ones and zeros to all of the controller, ends and deactivations of what is
    another VM's. The bystanders have their interrupts direct, and virtual; each tick and alarm comes once."""
    console = boot("tests/guests/direct/hostile.yaml")
    assert console.expect_end() == 0
    assert console.lines("hostile") == ["several rounds, SGIs reached the other vCPU, many ended",
                                        "GICR_CTLR 0 PROPBASER 0 TYPER.PLPIS 0 GICD_TYPER.LPIS 0"]
    for bystander in ("friend", "neighbour"):
        assert console.lines(bystander) == ["100 ticks, 0 alarms too many or too few, 0 strange interrupts"]


def test_a_restart_leaves_nothing_of_the_life_before(boot):
    """One vCPU masks everything and never traps: the kick stops it all the same."""
    console = boot("tests/guests/direct/lives.yaml")
    assert console.expect_end() == 0
    assert console.lines("lives") == ["active 0, pending 0, enabled 0, running priority ff, EOImode 0", "1 alarm",
                                      "took 15; active 8000, pending some"] * 3
    assert [line for line in console.lines("bulkhead") if " on qemu-" not in line] == [
        *["vm 'lives' reset itself, restarts"] * 2, "vm 'lives' reset itself", "all VMs have ended"]


def test_a_board_that_says_one_security_state_and_has_two(boot):
    """With secure=on QEMU's GIC has two, and Group 0 is the firmware's: said at boot. (QEMU starts EL2 without firmware.)"""
    console = boot("tests/guests/direct/system.yaml", {"-M": "virt,virtualization=on,gic-version=3,secure=on"})
    console.expect("[bulkhead] the interrupt controller has two security states, and board 'qemu-aarch64-virt-gicv3' says "
                   "one: VMs with direct interrupts run on their first vCPU alone\n")
    console.expect("[steady] 50 ticks: 0 exits\n")


def test_linux_beside_a_control_loop(boot, tmp_path):
    """Debian's kernel on three CPUs. Beside the interrupts that its CPUs send one another and the console's, the hypervisor
    does nothing for it while it is idle, and nothing at all for the control loop."""
    system = "examples/linux-and-control/linux-and-control-gicv3-direct.yaml"
    disk = tmp_path / "disk"
    disk.write_bytes(b"from the disk\n".ljust(1 << 20, b"\0"))
    console = boot(build(system), {"-drive": f"if=none,id=disk,format=raw,file={disk}"}, limit=200)
    linux = Shell(console)
    assert linux.run("nproc") == ["3"]
    assert linux.run("head -n 1 /dev/vda") == ["from the disk"]
    row = re.compile(r" *\d+:(?: +\d+){3} +GICv3 +(\d+) +\w+ +(\S+)")
    chips = [row.fullmatch(line) for line in linux.run("cat /proc/interrupts")]
    plan = build(system).plan
    number = next(line["guest"] for vm in plan["vms"] for line in vm["lines"]
                  if vm["name"] == "linux" and line["name"] == "console")
    assert {(chip[1], chip[2]) for chip in chips if chip} >= {
        ("27", "arch_timer"), (str(number), "uart-pl011"), ("49", "virtio1")}
    linux.run("ip link set eth0 down")
    for _ in range(10):                 # until what goes on in the background is over
        before = counters(console, 4)
        console.expect_nothing(1.0)
        after = counters(console, 4)
        made = {vcpu: {reason for reason, a, b in zip(REASONS, before[vcpu], after[vcpu]) if a != b} for vcpu in before}
        assert made["control 0"] == set()
        if set().union(*made.values()) <= {"mmio", "device"}:
            break
    assert set().union(*made.values()) <= {"mmio", "device"}
