# SPDX-License-Identifier: Apache-2.0
"""Direct interrupts: what excludes them, to the letter; their virtual lines in the plan."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from arm_cases import IMAGES, device, gic_board, plan_of
from configtool.plan.make import make_plan
from plan_cases import KIB, Sink, channel, device_ref, system, vm
from test_rules_programs import board, said

DIRECT = system(vm("a", count=2, interrupts="direct", devices=(device_ref("rtc@9010000"),)),
                vm("b", line=30, interrupts="direct"), channels=(channel("data", 64 * KIB, "a", "b"),))


def arm(folder: Path, *changes: tuple[str, str], states: str = "security_states: 1", vcpus: int = 2, more: str = "") -> str:
    text = board(folder, "qemu-aarch64-virt-gicv3", *changes, guest="arm.elf")
    settings = folder / "board" / "board.yaml"
    settings.write_text(settings.read_text().replace("security_states: 1", states))
    return text.replace("vcpus: 1", f"vcpus: {vcpus}") + "    interrupts: direct\n" + more


def test_where_firmware_keeps_group_0(tmp_path: Path) -> None:
    assert said(tmp_path, arm(tmp_path, states="security_states: 2")) == [
        "warning[BH1004]: the hypervisor's console, pl011@9000000, takes no input", "--> system.yaml:3:8",
        "= note: the interrupts of all VMs are direct, and those of Group 0 are firmware's",
        "= help: let one VM have interrupts: virtual, or allow this warning",
        "error[BH1001]: the vCPUs of VM 'hello' could not stop one another", "--> system.yaml:6:12",
        "= note: the GIC of board board has two security states: Group 0 is firmware's",
        "= help: write interrupts: virtual, or vcpus: 1",
        "= help: write security_states: 1 in board.yaml if GICD_CTLR.DS is 1 on this board"]


def test_one_vcpu_can_do_without(tmp_path: Path) -> None:
    text = arm(tmp_path, states="", vcpus=1)
    assert [line for line in said(tmp_path, text) if line.startswith(("error", "warning"))] == [
        "warning[BH1004]: the hypervisor's console, pl011@9000000, takes no input"]
    other = "  other:" + text.partition("  hello:")[2].replace("interrupts: direct", "interrupts: virtual")
    assert said(tmp_path, text + other) == []


def test_a_device_that_interrupts_by_messages_alone(tmp_path: Path) -> None:
    tree = 'compatible = "arm,pl031", "arm,primecell";'
    source = (Path(__file__).parents[2] / "boards/qemu-aarch64-virt-gicv3/board.dts").read_text()
    node = source[source.index("pl031@9010000 {"):]
    node = node[:node.index("};")]
    wired = next(line for line in node.splitlines() if "interrupts = " in line)
    assert tree in node
    changed = node.replace(wired, "\t\tmsi-parent = <&its>;")
    text = arm(tmp_path, (node, changed), more="    devices: [pl031@9010000]\n")
    assert [line for line in said(tmp_path, text) if "board.dts" not in line] == [
        "error[BH1005]: device pl031@9010000 of VM 'hello' interrupts by messages alone", "--> system.yaml:10:15",
        "= note: a VM's interrupt controller has no ITS: LPIs do not reach it",
        "= help: leave the device out, or give it a wired interrupt in the device tree"]


def test_virtual_lines_are_interrupts_that_no_device_has() -> None:
    plan = plan_of(DIRECT, replace(gic_board(), security_states=1))
    assert [[(line.guest, line.physical, line.name) for line in made.lines] for made in plan.vms] == [
        [(27, 27, "virtual timer"), (32, 32, "console"), (34, 34, "devices: rtc@9010000"), (35, 35, "channels.data")],
        [(27, 27, "virtual timer"), (36, 36, "console"), (37, 37, "channels.data")]]
    assert plan.irq_owner == ((32, 0, 32), (33, -1, 0), (34, 0, 34), (35, 0, 35), (36, 1, 36), (37, 1, 37))
    assert plan.irqchip.edges == (32, 35, 36, 37) and plan.irqchip.one_security_state
    assert [made.direct for made in plan.vms] == [True, True]


def test_virtual_lines_run_out() -> None:
    full = gic_board()
    full = replace(full, devices=(*full.devices, *(device(f"d@{n:x}", 0x0b00_0000 + n * 0x1000, 0x1000, n)
                                                   for n in range(32, 62) if n not in (33, 34, 48))))
    sink = Sink()
    assert make_plan(DIRECT, full, IMAGES, sink) is None
    assert [(d.code, d.message) for d in sink.found] == [
        ("BH1002", "the board has no interrupt left for the virtual lines of VM 'b'")]


def test_the_console_goes_where_the_hypervisor_can_take_it() -> None:
    mixed = system(vm("a", interrupts="direct"), vm("b", line=30, criticality=3))
    assert [plan_of(mixed, replace(gic_board(), security_states=n)).console.cpu for n in (1, 2)] == [0, 1]
    alone = system(vm("a", interrupts="direct"))
    assert [plan_of(alone, replace(gic_board(), security_states=n)).console.interrupt for n in (1, 2)] == [33, 0]
