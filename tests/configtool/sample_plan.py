# SPDX-License-Identifier: Apache-2.0
"""A small plan made by hand, for tests of the emitters: two VMs on three harts, a channel, a device, a console."""
from __future__ import annotations

import struct

from configtool.plan.arch import FORMATS
from configtool.plan.model import (Bank, ChannelEnd, Console, CpuPlan, HypervisorPlan, Irqchip, Line, Mapping, Payload,
                                   Plan, Property, Range, TreeNode, Use, VmPlan, Window)
from configtool.plan.tables import blob

LOAD = 0x8020_0000
MIB = 1 << 20


def cells(name: str, *values: int) -> Property:
    return Property(name, struct.pack(f">{len(values)}I", *values), "<" + " ".join(f"{v:#x}" for v in values) + ">")


def text(name: str, *values: str) -> Property:
    return Property(name, b"".join(v.encode() + b"\0" for v in values), ", ".join(f'"{v}"' for v in values))


def tree() -> TreeNode:
    root = (cells("#address-cells", 2), cells("#size-cells", 2), text("compatible", "bulkhead,guest"),
            text("model", "vm"))
    memory = TreeNode("memory@80000000", (text("device_type", "memory"), cells("reg", 0, 0x80000000, 0, 0x1000000)), ())
    chosen = TreeNode("chosen", (Property("odd", b"\1\2\3", ""), Property("flag", b"", "")), ())
    return TreeNode("", root, (chosen, memory))


def sample(arch: str = "riscv64", stage1: str = "sv39", stage2: str = "sv39x4") -> Plan:
    text_range = Range(LOAD, 0x8000)
    rodata = Range(text_range.end, 0x3000)
    data = Range(rodata.end, 0x2000)
    stacks = Range(data.end, 3 * 0x2000)
    cpus = tuple(CpuPlan(id, f"cpu@{id}", vm, vcpu, Range(stacks.base + i * 0x2000 + 0x1000, 0x1000), 2 * id + 1)
                 for i, (id, vm, vcpu) in enumerate(((0, 0, 0), (1, 1, 0), (3, 1, 1))))
    devices = (Mapping(0x0c00_0000, 0x0c00_0000, 0x60_0000, "rw", "device", "interrupt controller"),
               Mapping(0x1000_0000, 0x1000_0000, 0x1000, "rw", "device", "console"))

    def maps(image: int, ram: int, channel: str, writes: bool, device: bool) -> tuple[Mapping, ...]:
        out = [Mapping(0x7000_0000, 0x8900_0000, 0x1000, "rw" if writes else "r", "channel", f"channels.{channel}", 9)]
        if device:
            out.append(Mapping(0x10_1000, 0x10_1000, 0x1000, "rw", "device", "devices: rtc@101000", 17))
        out += [Mapping(0x8000_0000, image, 0x3000, "rwx", "image", "memory.ram", 15),
                Mapping(0x8000_3000, ram + 0x3000, 16 * MIB - 0x3000, "rwx", "ram", "memory.ram", 15)]
        return tuple(sorted(out, key=lambda m: m.ipa))

    tables = Range(stacks.end, 0)
    image0, image1 = LOAD + 0x20_0000, LOAD + 0x20_3000
    guests = (maps(image0, 0x8200_0000, "commands", True, True), maps(image1, 0x8300_0000, "commands", False, False))
    own = [Mapping(r.base, r.base, r.size, access, "ram", "") for r, access in
           ((text_range, "rx"), (rodata, "r"), (data, "rw"), *((c.stack, "rw") for c in cpus))] + list(devices)
    trees = blob(tables.base, [(own, FORMATS[stage1]), *((m, FORMATS[stage2]) for m in guests)])
    tables = Range(tables.base, (trees.size + 0xfff) // 0x1000 * 0x1000)
    hypervisor = HypervisorPlan(LOAD, text_range, rodata, data, stacks, tables, trees.trees[0].root, tables.end,
                                devices)

    plic = Window(0x0c00_0000, 0x60_0000, "plic", 0, "interrupt controller")
    uart = Window(0x1000_0000, 0x1000, "uart", 0, "console")
    bell = Window(0x7000_1000, 0x1000, "doorbell", 0, "channels.commands", 9)
    control = VmPlan(
        "control", 0, 1, 7, 12, (0,), 0x8000_0000, 0, "virtual", guests[0], (plic, uart, bell),
        (Line(10, 0, "level-high", "console"), Line(11, 11, "level-high", "devices: rtc@101000", 17)),
        (ChannelEnd("commands", 0x7000_0000, 0x1000, Range(0, 0), Range(0, 0x1000), 0x7000_1000, 0, ((1, 32),), 9),),
        ("i", "m", "a"), tree(), trees.trees[1].root, 10)
    worker = VmPlan(
        "worker", 1, 2, 2, 20, (1, 2), 0x8000_0000, 0, "none", guests[1], (plic,),
        (Line(32, 0, "edge-rising", "channels.commands", 9),),
        (ChannelEnd("commands", 0x7000_0000, 0x1000, Range(0, 0x1000), Range(0, 0), 0, 32, (), 9),),
        ("i", "m", "a"), None, trees.trees[2].root)
    return Plan(
        "sample", "system.yaml", "qemu-riscv64-virt", arch, stage2, stage1, 10_000_000, True, 1 << 63, hypervisor, cpus,
        (control, worker),
        (Payload("control-image0", image0, b"C" * 0x3000, "control.elf", 16),
         Payload("worker-image0", image1, b"W" * 0x3000, "worker.elf", 24)),
        Console("ns16550a", 0x1000_0000, 0x1000, 10, 0, 1, 0, "serial0", 5),
        Irqchip("plic", 0x0c00_0000, 0x60_0000, 95),
        ((10, -1, 0), (11, 0, 11)), (Bank(0x8000_0000, 128 * MIB, 0x83ff_fff8),),
        (Use(0x8000_0000, 128 * MIB, "free"),),
        ("qemu-system-riscv64", "-M", "virt", "-kernel", "{bin}", "-append", "a b$c"))
