# SPDX-License-Identifier: Apache-2.0
"""Plans for AArch64: what of the GIC the hypervisor and its guests have, lines, tables, time, the guests' trees."""
from __future__ import annotations

from pathlib import Path

import pytest

from arm_cases import RAM, gic_board, plan_of
from configtool.board.load import load_board
from configtool.diagnostics import Sink
from configtool.emit.files import table_blob
from configtool.plan.model import Mapping
from configtool.system import Action
from plan_cases import KIB, MIB, channel, device_ref, span, system, vm
from test_plan_tree import at, clean

ROOT = Path(__file__).resolve().parents[2]
TWO = system(vm("a", count=2, devices=(device_ref("rtc@9010000"), device_ref("virtio_mmio@a000000"))), vm("b", line=30),
             channels=(channel("data", 64 * KIB, "a", "b"),))


def devices(maps: tuple[Mapping, ...]) -> list[tuple[str, int, int]]:
    return [(m.name, m.phys, m.size) for m in maps if m.kind == "device"]


def test_gicv3_is_one_window_and_the_hypervisor_maps_the_frames_of_its_cpus() -> None:
    plan = plan_of(TWO, gic_board("gicv3"))
    assert [(w.kind, w.ipa, w.size) for w in plan.vms[0].windows if w.kind == "gic"] == [("gic", 0x0800_0000, 0x5_0000)]
    assert [(w.kind, w.ipa, w.size) for w in plan.vms[1].windows if w.kind == "gic"] == [("gic", 0x0800_0000, 0x3_0000)]
    assert devices(plan.hypervisor.devices) == [
        ("interrupt controller, distributor", 0x0800_0000, 0x1_0000),
        ("interrupt controller, redistributor of cpu@0", 0x080a_0000, 0x2_0000),
        ("interrupt controller, redistributor of cpu@1", 0x080c_0000, 0x2_0000),
        ("interrupt controller, redistributor of cpu@2", 0x080e_0000, 0x2_0000),
        ("console", 0x0900_0000, 0x1000)]
    assert [(c.gicr, c.release) for c in plan.cpus] == [(0x080a_0000, 0), (0x080c_0000, 0), (0x080e_0000, 0)]
    assert not any(m.name.startswith("interrupt") for m in plan.vms[0].maps)
    assert (plan.irqchip.kind, plan.irqchip.base, plan.irqchip.maintenance) == ("gicv3", 0x0800_0000, 25)
    assert (plan.irqchip.sources, plan.irqchip.edges) == (48, (48,))


def test_gicv2_guests_have_the_hardware_s_cpu_interface() -> None:
    plan = plan_of(TWO, gic_board("gicv2"))
    for made in plan.vms:
        assert [(w.ipa, w.size) for w in made.windows if w.kind == "gic"] == [(0x0800_0000, 0x1000)]
        assert [(m.ipa, m.phys, m.size, m.access) for m in made.maps if m.name.startswith("interrupt")] == [
            (0x0801_0000, 0x0804_0000, 0x2000, "rw")]
    assert devices(plan.hypervisor.devices)[:3] == [
        ("interrupt controller, distributor", 0x0800_0000, 0x1000),
        ("interrupt controller, CPU interface", 0x0801_0000, 0x2000),
        ("interrupt controller, virtual interface control", 0x0803_0000, 0x1000)]
    assert (plan.irqchip.gicc, plan.irqchip.gich) == (0x0801_0000, 0x0803_0000)
    assert [c.hart_index for c in plan.cpus] == [0, 1, 2]


def test_gicv2_whose_pages_fill_64_kib_each() -> None:
    """Its last copy of the first page is followed by the second page."""
    spaced = tuple((0xf901_0000 + at, size) for at, size in ((0, 0x1_0000), (0x1_0000, 0x2_0000), (0x3_0000, 0x2_0000),
                                                             (0x5_0000, 0x2_0000)))
    plan = plan_of(system(vm("a")), gic_board("gicv2", registers=spaced))
    assert (plan.irqchip.gicc, plan.irqchip.gich) == (0xf902_f000, 0xf904_0000)
    assert [m.phys for m in plan.vms[0].maps if m.name.startswith("interrupt")] == [0xf906_f000]


def test_redistributors_follow_mpidr_through_regions_with_their_stride(tmp_path: Path) -> None:
    regions = ((0x0800_0000, 0x1_0000), (0x1000_0000, 0x8_0000), (0x2000_0000, 0x8_0000), (0x3000_0000, 0x2000))
    board = gic_board("gicv3", cpus=(0x101, 0x100, 0, 1), registers=regions, folder=tmp_path,
                      settings="#redistributor-regions = <2>; redistributor-stride = <0 0x40000>;")
    plan = plan_of(system(vm("a", count=4)), board)
    assert [(c.id, c.gicr) for c in plan.cpus] == [(0, 0x1000_0000), (1, 0x1004_0000), (0x100, 0x2000_0000),
                                                   (0x101, 0x2004_0000)]


def test_cpu_that_waits_in_a_spin_table() -> None:
    plan = plan_of(system(vm("a")), gic_board(method="spin-table", release=0xd8))
    assert plan.cpus[0].release == 0xd8
    assert [(m.phys, m.size, m.access, m.kind) for m in plan.hypervisor.devices if m.name == "spin table"] == [
        (0, 0x1000, "rw", "device")]


def test_no_vm_gets_the_page_of_a_spin_table(tmp_path: Path) -> None:
    board = load_board("raspberrypi-4b", span(1), "", Sink())
    assert board is not None and [(r.name, r.base, r.size) for r in board.reserved] == [("memreserve@0", 0, 0x1000)]
    source = (ROOT / "boards/raspberrypi-4b/board.dts").read_text().replace("/memreserve/ 0x0 0x1000;", "")
    (tmp_path / "board.dts").write_text(source)
    (tmp_path / "board.yaml").write_text((ROOT / "boards/raspberrypi-4b/board.yaml").read_text())
    board = load_board(str(tmp_path), span(1), "", Sink())
    assert board is not None and [(r.name, r.base, r.size) for r in board.reserved] == [("spin table", 0, 0x1000)]


def test_lines_are_intids_and_each_vm_has_its_timer() -> None:
    plan = plan_of(TWO, gic_board())
    assert [(x.guest, x.physical, x.trigger, x.name) for x in plan.vms[0].lines] == [
        (27, 27, "level-high", "virtual timer"), (32, 0, "edge-rising", "channels.data"),
        (33, 0, "level-high", "console"), (34, 34, "level-high", "devices: rtc@9010000"),
        (48, 48, "edge-rising", "devices: virtio_mmio@a000000")]
    assert [(x.guest, x.physical) for x in plan.vms[1].lines] == [(27, 27), (32, 0), (33, 0)]
    # A private interrupt has no owner: each CPU has its own.
    assert plan.irq_owner == ((33, -1, 0), (34, 0, 34), (48, 0, 48))


def test_controller_gives_way_to_what_the_vm_has_there() -> None:
    identity = system(vm("a", 64 * MIB, count=2))
    board = gic_board()
    fixed = plan_of(identity, board)
    assert fixed.vms[0].windows[0].ipa == 0x0800_0000
    described = system(vm("a", devices=(device_ref("rtc@9010000", at=0x0801_1000),)))
    moved = plan_of(described, board).vms[0]
    assert [(w.kind, w.ipa) for w in moved.windows] == [("gic", 0x0802_0000), ("uart", 0x0900_0000)]
    assert moved.tree is not None
    assert at(moved.tree, "/soc/interrupt-controller@8020000")["reg"] == "<0 0x8020000 0 0x10000 0 0x8030000 0 0x20000>"


def test_tables_are_as_wide_as_the_addresses_of_the_vms() -> None:
    near = plan_of(system(vm("a")), gic_board())
    assert (near.stage1, near.stage2) == ("el2-39bit", "stage2-39bit")
    assert [t.root % 0x1000 for t in table_blob(near).trees] == [0, 0]
    device = device_ref("rtc@9010000", at=0x80_0000_0000)
    far = plan_of(system(vm("a", devices=(device,)), vm("b", line=30)), gic_board())
    assert (far.stage1, far.stage2) == ("el2-39bit", "stage2-40bit")
    assert [t.root % 0x2000 for t in table_blob(far).trees[1:]] == [0, 0]


def test_time_is_in_microseconds_where_the_tree_does_not_say_how_fast_the_counter_is() -> None:
    again = Action(span(14), "restart", at_most=3, within_us=10_000_000, then="stop")
    plan = plan_of(system(vm("a", on_fault=again)), gic_board())
    assert (plan.timebase, plan.vms[0].on_fault.within) == (1_000_000_000, 10_000_000_000)


def test_vm_that_restarts_has_tables_of_the_hypervisor_s_own_with_its_memory() -> None:
    again = Action(span(14), "restart")
    plan = plan_of(system(vm("a", on_fault=again), vm("b", line=30)), gic_board())
    trees = table_blob(plan).trees
    assert (len(trees), plan.vms[0].restore_table, plan.vms[1].restore_table) == (4, trees[3].root, 0)
    assert trees[3].format.name == plan.stage1
    leaves = [(e.phys, e.phys + e.size, e.access) for n in trees[3].nodes for e in n.slots() if e.kind == "leaf"]
    for restore in plan.vms[0].restores:
        for page in range(restore.to, restore.to + restore.size, 4096):
            assert any(low <= page < high and access == "rw" for low, high, access in leaves)
    other = [m for m in plan.vms[1].maps if m.kind in ("ram", "image", "dtb")]
    assert not any(low < m.phys + m.size and m.phys < high for m in other for low, high, _ in leaves)
    first = [(e.phys, e.phys + e.size) for n in trees[0].nodes for e in n.slots() if e.kind == "leaf"]
    assert not any(low < r.to + r.size and r.to < high for r in plan.vms[0].restores for low, high in first)


@pytest.mark.parametrize("kind", ["gicv3", "gicv2"])
def test_dtc_has_nothing_to_say_of_the_trees(kind: str, tmp_path: Path) -> None:
    for made in plan_of(TWO, gic_board(kind)).vms:
        assert made.tree is not None
        clean(made.tree, tmp_path)


def test_tree_of_a_guest_on_a_gicv3() -> None:
    tree = plan_of(TWO, gic_board()).vms[0].tree
    assert tree is not None
    assert [c.name for c in tree.children] == ["chosen", "aliases", "cpus", "psci", "timer", "clock-uart",
                                               f"memory@{RAM:x}", "reserved-memory", "soc"]
    assert at(tree, "/cpus/cpu@1") == {"device_type": '"cpu"', "reg": "<1>", "compatible": '"arm,cortex-a53"',
                                       "enable-method": '"psci"'}
    assert at(tree, "/psci") == {"compatible": '"arm,psci-1.0", "arm,psci-0.2"', "method": '"hvc"'}
    assert at(tree, "/timer") == {"compatible": '"arm,armv8-timer"', "interrupt-parent": "<1>",
                                  "interrupts": "<1 13 4 1 14 4 1 11 4 1 10 4>", "always-on": ""}
    assert at(tree, "/soc/interrupt-controller@8000000") == {
        "compatible": '"arm,gic-v3"', "reg": "<0 0x8000000 0 0x10000 0 0x8010000 0 0x40000>", "#address-cells": "<0>",
        "#interrupt-cells": "<3>", "interrupt-controller": "", "phandle": "<1>"}
    uart = at(tree, "/soc/serial@9000000")
    assert (uart["compatible"], uart["interrupts"]) == ('"arm,pl011", "arm,primecell"', "<0 1 4>")
    assert at(tree, "/soc/rtc@9010000")["interrupts"] == "<0 2 4>"
    assert at(tree, "/soc/virtio_mmio@a000000")["interrupts"] == "<0 16 1>"
    assert at(tree, "/soc/channel@30000000")["interrupts"] == "<0 0 1>"


def test_tree_of_a_guest_on_a_gicv2_names_its_cpus_in_private_interrupts() -> None:
    tree = plan_of(TWO, gic_board("gicv2")).vms[0].tree
    assert tree is not None
    assert at(tree, "/timer")["interrupts"] == "<1 13 772 1 14 772 1 11 772 1 10 772>"
    assert at(tree, "/soc/interrupt-controller@8000000")["reg"] == "<0 0x8000000 0 0x1000 0 0x8010000 0 0x2000>"


def test_more_than_16_vcpus_have_the_affinity_that_an_sgi_names() -> None:
    board = gic_board("gicv3", cpus=tuple(i // 8 << 8 | i % 8 for i in range(18)),
                      registers=((0x0800_0000, 0x1_0000), (0x0a00_0000, 0x100_0000)))
    tree = plan_of(system(vm("a", count=18)), board).vms[0].tree
    assert tree is not None
    assert [at(tree, "/cpus")["#address-cells"], *(c.name for c in tree.children[2].children[15:])] == [
        "<1>", "cpu@f", "cpu@100", "cpu@101"]
