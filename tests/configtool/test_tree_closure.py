# SPDX-License-Identifier: Apache-2.0
"""Passed-through devices in a guest's tree: what comes along, what becomes of references, what rules say of the rest.

A board of its own here: an SoC with a clock controller, pins, GPIOs and regulators, on which each test gives devices to
VMs.
"""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from configtool.cli.main import main
from configtool.pipeline import analyse
from configtool.plan.model import TreeNode
from workbench import brief, configtool, furnish

BOARD = """\
/dts-v1/;
/ {
    #address-cells = <2>; #size-cells = <2>; compatible = "vendor,soc";
    aliases { serial3 = &uart; mmc0 = &mmc; };
    chosen { stdout-path = "serial3:115200n8"; };
    memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x40000000>; };
    cpus {
        #address-cells = <1>; #size-cells = <0>; timebase-frequency = <10000000>;
        cpu@0 { device_type = "cpu"; reg = <0>; compatible = "riscv"; riscv,isa = "rv64imafdch_sstc";
            mmu-type = "riscv,sv39";
            intc0: interrupt-controller { #interrupt-cells = <1>; interrupt-controller;
                compatible = "riscv,cpu-intc"; }; };
        cpu@1 { device_type = "cpu"; reg = <1>; compatible = "riscv"; riscv,isa = "rv64imafdch_sstc";
            mmu-type = "riscv,sv39";
            intc1: interrupt-controller { #interrupt-cells = <1>; interrupt-controller;
                compatible = "riscv,cpu-intc"; }; };
    };
    osc: oscillator { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <24000000>; };
    half: half { compatible = "fixed-factor-clock"; #clock-cells = <0>; clocks = <&osc>; clock-div = <2>;
        clock-mult = <1>; };
    vcc: regulator-vcc { compatible = "regulator-fixed"; regulator-name = "vcc"; gpio = <&gpio 4 0>;
        vin-supply = <&v5>; };
    v5: regulator-5v { compatible = "regulator-fixed"; regulator-name = "v5";
        regulator-min-microvolt = <5000000>;
        regulator-max-microvolt = <5000000>; };
    firmware { power: power-controller { compatible = "vendor,power"; #power-domain-cells = <1>; }; };
    soc {
        #address-cells = <1>; #size-cells = <1>; compatible = "simple-bus"; ranges = <0 0 0x10000000 0x1000000>,
            <0xc000000 0 0xc000000 0x600000>; interrupt-parent = <&plic>;
        plic: interrupt-controller@c000000 { compatible = "sifive,plic-1.0.0"; reg = <0xc000000 0x600000>;
            #interrupt-cells = <1>;
            #address-cells = <0>; interrupt-controller; riscv,ndev = <95>;
            interrupts-extended = <&intc0 11>, <&intc0 9>, <&intc1 11>, <&intc1 9>; };
        clk: clock-controller@1000 { compatible = "vendor,clk"; reg = <0x1000 0x1000>; #clock-cells = <1>;
            #reset-cells = <1>; };
        gpio: gpio@2000 { compatible = "vendor,gpio"; reg = <0x2000 0x1000>; gpio-controller; #gpio-cells = <2>;
            interrupt-controller; #interrupt-cells = <2>; interrupts = <20>; clocks = <&osc>; };
        pins: pinctrl@3000 { compatible = "vendor,pins"; reg = <0x3000 0x1000>;
            uart_pins: uart-pins { pins = "a", "b"; }; };
        uart: serial@4000 { compatible = "ns16550a"; reg = <0x4000 0x100>; interrupts = <10>; clocks = <&half>,
            <&osc>;
            clock-names = "baud", "bus"; reg-shift = <2>; };
        uart2: serial@5000 { compatible = "ns16550a"; reg = <0x5000 0x100>; interrupts = <11>;
            clocks = <&clk 7>, <&osc>;
            clock-names = "baud", "bus"; resets = <&clk 3>; pinctrl-names = "default"; pinctrl-0 = <&uart_pins>;
            dmas = <&dma 1>; dma-names = "rx"; power-domains = <&power 2>; };
        i2c: i2c@6000 { compatible = "vendor,i2c"; reg = <0x6000 0x1000>; interrupts = <12>; clocks = <&osc>;
            #address-cells = <1>; #size-cells = <0>;
            pmic@25 { compatible = "vendor,pmic"; reg = <0x25>; interrupt-parent = <&gpio>; interrupts = <3 8>;
                regulators { ldo: LDO1 { regulator-name = "vmmc"; regulator-min-microvolt = <3300000>;
                    regulator-max-microvolt = <3300000>; }; }; };
            off@30 { compatible = "vendor,off"; reg = <0x30>; status = "disabled"; }; };
        mmc: mmc@7000 { compatible = "vendor,mmc"; reg = <0x7000 0x1000>; interrupts = <13>; clocks = <&clk 9>;
            vmmc-supply = <&ldo>; vqmmc-supply = <&vcc>; cd-gpios = <&gpio 5 1>; vendor,syscon = <&sys 0x10>;
            assigned-clocks = <&clk 9>; assigned-clock-rates = <1000000>; iommus = <&iommu 4>; };
        sys: syscon@8000 { compatible = "vendor,sys", "syscon", "simple-mfd"; reg = <0x8000 0x1000>;
            #address-cells = <1>;
            #size-cells = <1>; ranges = <0 0x8000 0x1000>;
            phy@20 { compatible = "vendor,phy"; reg = <0x20 0x10>; #phy-cells = <0>; };
            other@100 { compatible = "vendor,other"; reg = <0x100 0x10>; interrupts = <30>; }; };
        dma: dma-controller@9000 { compatible = "vendor,dma"; reg = <0x9000 0x1000>; #dma-cells = <1>; };
        iommu: iommu@a000 { compatible = "riscv,iommu"; reg = <0xa000 0x1000>; #iommu-cells = <1>; };
    };
};
"""
YAML = "bulkhead-board: 1\nload: 0x80200000\nboot: sbi\n"


def system(devices: str, other: str = "", more: str = "") -> str:
    text = ("bulkhead: 1\nname: x\nboard: ./soc\nhypervisor: {console: none}\nvms:\n  a:\n    vcpus: 1\n"
            "    memory: {ram: 16MiB}\n"
            f"    image: {{file: guest.elf}}\n    devices: {devices}\n{more}")
    if other:
        text += ("  b:\n    vcpus: 1\n    memory: {ram: 16MiB}\n    image: {file: guest.elf}\n"
                 f"    devices: {other}\n")
    return text


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(furnish(tmp_path))
    Path("soc").mkdir()
    Path("soc/board.dts").write_text(BOARD)
    Path("soc/board.yaml").write_text(YAML)
    return tmp_path


def planned(text: str, clocks: str = "") -> tuple[TreeNode, list[tuple[object, ...]]]:
    """The tree of the first VM, and what was said: (code, message, notes, help)."""
    Path("system.yaml").write_text(text)
    Path("soc/board.yaml").write_text(YAML + clocks)
    result = analyse("system.yaml")
    said = [(d.code, d.message, list(d.notes), list(d.help)) for d in result.sink.diagnostics if d.code > "BH0900"]
    assert result.plan is not None, [brief(d) for d in result.sink.diagnostics]
    tree = result.plan.vms[0].tree
    assert tree is not None
    assert main(["gen", "system.yaml", "-o", "out"]) == 0
    for form in ("dts", "dtb"):     # dtc finds phandles that lead nowhere, addresses that differ from names, and so on
        done = subprocess.run(["dtc", "-I", form, "-O", "dts", "-o", "/dev/null", f"out/a.{form}"], capture_output=True,
                              text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    return tree, said


def at(tree: TreeNode, path: str) -> dict[str, str]:
    for name in path.strip("/").split("/"):
        tree = next(c for c in tree.children if c.name == name)
    return {p.name: p.text for p in tree.properties}


def names(tree: TreeNode, path: str = "") -> list[str]:
    for name in path.split("/") if path else ():
        tree = next(c for c in tree.children if c.name == name)
    return [c.name for c in tree.children]


def test_fixed_clocks_come_along(bench: Path) -> None:
    tree, said = planned(system("[uart]", more="    console: none\n"))
    assert said == []
    assert at(tree, "soc/serial@10004000") == {
        "compatible": '"ns16550a"', "reg": "<0 0x10004000 0 0x100>", "interrupt-parent": "<2>", "interrupts": "<10>",
        "clocks": "<&{/half}>, <&{/oscillator}>", "clock-names": '"baud", "bus"', "reg-shift": "<2>"}
    assert at(tree, "half") == {"compatible": '"fixed-factor-clock"', "#clock-cells": "<0>", 
                                "clocks": "<&{/oscillator}>", "clock-div": "<2>", "clock-mult": "<1>", "phandle": "<3>"}
    assert at(tree, "oscillator")["phandle"] == "<4>"
    assert at(tree, "aliases") == {"serial3": '"/soc/serial@10004000"'}
    assert at(tree, "chosen") == {"stdout-path": '"/soc/serial@10004000:115200n8"'}


def test_what_nobody_has(bench: Path) -> None:
    tree, said = planned(system("[uart2]"))
    assert at(tree, "soc/serial@10005000") == {
        "compatible": '"ns16550a"', "reg": "<0 0x10005000 0 0x100>", "interrupt-parent": "<2>", "interrupts": "<11>",
        "clocks": "<&{/oscillator}>", "clock-names": '"bus"'}
    assert said == [
        ("BH0902", "uart2 of VM 'a' depends on clock-controller@1000, which nobody has",
         ["serial@5000: clock (clocks)", "serial@5000: reset (resets)"],
         ["give clock-controller@1000 to VM 'a', too",
          "state what runs from boot on in soc/board.yaml, in Hz: clocks: {clk 7: HZ}"]),
        ("BH0902", "uart2 of VM 'a' depends on pinctrl@3000, which nobody has",
         ["serial@5000: pin settings (pinctrl-0)"], ["give pinctrl@3000 to VM 'a', too"]),
        ("BH0902", "uart2 of VM 'a' depends on power-controller, which firmware serves: a VM cannot call it",
         ["serial@5000: power domain (power-domains)"], [])]
    head = Path("out/a.dts").read_text().split("/dts-v1/")[0]
    assert "//   serial@5000: without dmas of /soc/dma-controller@9000\n" in head
    assert "//   serial@5000: without resets of /soc/clock-controller@1000\n" in head


def test_clocks_that_the_board_states(bench: Path) -> None:
    tree, said = planned(system("[uart2]"), "clocks: {clk 7: 48000000}\n")
    assert at(tree, "soc/serial@10005000")["clocks"] == "<&{/clock-controller-7}>, <&{/oscillator}>"
    assert at(tree, "clock-controller-7") == {"compatible": '"fixed-clock"', "#clock-cells": "<0>",
                                              "clock-frequency": "<48000000>", "phandle": "<3>"}
    assert [s[2] for s in said][0] == ["serial@5000: reset (resets)"]
    tree, _ = planned(system("[uart2]"), "clocks: {clk: 1000}\n")
    assert at(tree, "clock-controller-7")["clock-frequency"] == "<1000>"


@pytest.mark.parametrize("clocks, message, help", [
    ("clocks: {klk 7: 1}\n", "'klk' is no node of the device tree", ("did you mean clk?",)),
    ("clocks: {uart: 1}\n", "'uart' provides no clocks", ()),
    ("clocks: {clk 7 8: 1}\n", "a clock of 'clk' has 1 number, not 2",
     ("write 'clk N', or 'clk' for all of its clocks",)),
])
def test_clocks_that_there_are_not(clocks: str, message: str, help: tuple[str, ...], bench: Path) -> None:
    Path("soc/board.yaml").write_text(YAML + clocks)
    Path("system.yaml").write_text(system("[uart2]"))
    found = analyse("system.yaml").sink.diagnostics
    assert [(d.code, d.primary.span.line, d.message, d.help) for d in found] == [("BH0904", 4, message, help)]


def test_what_another_vm_has(bench: Path) -> None:
    tree, said = planned(system("[i2c]", "[gpio]", "    criticality: 2\n"))
    assert said == [
        ("BH0901", "i2c of VM 'a' depends on gpio@2000, which VM 'b' has",
         ["i2c@6000: interrupt (interrupts of pmic@25)", "VM 'a' is the more critical of the two: 2 against 0"],
         ["give gpio@2000 to VM 'a', or all of them to VM 'b'"])]
    assert "interrupts" not in at(tree, "soc/i2c@10006000/pmic@25")


def test_children_and_their_interrupts(bench: Path) -> None:
    tree, said = planned(system("[i2c, gpio]"))
    assert said == []
    assert names(tree, "soc/i2c@10006000") == ["pmic@25"]
    assert at(tree, "soc/i2c@10006000")["#address-cells"] == "<1>"
    assert at(tree, "soc/i2c@10006000/pmic@25") == {
        "compatible": '"vendor,pmic"', "reg": "<0x25>", "interrupts-extended": "<&{/soc/gpio@10002000} 3 8>"}
    assert at(tree, "soc/gpio@10002000")["#address-cells"] == "<0>"


def test_supplies_and_syscons(bench: Path) -> None:
    tree, said = planned(system("[{name: mmc, dma: trusted, because: x}]").replace(
        "{ram: 16MiB}", "{ram: {size: 16MiB, at: identity}}").replace("guest.elf", "Image"), "clocks: {clk 9: 5}\n")
    mmc = at(tree, "soc/mmc@10007000")
    assert (mmc["vmmc-supply"], mmc["vqmmc-supply"]) == ("<&{/regulator-ldo1}>", "<&{/regulator-vcc}>")
    assert not {"cd-gpios", "vendor,syscon", "assigned-clocks", "assigned-clock-rates", "iommus"} & set(mmc)
    assert at(tree, "regulator-ldo1") == {
        "compatible": '"regulator-fixed"', "regulator-name": '"vmmc"', "regulator-min-microvolt": "<3300000>",
        "regulator-max-microvolt": "<3300000>", "regulator-always-on": "", "phandle": "<4>"}
    assert at(tree, "regulator-vcc") == {"compatible": '"regulator-fixed"', "regulator-name": '"vcc"',
                                         "vin-supply": "<&{/regulator-5v}>", "phandle": "<5>"}
    assert [s[1] for s in said] == [
        "mmc of VM 'a' depends on gpio@2000, which nobody has",
        "mmc of VM 'a' depends on syscon@8000, which nobody has"]


def test_whole_neighbourhood(bench: Path) -> None:
    tree, said = planned(system("[{name: mmc, dma: trusted, because: x}, i2c, gpio, sys, clk]").replace(
        "{ram: 16MiB}", "{ram: {size: 16MiB, at: identity}}").replace("guest.elf", "Image"))
    assert said == [("BH0902", "sys of VM 'a' depends on other@100, which nobody has",
                     ["syscon@8000: interrupt (interrupts of other@100)"],
                     ["give other@100 to VM 'a', too"])]
    mmc = at(tree, "soc/mmc@10007000")
    assert mmc["vmmc-supply"] == "<&{/soc/i2c@10006000/pmic@25/regulators/LDO1}>"
    assert mmc["vendor,syscon"] == "<&{/soc/syscon@10008000} 0x10>"
    assert mmc["assigned-clocks"] == mmc["clocks"] == "<&{/soc/clock-controller@10001000} 9>"
    assert at(tree, "regulator-vcc")["gpio"] == "<&{/soc/gpio@10002000} 4 0>"
    # phy@20 lies within; other@100 has an interrupt of its own, and still comes with the registers
    assert names(tree, "soc/syscon@10008000") == ["phy@10008020", "other@10008100"]
    assert at(tree, "soc/syscon@10008000/phy@10008020")["reg"] == "<0 0x10008020 0 0x10>"
    numbers = sorted(int(n, 0) for n in re.findall(r"\tphandle = <(\w+)>", Path("out/a.dts").read_text()))
    assert numbers == list(range(1, len(numbers) + 1))


def test_devices_with_an_address_of_their_own(bench: Path) -> None:
    tree, _ = planned(system("[{name: sys, at: 0x30000000}]"))
    assert names(tree, "soc/syscon@30000000") == ["phy@30000020", "other@30000100"]


def test_labels_for_overlays(bench: Path) -> None:
    Path("x.dtso").write_text("/dts-v1/;\n/plugin/;\n&ldo { regulator-boot-on; };\n&osc { clock-accuracy = <1>; };\n")
    tree, _ = planned(system("[i2c, gpio]", more="    devicetree: {extra: x.dtso}\n"))
    assert at(tree, "soc/i2c@10006000/pmic@25/regulators/LDO1")["regulator-boot-on"] == ""
    assert at(tree, "oscillator")["clock-accuracy"] == "<1>"


def test_header_before_the_guest(bench: Path) -> None:
    Path("system.yaml").write_text(system("[uart]").replace("guest.elf", "not-yet.elf"))
    code, out, err = configtool("header", "system.yaml", "a")
    assert (code, err) == (0, "")
    assert "#define VM_DEVICE_UART_BASE 0x10004000\n" in out and "VM_ENTRY" not in out and "VM_DTB" not in out
    (bench / "not-yet.elf").write_bytes((bench / "guest.elf").read_bytes())
    assert configtool("header", "system.yaml", "a")[1] == out
    assert configtool("header", "system.yaml", "b") == (2, "", "configtool: system.yaml has no VM 'b'; it has: a\n")


def test_zephyr_overlay(bench: Path) -> None:
    Path("system.yaml").write_text(system("[uart2]").replace("guest.elf", "not-yet.elf"))
    code, out, _ = configtool("overlay", "system.yaml", "a", "-W", "no-BH0902")
    assert code == 0
    assert out == """\
/* Zephyr overlay of VM a of system.yaml (x), generated by configtool. */

/ {
\tchosen {
\t\tzephyr,sram = &bulkhead_ram;
\t\tzephyr,console = &bulkhead_uart;
\t\tzephyr,shell-uart = &bulkhead_uart;
\t};

\tbulkhead_ram: memory@80000000 {
\t\tcompatible = "mmio-sram";
\t\treg = <0x80000000 0x1000000>;
\t};

\tbulkhead_uart: serial@10000000 {
\t\tcompatible = "ns16550";
\t\treg = <0x10000000 0x1000>;
\t\tcurrent-speed = <115200>;
\t\tinterrupt-parent = <&plic>;
\t\tinterrupts = <10 1>;
\t\tstatus = "okay";
\t\tclock-frequency = <3686400>;
\t\treg-shift = <0>;
\t};

\tbulkhead_uart2: serial@10005000 {
\t\tcompatible = "ns16550a";
\t\treg = <0x10005000 0x1000>;
\t\tinterrupt-parent = <&plic>;
\t\tinterrupts = <11 1>;
\t\tstatus = "okay";
\t};
};

&plic {
\treg = <0xc000000 0x600000>;
};
"""
    base = ("/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; soc { #address-cells = <1>; #size-cells = <1>; "
            "ranges; compatible = \"simple-bus\"; "
            "plic: interrupt-controller@c000000 { reg = <0xc000000 0x4000000>; #address-cells = <0>; "
            "#interrupt-cells = <2>; interrupt-controller; }; }; };\n")
    done = subprocess.run(["dtc", "-I", "dts", "-O", "dtb", "-o", "/dev/null"], input=base + out, capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_dma_with_addresses_of_its_own(bench: Path) -> None:
    bus = "    bus { #address-cells = <1>; #size-cells = <1>; compatible = \"simple-bus\";\n" \
        "        ranges = <0 0 0x20000000 0x1000000>;\n" \
        "        dma-ranges = <0xc0000000 0 0x80000000 0x40000000>; interrupt-parent = <&plic>;\n" \
        "        late: serial@100 { compatible = \"ns16550a\"; reg = <0x100 0x100>; interrupts = <21>; }; };\n" \
        "    soc {\n"
    Path("soc/board.dts").write_text(BOARD.replace("    soc {\n", bus))
    tree, said = planned(system("[late, uart]", more="    console: none\n"))
    assert said == []
    assert at(tree, "soc/bus-1") == {
        "compatible": '"simple-bus"', "#address-cells": "<2>", "#size-cells": "<2>", "ranges": "",
        "dma-ranges": "<0 0xc0000000 0 0x80000000 0 0x40000000>"}
    assert at(tree, "soc/bus-1/serial@20000100")["reg"] == "<0 0x20000100 0 0x100>"
