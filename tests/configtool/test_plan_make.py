# SPDX-License-Identifier: Apache-2.0
"""Whole plans: where things lie, who has what number, and that every plan holds what it promises."""
from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path

import pytest
from configtool.board.model import Board, Reserved
from configtool.emit.files import table_blob
from configtool.emit.fdt import serialise
from configtool.image.load import _parse
from configtool.image.model import Image
from configtool.plan.failure import InternalError
from configtool.plan.make import make_plan
from configtool.plan.model import ChannelEnd, Extent, Line, Mapping, Plan, Policy, Range, Restore, Window
from configtool.plan.show import render, to_json
from configtool.system import Action, ChannelOverride, CpuRequest, DevicesRest, ImageRef, LinuxOptions, System, Vm
from hypothesis import given, settings, strategies as st
from plan_cases import GIB, ISA, KIB, MIB, Sink, channel, device_ref, elf, kernel, ram, span, system, virt, vm

CODE = b"\x13\0\0\0" * 512
GUEST = elf((0x8000_0000, CODE, len(CODE), 5), (0x8000_1000, b"data", 0x2000, 6))
GOLDEN = Path(__file__).parent / "golden" / "plan"


def image(data: bytes, name: str) -> Image:
    return _parse(data, f"/x/{name}", name, "riscv64")


IMAGES = {f"/x/{name}": image(data, name) for name, data in {
    **{f"{n}.elf": GUEST for n in "abcd"}, "hello.elf": GUEST, "control.elf": GUEST, "worker.elf": GUEST,
    "Image": kernel(5 * MIB),
    "u-boot.bin": b"\x6f\0\0\0" * 160_000, "initrd": b"070701" * 100_000}.items()}
KERNEL = (ImageRef("Image", "/x/Image", span(6)),)


def plan_of(described: System, board: Board | None = None) -> Plan:
    sink = Sink()
    plan = make_plan(described, board or virt(), IMAGES, sink)
    assert plan is not None, [d.message for d in sink.found]
    assert sink.found == []
    return plan


def hello() -> System:
    return system(vm("hello"), name="hello")


def two_vms() -> System:
    return system(vm("control", line=20, criticality=7, devices=(device_ref("rtc@101000", 24),)),
                  vm("worker", line=26, count=2, criticality=2), name="two-vms", console="serial0",
                  console_span=span(10),
                  channels=(channel("commands", 64 * KIB, "control", "worker", line=13, doorbell="to"),
                            channel("telemetry", 64 * KIB, "worker", "control", line=14)))


def of_kind(plan: Plan, vm: int, *kinds: str) -> list[Mapping]:
    return [m for m in plan.vms[vm].maps if m.kind in kinds]


# The examples

@pytest.mark.parametrize("described", [hello(), two_vms()], ids=lambda s: s.name)
def test_golden(described: System) -> None:
    """UPDATE_GOLDEN=1 writes the files anew, for a change that is meant."""
    golden, made = GOLDEN / f"{described.name}.json", to_json(plan_of(described))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        golden.write_text(made)
    assert made == golden.read_text()


def test_hello() -> None:
    plan = plan_of(hello())
    own, made = plan.hypervisor, plan.vms[0]
    assert (own.text, own.rodata, own.data, own.stacks) == (Range(0x8020_0000, 0x8000), Range(0x8020_8000, 0x3000),
                                                             Range(0x8020_b000, 0x3000), Range(0x8020_e000, 0x2000))
    assert plan.cpus[0].stack == Range(0x8020_f000, 0x1000) and plan.cpus[0].context == 1
    assert (own.tables.base, own.root, made.table % 0x4000) == (0x8021_0000, 0x8021_0000, 0)
    image = own.tables.end
    assert made.maps == (
        Mapping(0x8000_0000, image, 0x3000, "rwx", "image", "image: hello.elf", 11),
        Mapping(0x8000_3000, 0x8040_3000, 16 * MIB - 0x4000, "rwx", "ram", "memory.ram", 10),
        Mapping(0x80ff_f000, image + 0x3000, 0x1000, "rwx", "dtb", "device tree", 8))
    assert made.windows == (Window(0x0c00_0000, 0x60_0000, "plic", 0, "interrupt controller"),
                            Window(0x1000_0000, 0x1000, "uart", 0, "console"))
    assert made.lines == (Line(10, 0, "level-high", "console"),) and made.uart_line == 10
    assert (made.entry, made.dtb, made.vmid, made.cpus) == (0x8000_0000, 0x80ff_f000, 1, (0,))
    assert made.regions == (Extent("ram", 0x8000_0000, 16 * MIB, "rwx", 10),)
    payload, tree = plan.payloads
    assert payload.data == CODE.ljust(0x1000, b"\0") + b"data".ljust(0x2000, b"\0")
    assert made.tree is not None and tree.data == serialise(made.tree).ljust(0x1000, b"\0")
    assert (plan.stage1, plan.stage2, plan.file) == ("sv39", "sv39x4", "system.yaml")
    assert plan.irq_owner == ((10, -1, 0),) and plan.banks[0].probe == 0x8140_2ff8 - 0x4000


def test_no_byte_of_a_plan_depends_on_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert to_json(plan_of(two_vms())) == to_json(plan_of(two_vms()))
    shown = render(plan_of(two_vms()))
    assert "/x/" not in to_json(plan_of(two_vms())) + shown
    assert "dir" not in json.loads(to_json(plan_of(hello())))["file"]


def test_shown_for_people() -> None:
    lines = render(plan_of(two_vms())).splitlines()
    assert lines[:10] == [
        "two-vms on qemu-riscv64-virt: 2 VMs on 3 CPUs, sv39x4 tables", "", "CPUs", "  cpu@0  hart 0  control, vCPU 0",
        "  cpu@1  hart 1  worker, vCPU 0", "  cpu@2  hart 2  worker, vCPU 1", "",
        "VM control: criticality 7, 1 vCPU, entry 0x80000000, device tree at 0x80fff000",
        "  0x101000-0x101fff      rw    4KiB      at 0x101000    devices: rtc@101000",
        "  0xc000000-0xc5fffff    trap  6MiB      virtual        interrupt controller"]
    assert "  interrupt 11: devices: rtc@101000 (source 11, level-high)" in lines
    assert "  channel 1: telemetry: reads 0x70010000-0x7001ffff, rings worker (33)" in lines
    assert "Console: serial0 (ns16550a) at 0x10000000, interrupt 10 at cpu@1" in lines


# Memory

def test_linux_in_identity_memory_with_another_guest() -> None:
    options = LinuxOptions(span(7), "initrd", "/x/initrd", span(7), cmdline="console=ttyS0", cmdline_span=span(7))
    plan = plan_of(system(vm("linux", memory=(ram(512 * MIB, 10, at="identity"),), images=KERNEL, linux=options,
                             count=2),
                          vm("a")))
    linux = plan.vms[0]
    assert all(m.ipa == m.phys for m in linux.maps)
    base = linux.regions[0].ipa
    assert base == 0x8040_0000 and linux.entry == base + 2 * MIB
    kernel_map, initrd, dtb = of_kind(plan, 0, "image", "initrd", "dtb")
    assert (kernel_map.ipa, kernel_map.size) == (base + 2 * MIB, 5 * MIB)
    assert initrd.ipa == base + 8 * MIB and dtb.ipa == initrd.end       # behind image_size, close to the rest
    last = max(p.phys + len(p.data) for p in plan.payloads)
    assert last - plan.hypervisor.load < 12 * MIB
    assert of_kind(plan, 1, "image")[0].phys < base


def test_two_linux_guests_keep_the_image_small() -> None:
    plan = plan_of(system(vm("one", 64 * MIB, images=KERNEL), vm("two", 64 * MIB, images=KERNEL), vm("a")))
    for vm_plan in plan.vms[:2]:
        kernel_map = next(m for m in vm_plan.maps if m.kind == "image")
        assert kernel_map.ipa == 0x8020_0000 and (kernel_map.ipa - kernel_map.phys) % (2 * MIB) == 0
    end = max(p.phys + len(p.data) for p in plan.payloads)
    assert end - plan.hypervisor.load < 16 * MIB


def test_u_boot() -> None:
    refs = (ImageRef("u-boot.bin", "/x/u-boot.bin", span(6), at=0x8020_0000),)
    plan = plan_of(system(vm("u-boot", 128 * MIB, images=refs)))
    made = plan.vms[0]
    assert (made.entry, made.regions[0].ipa, made.dtb) == (0x8020_0000, 0x8000_0000, 0x87ff_f000)


def test_superpages_of_a_gigabyte() -> None:
    plan = plan_of(system(vm("a", 3 * GIB)), virt(memory=((0x8000_0000, 8 * GIB),)))
    rest = max(of_kind(plan, 0, "ram"), key=lambda m: m.size)
    assert (rest.ipa - rest.phys) % GIB == 0
    tree = table_blob(plan).trees[1]
    assert max(e.size for n in tree.nodes for e in n.slots() if e.kind == "leaf") == GIB


def test_fixed_place_holds_the_image_too() -> None:
    plan = plan_of(system(vm("a", memory=(ram(16 * MIB, 10, phys=0x8800_0000),))))
    assert all(m.phys - m.ipa == 0x800_0000 for m in plan.vms[0].maps)
    assert [m.kind for m in plan.vms[0].maps] == ["image", "dtb", "ram"]


def test_further_regions() -> None:
    plan = plan_of(system(vm("a", memory=(
        ram(16 * MIB, 10), ram(2 * MIB, 11, "scratch"), ram(64 * KIB, 12, "dma", at="identity"),
        ram(4 * KIB, 13, "low", at=0x1000, access="r"), ram(4 * MIB, 14, "fast", phys=0x9000_0000, access="rw")))))
    regions = {r.name: r for r in plan.vms[0].regions}
    assert (regions["dma"].ipa, regions["scratch"].ipa, regions["fast"].ipa) == (0x8100_0000, 0x8120_0000, 0x8140_0000)
    parts = {m.name.removeprefix("memory."): m for m in of_kind(plan, 0, "ram")}
    assert parts["dma"].ipa == parts["dma"].phys == regions["dma"].ipa
    assert (parts["fast"].phys, parts["fast"].access, parts["low"].access) == (0x9000_0000, "rw", "r")


def test_reserved_memory_is_left_alone() -> None:
    board = virt(memory=((0x8000_0000, 256 * MIB),))
    hole = Reserved("mmode", 0x8040_0800, 3 * MIB, span(9, "board.dts"))
    plan = plan_of(system(vm("a"), vm("b")), dataclasses.replace(board, reserved=board.reserved + (hole,)))
    for made in plan.vms:
        for m in made.maps:
            assert m.phys + m.size <= 0x8040_0000 or m.phys >= 0x8070_1000
    assert [(u.base, u.size) for u in plan.uses if u.owner == "mmode"] == [(0x8040_0000, 3 * MIB + 0x1000)]


def test_pieces_of_an_image_and_images_that_share_a_page() -> None:
    images = dict(IMAGES)
    images["/x/gap.elf"] = image(elf((0x8000_0000, CODE, 0x800, 5), (0x8050_0000, b"x", 1, 6)), "gap.elf")
    refs = (ImageRef("gap.elf", "/x/gap.elf", span(6)), ImageRef("cal.bin", "/x/u-boot.bin", span(7), at=0x8060_0000),
            ImageRef("t.bin", "/x/initrd", span(8), at=0x8069_c480))
    sink = Sink()
    plan = make_plan(system(vm("a", images=refs)), virt(), images, sink)
    assert plan is not None
    assert [(p.name, len(p.data)) for p in plan.payloads] == [
        ("a-image0", 0x1000), ("a-image0-1", 0x1000), ("a-image1", 0x12f000), ("a-dtb", 0x1000)]
    joined = plan.payloads[2].data
    assert joined[0x9c3fc:0x9c400] == b"\x6f\0\0\0" and joined[0x9c480:0x9c486] == b"070701"


def test_restart_keeps_a_copy_and_puts_it_back() -> None:
    again = Action(span(9), "restart", 3, 10_000_000, "halt-system")
    plan = plan_of(system(vm("a", on_fault=again), vm("b", on_reset=Action(span(9), "stop"))))
    made = plan.vms[0]
    assert made.on_fault == Policy("restart", 3, 100_000_000, "halt-system") and made.on_poweroff == Policy()
    copies = {p.name: p for p in plan.payloads if p.name.endswith("-pristine")}
    assert set(copies) == {"a-image0-pristine", "a-dtb-pristine"}
    assert copies["a-image0-pristine"].data == next(p for p in plan.payloads if p.name == "a-image0").data
    where = {m.ipa: m.phys for m in made.maps}
    assert made.restores == tuple(Restore(ipa, size, source, where[ipa]) for ipa, size, source in (
        (0x8000_0000, 0x3000, copies["a-image0-pristine"].phys), (0x8000_3000, 16 * MIB - 0x4000, 0),
        (0x80ff_f000, 0x1000, copies["a-dtb-pristine"].phys)))
    assert [(m.phys, m.size, m.access) for m in plan.hypervisor.copies] == [
        (copies["a-image0-pristine"].phys, 0x3000, "r"), (copies["a-dtb-pristine"].phys, 0x1000, "r")]
    assert plan.vms[1].restores == () and plan.vms[1].on_reset == Policy()


def test_thirty_two_bits() -> None:
    board = virt(load=0x8040_0000, isa=("i", "m", "a", "h"))
    board = dataclasses.replace(board, arch="riscv32", cpus=tuple(
        dataclasses.replace(c, isa_base="rv32i", mmu_type="riscv,sv32") for c in board.cpus))
    images = {"/x/a.elf": _parse(elf((0x9040_1000, CODE, len(CODE), 7), bits=32), "/x/a.elf", "a.elf", "riscv32")}
    plan = make_plan(system(vm("a")), board, images, Sink())
    assert plan is not None and (plan.stage1, plan.stage2) == ("sv32", "sv32x4")
    assert plan.vms[0].regions[0].ipa == 0x9040_0000
    rest = max(of_kind(plan, 0, "ram"), key=lambda m: m.size)
    assert (rest.ipa - rest.phys) % (4 * MIB) == 0
    assert plan.vms[0].table % 0x4000 == 0


# Devices, interrupts, channels

def test_device_at_the_virtual_uarts_place() -> None:
    plan = plan_of(system(vm("a", devices=(device_ref("serial@10000000"),)), console="none"))
    made = plan.vms[0]
    assert [(w.kind, w.ipa) for w in made.windows] == [("plic", 0x0c00_0000), ("uart", 0x1000_1000)]
    assert [(line.guest, line.physical) for line in made.lines] == [(10, 10), (32, 0)]
    assert made.uart_line == 32 and plan.console is None and plan.irq_owner == ((10, 0, 10),)


def test_memory_at_the_virtual_controllers_place() -> None:
    plan = plan_of(system(vm("a", memory=(ram(16 * MIB, 10), ram(64 * MIB, 11, "low", at=0x0c00_0000)))))
    assert [(w.kind, w.ipa) for w in plan.vms[0].windows] == [("plic", 0x1000_0000), ("uart", 0x1060_0000)]


def test_devices_that_share_a_page_share_a_mapping() -> None:
    board = virt()
    first = dataclasses.replace(board.devices[0], name="x@20000000", path="/x", registers=((0x2000_0100, 0x100),))
    second = dataclasses.replace(board.devices[0], name="y@20000800", path="/y", registers=((0x2000_0800, 0x1000),),
                                 interrupts=())
    board = dataclasses.replace(board, devices=board.devices + (first, second))
    plan = plan_of(system(vm("a", devices=(device_ref("x@20000000"), device_ref("y@20000800", 21)))), board)
    assert [(m.ipa, m.size, m.name) for m in of_kind(plan, 0, "device")] == [
        (0x2000_0000, 0x2000, "devices: x@20000000, y@20000800")]


def test_device_elsewhere() -> None:
    plan = plan_of(system(vm("a", devices=(device_ref("rtc@101000", at=0x3000_0000),))))
    assert [(m.ipa, m.phys) for m in of_kind(plan, 0, "device")] == [(0x3000_0000, 0x10_1000)]


def test_the_rest_of_the_devices() -> None:
    plan = plan_of(system(vm("a", devices_rest=DevicesRest(span(9), (("virtio_mmio@10003000", span(9)),))),
                          vm("b", devices=(device_ref("rtc@101000"),))))
    # virtio masters memory and no IOMMU guards it: it is never part of the rest
    assert [m.name for m in of_kind(plan, 0, "device")] == []
    assert [m.name for m in of_kind(plan, 1, "device")] == ["devices: rtc@101000"]


def test_channel_from_one_to_many() -> None:
    plan = plan_of(system(vm("a"), vm("b"), vm("c"), channels=(channel("x", 16 * KIB, "a", "b", "c"),)))
    a, b, c = plan.vms
    whole, none = Range(0, 16 * KIB), Range(0, 0)
    assert a.channels == (ChannelEnd("x", 0x7000_0000, 16 * KIB, none, whole, 0x7000_4000, 32, ((1, 32), (2, 32)), 4),)
    assert b.channels == (ChannelEnd("x", 0x7000_0000, 16 * KIB, whole, none, 0x7000_4000, 32, ((0, 32),), 4),)
    assert [of_kind(plan, i, "channel")[0].access for i in range(3)] == ["rw", "r", "r"]
    assert len({of_kind(plan, i, "channel")[0].phys for i in range(3)}) == 1


@pytest.mark.parametrize("doorbell, writer, reader", [("to", (0x7000_2000, 0), (0, 32)),
                                                      ("from", (0, 32), (0x7000_2000, 0)),
                                                      ("both", (0x7000_2000, 32), (0x7000_2000, 32)),
                                                      ("none", (0, 0), (0, 0))])
def test_who_rings(doorbell: str, writer: tuple[int, int], reader: tuple[int, int]) -> None:
    plan = plan_of(system(vm("a"), vm("b"), channels=(channel("x", 8 * KIB, "a", "b", doorbell=doorbell),)))
    (one,), (other,) = plan.vms[0].channels, plan.vms[1].channels
    assert (one.doorbell_ipa, one.interrupt) == writer and (other.doorbell_ipa, other.interrupt) == reader
    assert one.rings == (((1, other.interrupt),) if writer[0] else ())
    assert [w.ipa for w in plan.vms[0].windows if w.kind == "doorbell"] == ([writer[0]] if writer[0] else [])


def test_channel_between_two() -> None:
    plan = plan_of(system(vm("a"), vm("b"), channels=(channel("x", 16 * KIB, "a", "b", between=True),)))
    assert [(m.ipa, m.size, m.access) for m in of_kind(plan, 0, "channel")] == [(0x7000_0000, 0x2000, "rw"),
                                                                                (0x7000_2000, 0x2000, "r")]
    assert [(m.ipa, m.size, m.access) for m in of_kind(plan, 1, "channel")] == [(0x7000_0000, 0x2000, "r"),
                                                                                (0x7000_2000, 0x2000, "rw")]
    assert plan.vms[0].channels[0].write == plan.vms[1].channels[0].read == Range(0, 0x2000)


def test_fixed_numbers_of_a_channel() -> None:
    fixed = ChannelOverride("x", span(9), 0x6000_0000, span(9), 52, span(9))
    plan = plan_of(system(vm("a"), vm("b", channels=(fixed,)), channels=(
        channel("x", 8 * KIB, "a", "b"), channel("y", 4 * MIB, "a", "b"))))
    ends = plan.vms[1].channels
    assert [(e.ipa, e.interrupt) for e in ends] == [(0x6000_0000, 52), (0x7000_0000, 32)]
    assert plan.vms[0].channels[0].rings == ((1, 52),)
    large = next(m for m in plan.vms[0].maps if m.name == "channels.y")
    assert large.ipa % (2 * MIB) == large.phys % (2 * MIB) == 0


# CPUs

def test_named_cpus_come_first() -> None:
    plan = plan_of(system(vm("a", count=2), vm("b", cpus=CpuRequest(span(9),
                                                                    names=(("cpu@1", span(9)), ("cpu@0", span(9)))))))
    assert [[plan.cpus[i].name for i in v.cpus] for v in plan.vms] == [["cpu@2", "cpu@3"], ["cpu@1", "cpu@0"]]
    assert [(c.name, c.vm, c.vcpu) for c in plan.cpus] == [("cpu@0", 1, 1), ("cpu@1", 1, 0), ("cpu@2", 0, 0),
                                                           ("cpu@3", 0, 1)]


def test_clusters_keep_their_cpus() -> None:
    board = virt()
    cpus = tuple(dataclasses.replace(c, cluster=f"cluster{c.index // 2}") for c in board.cpus)
    plan = plan_of(system(vm("a", count=2), vm("b", cpus=CpuRequest(span(9), 2, "cluster0"))),
                   dataclasses.replace(board, cpus=cpus))
    assert [[plan.cpus[i].name for i in v.cpus] for v in plan.vms] == [["cpu@2", "cpu@3"], ["cpu@0", "cpu@1"]]


@pytest.mark.parametrize("isa, henvcfg, shown", [
    (("i", "m", "h", "sstc"), 1 << 63, ("i", "m", "sstc")),
    (("i", "zicbom", "zicboz", "svpbmt"), 1 << 62 | 0xd0, ("i", "zicbom", "zicboz", "svpbmt")),
    (("i", "svadu"), 1 << 61, ("i", "svadu")),
    (("i", "svade", "svadu"), 0, ("i", "svade")),
    (("i", "v", "smstateen", "shgatpa", "ssaia", "sscofpmf"), 0, ("i", "v")),
])
def test_what_guests_see_of_the_cpus(isa: tuple[str, ...], henvcfg: int, shown: tuple[str, ...]) -> None:
    plan = plan_of(system(vm("a")), virt(isa=isa + ("h",)))
    assert (plan.henvcfg, plan.vms[0].isa, plan.sstc) == (henvcfg, shown, "sstc" in isa)


def test_what_one_cpu_lacks_no_guest_has() -> None:
    board = virt()
    cpus = tuple(dataclasses.replace(c, isa=ISA if c.index else ("i", "h")) for c in board.cpus)
    plan = plan_of(system(vm("a"), vm("b")), dataclasses.replace(board, cpus=cpus))
    assert plan.henvcfg == 0 and not plan.sstc
    assert "sstc" not in plan.vms[1].isa and "zicsr" in plan.vms[1].isa


def test_the_console_goes_to_the_least_critical() -> None:
    plan = plan_of(system(vm("a", criticality=3), vm("b", criticality=1, count=2), vm("c", criticality=1)))
    assert plan.console is not None and plan.cpus[plan.console.cpu].vm == 1


# Any plan

@st.composite
def systems(draw: st.DrawFn) -> tuple[System, Board]:
    vms: list[Vm] = []
    names = "abcd"[:draw(st.integers(1, 4))]
    for name in names:
        size = draw(st.sampled_from((64 * KIB, MIB, 16 * MIB, 129 * MIB + 4 * KIB, GIB)))
        kind = draw(st.sampled_from(("plain", "identity", "linux", "restart")))
        more: dict[str, object] = {}
        if kind in ("identity", "linux"):
            more = {"images": KERNEL, "memory": (ram(max(size, 16 * MIB), 10, at="identity" if kind == "identity"
                                                     else None),)}
        elif kind == "restart":
            more = {"on_fault": Action(span(9), "restart")}
        if draw(st.booleans()):
            more["console"] = "none"
        vms.append(vm(name, size, **more))
    channels = tuple(channel(f"c{i}", draw(st.sampled_from((8 * KIB, 64 * KIB, 2 * MIB))), names[0], names[-1],
                             doorbell=draw(st.sampled_from(("to", "from", "both", "none"))),
                             between=draw(st.booleans()))
                     for i in range(draw(st.integers(0, 3)) if len(names) > 1 else 0))
    banks = draw(st.sampled_from((((0x8000_0000, 4 * GIB),), ((0x8000_0000, 512 * MIB), (0x1_0000_0000, 3 * GIB)),
                                  ((0x8000_0000, 2 * GIB), (0x1_8000_0000, 2 * GIB)))))
    return system(*vms, channels=channels), virt(memory=banks)


@settings(max_examples=60, deadline=None)
@given(systems())
def test_any_plan_keeps_its_promises(case: tuple[System, Board]) -> None:
    """check() has run already: one owner for each page, all in RAM. Here: every region is whole, and tables are where
    they are said to be."""
    described, board = case
    sink = Sink()
    plan = make_plan(described, board, IMAGES, sink)
    if plan is None:
        assert sink.found and all(d.code in ("BH0309", "BH0421") for d in sink.found)
        return
    for vm_plan in plan.vms:
        for region in vm_plan.regions:
            at = region.ipa
            for m in vm_plan.maps:
                if region.ipa <= m.ipa < region.end:
                    assert m.ipa == at
                    at = m.end
            assert at == region.end
        for m in vm_plan.maps:
            if m.kind in ("image", "initrd", "dtb"):
                assert any(p.phys <= m.phys and m.phys + m.size <= p.phys + len(p.data) for p in plan.payloads)
        numbers = [line.guest for line in vm_plan.lines]
        assert len(set(numbers)) == len(numbers) and 0 not in numbers
        for end in vm_plan.channels:
            for target, number in end.rings:
                assert number in [line.guest for line in plan.vms[target].lines]
    trees = table_blob(plan)
    assert trees.size <= plan.hypervisor.tables.size
    assert [t.root for t in trees.trees] == [plan.hypervisor.root, *(v.table for v in plan.vms)]
    assert len({p.name for p in plan.payloads}) == len(plan.payloads)
    assert plan.hypervisor.tables.size - trees.size < 3 * 0x4000


def test_the_plan_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of the allocator would be found, whatever it is."""
    from configtool.plan.check import check
    board, plan = virt(), plan_of(two_vms())

    def broken(**changes: object) -> Plan:
        one = dataclasses.replace(plan.vms[0], **changes)      # type: ignore[arg-type]
        return dataclasses.replace(plan, vms=(one, plan.vms[1]))

    def moved(kind: str, **changes: object) -> tuple[Mapping, ...]:
        return tuple(dataclasses.replace(m, **changes) if m.kind == kind else m     # type: ignore[arg-type]
                     for m in plan.vms[0].maps)

    for bad, message in (
            (broken(maps=moved("ram", phys=plan.hypervisor.load)), "overlap"),
            (broken(maps=moved("ram", phys=0x4000_0000)), "is not RAM"),
            (broken(maps=moved("dtb", phys=0x8000_0000)), "overlaps OpenSBI"),
            (broken(maps=moved("dtb", ipa=0x8000_0000)), "overlap at"),
            (broken(maps=moved("dtb", size=0x800)), "whole pages"),
            (broken(maps=moved("device", phys=0x1000_0000)), "maps the hypervisor's console"),
            (broken(entry=0x1000), "not executable memory"),
            (dataclasses.replace(plan, uses=plan.uses[1:]), "do not add up")):
        with pytest.raises(InternalError, match=message):
            check(bad, board)


def test_sixty_four_vms_are_planned_quickly() -> None:
    board = virt(cpus=64, memory=((0x8000_0000, 64 * GIB),))
    many = system(*(vm(f"v{i}", file="a.elf", memory=(ram(128 * MIB, 10),
                                                      *(ram(64 * KIB, 11, f"r{j}") for j in range(15))))
                    for i in range(64)))
    start = time.process_time()
    plan = plan_of(many, board)
    assert len(plan.vms) == 64
    assert time.process_time() - start < 2.0
