# SPDX-License-Identifier: Apache-2.0
"""QEMU's Arm virt machine, more or less, made by hand: for tests of the plan."""
from __future__ import annotations

from typing import Any

from configtool.board.dtc import read_dts
from configtool.board.model import Board, Cpu, Device, Interrupt, InterruptController, MemoryBank
from configtool.image.load import _parse
from configtool.image.model import Image
from configtool.plan.make import make_plan
from configtool.plan.model import Plan
from configtool.system import System
from plan_cases import GIB, KIB, Sink, elf, span

GIC = "/gic"
RAM = 0x4000_0000
TRIGGERS = {1: "edge-rising", 4: "level-high"}
IMAGES: dict[str, Image] = {
    f"/x/{name}.elf": _parse(elf((RAM, b"\x1f\x20\x03\xd5" * 16, 8 * KIB, 5), machine=183), f"/x/{name}.elf", f"{name}.elf",
                             "aarch64") for name in ("a", "b")}


def device(name: str, base: int, size: int, number: int = 0, trigger: str = "level-high",
           compatible: tuple[str, ...] = ("vendor,thing",), **more: Any) -> Device:
    interrupts = (Interrupt(number, trigger, GIC),) if number else ()
    return Device(name, f"/{name}", None, more.pop("aliases", ()), span(1, "board.dts"), compatible, True,
                  ((base, size),), interrupts, **more)


def gic_board(kind: str = "gicv3", cpus: tuple[int, ...] = (0, 1, 2, 3), registers: tuple[tuple[int, int], ...] = (),
              folder: Any = None, settings: str = "", **more: Any) -> Board:
    """`cpus`: MPIDRs in the order of the tree; `registers`: of the controller; `folder` and `settings`: where to write
    the controller's node with these properties."""
    default = {"gicv3": ((0x0800_0000, 0x1_0000), (0x080a_0000, 0xf6_0000)),
               "gicv2": ((0x0800_0000, 0x1_0000), (0x0801_0000, 0x1_0000), (0x0803_0000, 0x1_0000),
                         (0x0804_0000, 0x1_0000))}[kind]
    registers = registers or default
    node = None
    if folder is not None:
        (folder / "gic.dts").write_text(f"/dts-v1/;\n/ {{ gic {{ {settings} }}; }};\n")
        node = read_dts(str(folder / "gic.dts")).node("/gic")
    timer = Device("timer", "/timer", None, (), span(9, "board.dts"), ("arm,armv8-timer",), True, (),
                   tuple(Interrupt(n, "level-high", GIC) for n in (29, 30, 27, 26)), kind="timer")
    devices = (Device("gic", GIC, None, (), span(4, "board.dts"), ("arm,gic",), True, registers,
                      (Interrupt(25, "level-high", GIC),), kind="interrupt-controller"), timer,
               device("pl011@9000000", 0x0900_0000, 0x1000, 33, compatible=("arm,pl011", "arm,primecell"),
                      aliases=("serial0",)),
               device("rtc@9010000", 0x0901_0000, 0x1000, 34, compatible=("arm,pl031",)),
               device("virtio_mmio@a000000", 0x0a00_0000, 0x1000, 48, "edge-rising", ("virtio,mmio",), dma_master=True))
    return Board(
        f"qemu-aarch64-virt-{kind}", None, "board.dts", "aarch64", "QEMU virt", more.pop("load", RAM + 0x20_0000),
        span(5, "board.yaml"), "linux-image",
        tuple(Cpu(i, f"cpu@{id:x}", f"/cpus/cpu@{id:x}", None, id, span(10 + i, "board.dts"), True, ("arm,cortex-a53",),
                  enable_method=more.get("method", "psci"), release_addr=more.get("release")) for i, id in enumerate(cpus)),
        (MemoryBank(RAM, GIB, span(3, "board.dts")),), (), devices,
        InterruptController(kind, GIC, span(4, "board.dts"), registers, 988, node=node), (), 0, "/pl011@9000000",
        run=("qemu-system-aarch64", "-kernel", "{bin}"), psci="smc")


def plan_of(described: System, board: Board) -> Plan:
    sink = Sink()
    plan = make_plan(described, board, IMAGES, sink)
    assert plan is not None, sink.found
    return plan
