# SPDX-License-Identifier: Apache-2.0
"""The meaning of device trees: the boards that come with Bulkhead, and small trees for what they do not have."""
from __future__ import annotations

import subprocess
import time

import pytest

from configtool.board.dtb import read_dtb
from configtool.board.extract import Facts, extract
from configtool.board.load import load_board
from configtool.board.memory import usable
from configtool.board.model import Board, Device, MemoryBank, Reserved
from configtool.diagnostics import Sink
from configtool.source import Span


def board(name: str) -> Board:
    found = load_board(name, Span("test"), "", Sink())
    assert found is not None
    return found


def facts(text: str) -> Facts:
    """Of a tree with a GICv3 (label gic) and one CPU, and `text` at its root."""
    source = """/dts-v1/;
        / {
            #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>;
            cpus {
                #address-cells = <1>; #size-cells = <0>;
                cpu@0 { device_type = "cpu"; reg = <0>; compatible = "arm,cortex-a72"; };
            };
            gic: gic@8000000 {
                compatible = "arm,gic-v3"; reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0x80000>;
                #interrupt-cells = <3>; interrupt-controller;
            };
        """ + text + "};"
    return extract(tree(source))


def tree(source: str):      # type: ignore[no-untyped-def]
    done = subprocess.run(["dtc", "-q", "-@", "-O", "dtb"], input=source.encode(), stdout=subprocess.PIPE, check=True)
    return read_dtb(done.stdout, "x.dtb")


def device(found: Facts, name: str) -> Device:
    return next(d for d in found.devices if d.name == name or d.label == name)


def test_riscv_with_a_plic() -> None:
    made = board("qemu-riscv64-virt")
    assert made.arch == "riscv64" and made.timebase == 10_000_000 and made.boot == "sbi" and made.load == 0x80200000
    assert [(c.name, c.id, c.label, c.cluster, c.mmu_type, c.virtualisation) for c in made.cpus] == [
        (f"cpu@{n}", n, f"cpu{n}", "cluster0", "riscv,sv57", True) for n in range(4)]
    assert {"h", "sstc", "zicboz"} < set(made.cpus[0].isa) and made.cpus[0].isa_base == "rv64i"
    controller = made.controller
    assert controller is not None and (controller.kind, controller.sources) == ("plic", 95)
    assert controller.registers == ((0xC000000, 0x600000),) and controller.contexts == {0: 1, 1: 3, 2: 5, 3: 7}
    rtc = made.device("rtc@101000")
    assert rtc is not None and rtc.registers == ((0x101000, 0x1000),) and rtc.dma_master is False
    assert [(i.number, i.trigger, i.controller) for i in rtc.interrupts] == [(11, "level-high", "/soc/plic@c000000")]
    pci = made.device("pci")
    assert pci is not None and [i.number for i in pci.interrupts] == [32, 33, 34, 35]
    assert pci.windows == ((0x3000000, 0x10000), (0x40000000, 0x40000000), (0x400000000, 0x400000000))
    kinds = {d.name: d.kind for d in made.devices if d.kind != "device"}
    assert kinds == {"test@100000": "power", "clint@2000000": "clint", "plic@c000000": "interrupt-controller",
                     "pci@30000000": "pci"}
    assert made.console == "/soc/serial@10000000" and made.device("serial0").aliases == ("serial0",)


def test_riscv_with_aplic_and_imsic() -> None:
    aplic = board("qemu-riscv64-virt-aplic").controller
    assert aplic is not None and (aplic.kind, aplic.path, aplic.sources) == (
        "aplic", "/soc/interrupt-controller@d000000", 96)
    assert aplic.contexts == {0: 0, 1: 1, 2: 2, 3: 3}
    made = board("qemu-riscv64-virt-aia")
    imsic = made.controller
    assert imsic is not None and (imsic.kind, imsic.ids, imsic.guest_index_bits) == ("aplic-imsic", 255, 2)
    assert imsic.imsic == ((0x28000000, 0x10000),) and imsic.registers == ((0xD000000, 0x8000),)
    assert [(i.number, i.trigger) for i in made.device("rtc").interrupts] == [(11, "level-high")]


def test_arm_with_a_gic() -> None:
    made = board("qemu-aarch64-virt-gicv3")
    assert made.arch == "aarch64" and made.psci == "smc" and [c.enable_method for c in made.cpus] == ["psci"] * 4
    gic = made.controller
    assert gic is not None and (gic.kind, gic.its) == ("gicv3", ((0x8080000, 0x20000),))
    assert gic.registers == ((0x8000000, 0x10000), (0x80A0000, 0xF60000))
    uart, timer = made.device("serial0"), made.device("timer")
    assert [(i.number, i.trigger) for i in uart.interrupts] == [(33, "level-high")]
    assert timer.kind == "timer" and [i.number for i in timer.interrupts] == [29, 30, 27, 26]
    assert [(i.number, i.trigger) for i in made.device("virtio_mmio@a000000").interrupts] == [(48, "edge-rising")]
    assert uart.depends == (("clocks", "/apb-pclk"),)
    v2 = board("qemu-aarch64-virt-gicv2").controller
    assert v2 is not None and v2.kind == "gicv2" and v2.virtual and len(v2.registers) == 4


def test_registers_through_ranges() -> None:
    found = facts("""
        bus {
            compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>;
            ranges = <0 1 0x10000000 0x1000000>, <0x2000000 2 0 0x10>;
            inner {
                compatible = "simple-bus"; #address-cells = <2>; #size-cells = <1>;
                ranges = <1 0 0x1000 0x1000>, <2 0 0x2000000 0x10>;
                a@100 { compatible = "a"; reg = <1 0x20 0x10 2 4 4 1 0 0>; };
                lost { compatible = "l"; reg = <3 0 4>; };
            };
            i2c@3000 {
                compatible = "i"; reg = <0x3000 0x100>; #address-cells = <1>; #size-cells = <0>;
                chip@50 { compatible = "c"; reg = <0x50>; interrupts = <0 9 4>; };
            };
        };
        same {
            compatible = "simple-bus"; #address-cells = <2>; #size-cells = <2>; ranges;
            b@5 {
                compatible = "b"; reg = <0 5 0 1>;
                off@0 { compatible = "o"; reg = <0 0>; };
            };
        };
    """)
    assert device(found, "a@100").registers == ((0x1_1000_1020, 0x10), (0x2_0000_0004, 4))
    assert device(found, "lost").problems == (("the address 0x300000000 in reg is in no range of its bus",
                                               Span("x.dtb")),)
    i2c = device(found, "i2c@3000")
    assert i2c.registers == ((0x1_1000_3000, 0x100),) and [i.number for i in i2c.interrupts] == [41]     # its chip's
    assert device(found, "b@5").registers == ((5, 1),)
    assert [d.name for d in found.devices] == ["gic@8000000", "a@100", "lost", "i2c@3000", "b@5"]


def test_interrupts_through_maps_and_other_controllers() -> None:
    found = facts("""
        nexus: nexus {
            #interrupt-cells = <1>; #address-cells = <2>; interrupt-map-mask = <0 0xf000 3>;
            interrupt-map = <0 0x1000 1 &gic 0 0 4>, <0 0x1000 2 &gic 0 1 8>, <0 0x2000 1 &steer 7 1>;
        };
        steer: steer@1 {
            compatible = "v,steer"; reg = <0 1 0 1>; #interrupt-cells = <2>; interrupt-controller;
            interrupts = <0 30 4>;
        };
        mediatek: irq {
            compatible = "m,x-sysirq"; #interrupt-cells = <3>; interrupt-controller; interrupt-parent = <&gic>;
        };
        pdc: pdc@2 {
            compatible = "qcom,pdc"; reg = <0 2 0 1>; qcom,pdc-ranges = <0 480 10>, <10 600 5>;
            #interrupt-cells = <2>; interrupt-controller; interrupt-parent = <&gic>;
        };
        a@1004 { compatible = "a"; reg = <0 0x1004 0 1>; interrupt-parent = <&nexus>; interrupts = <1>, <6>; };
        b@2000 { compatible = "b"; reg = <0 0x2000 0 1>; interrupt-parent = <&nexus>; interrupts = <1>; };
        c@3000 {
            compatible = "c"; reg = <0 0x3000 0 1>;
            interrupts-extended = <&gic 0 5 1>, <&gic 1 6 2>, <&mediatek 0 8 2>, <&pdc 12 1>, <&pdc 99 1>;
        };
        d@4000 { compatible = "d"; reg = <0 0x4000 0 1>; interrupts = <7 0 4>; };
        e@5000 { compatible = "e"; reg = <0 0x5000 0 1>; interrupts = <0 0>; };
    """)

    def of(name: str) -> list[tuple[int, str, str]]:
        return [(i.number, i.trigger, i.controller) for i in device(found, name).interrupts]

    gic = "/gic@8000000"
    assert of("a@1004") == [(32, "level-high", gic), (33, "level-low", gic)]
    assert of("b@2000") == [(7, "edge-rising", "/steer@1")]
    assert device(found, "b@2000").depends == (("interrupts", "/steer@1"),)
    assert of("c@3000") == [(37, "edge-rising", gic), (22, "edge-falling", gic), (40, "edge-falling", gic),
                            (634, "edge-rising", gic), (99, "edge-rising", "/pdc@2")]
    assert of("steer") == [(62, "level-high", gic)]
    assert device(found, "d@4000").problems[0][0] == "7 is no kind of interrupt at a GIC: 0 is SPI, 1 is PPI"
    assert device(found, "e@5000").problems[0][0] == "interrupts has 2 cells; /gic@8000000 takes 3 for each"


def test_maps_without_end() -> None:
    found = facts("""
        n1: n1 { #interrupt-cells = <1>; #address-cells = <0>; interrupt-map = <1 &n2 1>; };
        n2: n2 { #interrupt-cells = <1>; #address-cells = <0>; interrupt-map = <1 &n1 1>; };
        a@1 { compatible = "a"; reg = <0 1 0 1>; interrupt-parent = <&n1>; interrupts = <1>; };
    """)
    assert device(found, "a@1").problems[0][0] == "interrupts that lead from map to map without end"


def test_what_a_device_depends_on() -> None:
    found = facts("""
        clk: clk { #clock-cells = <1>; #reset-cells = <0>; };
        reg: reg { };
        gpio: gpio { #gpio-cells = <2>; };
        smmu: iommu@9 { compatible = "arm,smmu-v3"; reg = <0 9 0 1>; #iommu-cells = <1>; };
        pins: pins {
            p0: p0 { };
        };
        a@1 {
            compatible = "a"; reg = <0 1 0 1>; clocks = <&clk 1>, <&clk 2>; resets = <&clk>; vcc-supply = <&reg>;
            pinctrl-0 = <&p0>; cs-gpios = <&gpio 1 2>, <0>, <&gpio 2 3>; iommus = <&smmu 0x20>, <&smmu 0x21>;
            power-domains = <77>;
        };
        pcie@2 { compatible = "b"; device_type = "pci"; reg = <0 2 0 1>; iommu-map = <0 &smmu 0x100 0x100>; };
    """)
    a = device(found, "a@1")
    assert a.depends == (("clocks", "/clk"), ("resets", "/clk"), ("supply", "/reg"), ("pinctrl", "/pins/p0"),
                         ("gpios", "/gpio"))
    assert a.iommus == (("/iommu@9", 0x20), ("/iommu@9", 0x21)) and a.dma_master is True and a.problems == ()
    pcie = device(found, "pcie@2")
    assert pcie.kind == "pci" and pcie.iommus == (("/iommu@9", 0x100),) and device(found, "smmu").kind == "iommu"


@pytest.mark.parametrize("node, expected", [
    ("x@1 { compatible = \"virtio,mmio\";", True), ("ethernet@1 { compatible = \"v,eth\";", True),
    ("serial@1 { compatible = \"v,u\";", False),
    ("x@1 { compatible = \"v,x\", \"ns16550a\";", False), ("x@1 { compatible = \"v,x\"; dma-coherent;", True),
    ("x@1 { compatible = \"v,x\";", None), ("i2c@1 { compatible = \"v,x\"; dmas = <0>;", False)])
def test_who_masters_memory(node: str, expected: bool | None) -> None:
    found = facts(f"{node} reg = <0 1 0 1>; }};")
    assert found.devices[-1].dma_master is expected


def test_the_root_interrupt_controller_is_taken() -> None:
    found = facts("""
        agic@1 {
            compatible = "arm,gic-400"; reg = <0 1 0 1>; #interrupt-cells = <3>; interrupt-controller;
            interrupts = <0 5 4>;
        };
    """)
    assert found.controller is not None and found.controller.path == "/gic@8000000"


@pytest.mark.parametrize("text, base, isa", [
    ("riscv,isa = \"rv64imafdcsu\"", "rv64i", ("i", "m", "a", "f", "d", "c")),
    ("riscv,isa = \"RV64GCH_Zba_zbb_Sstc\"", "rv64i", ("i", "m", "a", "f", "d", "zicsr", "zifencei", "c", "h", "zba",
                                                       "zbb", "sstc")),
    ("riscv,isa = \"rv32imac_zicsr2p0\"", "rv32i", ("i", "m", "a", "c", "zicsr")),
    ("riscv,isa-base = \"rv64i\"; riscv,isa-extensions = \"I\", \"h\"; riscv,isa = \"rv64ima\"", "rv64i", ("i", "h")),
])
def test_riscv_isa_strings(text: str, base: str, isa: tuple[str, ...]) -> None:
    found = extract(tree("/dts-v1/; / { cpus { #address-cells = <1>; #size-cells = <0>; "
                         "timebase-frequency = /bits/ 64 <5>; "
                         f"cpu@0 {{ device_type = \"cpu\"; compatible = \"riscv\"; reg = <0>; {text}; }}; }}; }};"))
    (cpu,) = found.cpus
    assert (cpu.isa_base, cpu.isa, cpu.virtualisation) == (base, isa, "h" in isa)
    assert found.arch == ("riscv32" if base == "rv32i" else "riscv64") and found.timebase == 5


def test_cpus_clusters_and_caches() -> None:
    found = extract(tree("""/dts-v1/;
        / {
            #address-cells = <1>; #size-cells = <1>;
            cpus {
                #address-cells = <2>; #size-cells = <0>; enable-method = "spin-table";
                a: cpu@0 {
                    device_type = "cpu"; reg = <0 0>; compatible = "arm,cortex-a53"; cpu-release-addr = <1 2>;
                    next-level-cache = <&l2>; d-cache-size = <0x8000>; d-cache-line-size = <64>;
                    d-cache-sets = <128>;
                };
                b: cpu@100 {
                    device_type = "cpu"; reg = <1 0x100>; compatible = "arm,cortex-a72"; status = "disabled";
                    next-level-cache = <&l2b>;
                };
                cpu-map {
                    cluster0 {
                        core0 { cpu = <&a>; };
                    };
                    cluster1 {
                        core0 {
                            thread0 { cpu = <&b>; };
                        };
                    };
                };
                l2: l2 {
                    compatible = "cache"; cache-level = <2>; cache-unified; cache-size = <0x80000>;
                    cache-line-size = <64>; cache-sets = <512>; next-level-cache = <&l3>;
                };
                l2b: l2b { compatible = "cache"; cache-level = <2>; cache-unified; next-level-cache = <&l3>; };
                l3: l3 {
                    compatible = "cache"; cache-level = <3>; cache-unified; cache-size = <0x200000>;
                    cache-line-size = <64>; cache-sets = <2048>; next-level-cache = <&l2>;
                };
            };
        };
    """))
    assert [(c.id, c.core, c.cluster, c.enabled, c.release_addr, c.enable_method) for c in found.cpus] == [
        (0, "cortex-a53", "cluster0", True, 0x1_0000_0002, "spin-table"),
        (0x1_0000_0100, "cortex-a72", "cluster1", False, None, "spin-table")]
    assert [(c.name, c.level, c.cpus, c.unified, c.colors) for c in found.caches] == [
        ("cpu@0 data", 1, (0,), False, 2), ("l2", 2, (0, 1), True, 8), ("l2b", 2, (1,), True, 0),
        ("l3", 3, (0, 1), True, 32)]


def test_memory() -> None:
    found = facts("""
        memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x40000000>, <1 0 0 0>; };
        memory@c0000000 { device_type = "memory"; reg = <0 0xc0000000 0 0x40000000>; };
        memory@f { device_type = "memory"; reg = <0xf 0 0 0x1000>; status = "disabled"; };
        reserved-memory {
            #address-cells = <2>; #size-cells = <2>; ranges;
            fw@80000000 { reg = <0 0x80000000 0 0x1000>; no-map; };
            cma { size = <0 0x1000>; reusable; };
            pool@90000000 { reg = <0 0x90000000 0 0x1000>; reusable; };
        };
    """)
    assert [(b.base, b.size) for b in found.memory] == [(0x80000000, 0x80000000)]
    assert [(r.name, r.base, r.size, r.kind) for r in found.reserved] == [
        ("fw@80000000", 0x80000000, 0x1000, "reserved")]
    span = Span("f")
    banks = (MemoryBank(0, 100, span), MemoryBank(200, 100, span))
    reserved = tuple(Reserved("x", base, size, span) for base, size in ((50, 10), (90, 120), (55, 2), (299, 50)))
    assert usable(banks, reserved) == [(0, 50), (60, 30), (210, 89)]


def test_time_stays_bounded_for_trees_made_to_take_long() -> None:
    """Each of these fills most of the 2 MiB that are read with what is looked up for each other thing."""
    ranges = "ranges = <" + " ".join(f"{i * 16} 0 {i * 16} 8" for i in range(512)) + ">"
    regs = " ".join(f"n{i} {{ compatible = \"n\"; reg = <" + "8184 4 " * 250 + ">; };" for i in range(300))
    cells = " ".join(f"{i} &gic 0 1 4" for i in range(4000))
    irqs = " ".join(f"m{i} {{ compatible = \"m\"; interrupts = <" + f"{i} " * 500 + ">; };" for i in range(300))
    aliases = " ".join(f"a{i} = \"/nowhere/n{i}\";" for i in range(4000))
    flat = " ".join(f"k{i} {{ }};" for i in range(4000))
    for text in (f"bus {{ compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>; {ranges}; {regs} }};",
                 f"x: x {{ #interrupt-cells = <1>; #address-cells = <0>; interrupt-map = <{cells}>; }}; "
                 f"y {{ interrupt-parent = <&x>; {irqs} }};",
                 f"aliases {{ {aliases} }}; {flat}"):
        start = time.monotonic()
        facts(text)
        assert time.monotonic() - start < 10
