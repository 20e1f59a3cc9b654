# SPDX-License-Identifier: Apache-2.0
"""Plans for boards with an APLIC: interrupt files and hart indexes, what guests see, what the hypervisor maps."""
from __future__ import annotations

import dataclasses

import pytest
from configtool.board.dts import Node, Property
from configtool.board.model import Board, InterruptController
from configtool.emit.config_c import config_c
from configtool.emit.fdt import to_dts
from configtool.image.load import _parse
from configtool.plan.make import make_plan
from configtool.plan.model import Mapping, Plan, Window
from configtool.system import System
from plan_cases import ISA, MIB, Sink, channel, device_ref, elf, ram, span, system, virt, vm

IMAGE = _parse(elf((0x8000_0000, b"\x13\0\0\0" * 16, 64, 5)), "/x/a.elf", "a.elf", "riscv64")
APLIC = "/soc/aplic@d000000"
AIA_ISA = (*ISA, "ssaia")
AIA_BITS = 1 << 60 | 1 << 59 | 1 << 58
ENVIRONMENT = 1 << 63 | 1 << 62


def node(name: str, **cells: int | tuple[int, ...]) -> Node:
    found = Node(name, None, (span(1),))
    for key, value in cells.items():
        words = value if isinstance(value, tuple) else (value,)
        found.add(Property("riscv," + key.replace("_", "-"), b"".join(w.to_bytes(4, "big") for w in words), span(1)))
    return found


def board(kind: str = "aplic-imsic", isa: tuple[str, ...] = AIA_ISA, cpus: int = 4, **more: object) -> Board:
    made = virt(isa=isa, cpus=cpus)
    devices = tuple(dataclasses.replace(d, interrupts=tuple(dataclasses.replace(i, controller=APLIC)
                                                            for i in d.interrupts)) for d in made.devices)
    imsic = {"imsic": ((0x2800_0000, 0x1_0000),), "ids": 255, "guest_index_bits": 2} if kind == "aplic-imsic" else {}
    controller = InterruptController(kind, APLIC, span(4, "board.dts"), ((0x0d00_0000, 0x8000),), 96,
                                     **{"contexts": {i: i for i in range(cpus)}, **imsic, **more})    # type: ignore
    return dataclasses.replace(made, devices=devices, controller=controller)


def plan_of(described: System, on: Board) -> Plan:
    sink = Sink()
    plan = make_plan(described, on, {"/x/a.elf": IMAGE, "/x/b.elf": IMAGE}, sink)
    assert plan is not None and sink.found == [], sink.found
    return plan


def two() -> System:
    return system(vm("a", devices=(device_ref("rtc@101000"),)), vm("b", count=2),
                  channels=(channel("news", 64 << 10, "a", "b"),))


def tree_text(plan: Plan, index: int) -> str:
    tree = plan.vms[index].tree
    assert tree is not None
    return to_dts(tree)


def test_each_vcpu_has_the_first_guest_file_of_its_hart() -> None:
    plan = plan_of(two(), board())
    assert [(c.guest_file, c.hart_index) for c in plan.cpus] == [(0x2800_1000, 0), (0x2800_5000, 1), (0x2800_9000, 2)]
    assert (plan.irqchip.kind, plan.irqchip.base, plan.irqchip.msis) == ("aplic-imsic", 0x0d00_0000, 256)
    files = [m for m in plan.vms[1].maps if m.name == "interrupt files"]
    assert files == [Mapping(0x2800_0000, 0x2800_5000, 0x1000, "rw", "device", "interrupt files"),
                     Mapping(0x2800_1000, 0x2800_9000, 0x1000, "rw", "device", "interrupt files")]
    assert Window(0x0d00_0000, 0x8000, "aplic", 0, "interrupt controller") in plan.vms[1].windows
    assert [(m.ipa, m.size, m.access) for m in plan.hypervisor.devices] == [
        (0x0d00_0000, 0x8000, "rw"), (0x1000_0000, 0x1000, "rw"), (0x2800_1000, 0x1000, "rw"),
        (0x2800_5000, 0x1000, "rw"), (0x2800_9000, 0x1000, "rw")]


def test_the_guest_s_tree_with_imsics() -> None:
    plan = plan_of(two(), board())
    text = tree_text(plan, 1)
    assert """
		interrupt-controller@28000000 {
			compatible = "qemu,imsics", "riscv,imsics";
			reg = <0 0x28000000 0 0x2000>;
			#interrupt-cells = <0>;
			interrupt-controller;
			#msi-cells = <0>;
			msi-controller;
			interrupts-extended = <&{/cpus/cpu@0/interrupt-controller} 9>, <&{/cpus/cpu@1/interrupt-controller} 9>;
			riscv,num-ids = <255>;
			phandle = <3>;
		};
""" in text
    assert """
		interrupt-controller@d000000 {
			compatible = "qemu,aplic", "riscv,aplic";
			reg = <0 0xd000000 0 0x8000>;
			#address-cells = <0>;
			#interrupt-cells = <2>;
			interrupt-controller;
			riscv,num-sources = <32>;
			msi-parent = <3>;
			phandle = <4>;
		};
""" in text
    assert "interrupts = <32 1>;" in text           # the doorbell: an edge
    assert "interrupts = <10 4>;" in text           # the console: a level
    assert "interrupts = <11 4>;" in tree_text(plan, 0)
    assert "ssaia" in plan.vms[0].isa and "smaia" not in plan.vms[0].isa


def test_an_aplic_alone() -> None:
    plan = plan_of(two(), board("aplic"))
    assert [(c.guest_file, c.hart_index) for c in plan.cpus] == [(0, 0), (0, 1), (0, 2)]
    assert (plan.irqchip.kind, plan.irqchip.msis) == ("aplic", 0)
    assert [m.ipa for m in plan.hypervisor.devices] == [0x0d00_0000, 0x1000_0000]
    text = tree_text(plan, 1)
    assert "imsic" not in text and "msi-parent" not in text and "ssaia" not in plan.vms[1].isa
    assert "interrupts-extended = <&{/cpus/cpu@0/interrupt-controller} 9>, <&{/cpus/cpu@1/interrupt-controller} 9>;" in text


def test_hart_indexes_that_the_board_names() -> None:
    plan = plan_of(two(), board("aplic", node=node("aplic", hart_indexes=(7, 5, 3, 1))))
    assert [c.hart_index for c in plan.cpus] == [7, 5, 3]


def test_harts_in_groups_and_out_of_order() -> None:
    """Two groups of two, 16 MiB apart; the bits of a hart index are the group's above those of its hart."""
    imsic = node("imsics", hart_index_bits=1, group_index_bits=1, group_index_shift=24)
    plan = plan_of(two(), board(contexts={0: 3, 1: 0, 2: 2, 3: 1}, imsic_node=imsic,
                                imsic=((0x2800_0000, 0x8000), (0x2900_0000, 0x8000))))
    assert [(c.id, c.guest_file, c.hart_index) for c in plan.cpus] == [
        (0, 0x2900_5000, 3), (1, 0x2800_1000, 0), (2, 0x2900_1000, 2)]


def test_interrupt_files_give_way() -> None:
    """An address that the user has taken; and they lie as the hart index wants it: three at a multiple of 16 KiB."""
    files = [m.ipa for m in plan_of(system(vm("a", count=3, memory=(
        ram(16 * MIB), ram(4 * MIB, name="low", at=0x2800_0000)))), board()).vms[0].maps if m.name == "interrupt files"]
    assert files == [0x2840_0000, 0x2840_1000, 0x2840_2000]


def test_imsics_without_files_for_guests() -> None:
    sink = Sink()
    assert make_plan(two(), board(guest_index_bits=0), {"/x/a.elf": IMAGE, "/x/b.elf": IMAGE}, sink) is None
    assert [(d.code, d.message) for d in sink.found] == [(
        "BH0312", "the board's interrupt controller does not do for guests: the IMSICs have no interrupt files for "
        "guests (riscv,guest-index-bits)")]


@pytest.mark.parametrize("kind, isa, value", [
    ("aplic-imsic", AIA_ISA, 0),
    ("aplic-imsic", (*AIA_ISA, "smstateen", "ssstateen"), ENVIRONMENT | AIA_BITS),
    ("aplic", (*ISA, "smstateen"), ENVIRONMENT),
])
def test_state_that_guests_may_use(kind: str, isa: tuple[str, ...], value: int) -> None:
    plan = plan_of(two(), board(kind, isa))
    assert {c.hstateen0 for c in plan.cpus} == {value}
    assert ("ssstateen" in plan.vms[0].isa) == ("ssstateen" in isa)
    text = config_c(plan, lambda vm: 0)
    assert text.count(f".hstateen0 = {value:#x},") == (3 if value else 0)


def test_a_cpu_without_the_register_is_left_alone() -> None:
    on = board(isa=(*AIA_ISA, "smstateen", "ssstateen"))
    on = dataclasses.replace(on, cpus=tuple(dataclasses.replace(c, isa=AIA_ISA if c.index == 1 else c.isa)
                                            for c in on.cpus))
    plan = plan_of(two(), on)
    assert [bool(c.hstateen0) for c in plan.cpus] == [True, False, True]
    assert ["ssstateen" in v.isa for v in plan.vms] == [True, False]
