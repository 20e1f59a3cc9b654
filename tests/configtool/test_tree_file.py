# SPDX-License-Identifier: Apache-2.0
"""A device tree that the user brings is held against the VM: messages to the letter, with both places."""
from __future__ import annotations

from pathlib import Path

import pytest

from configtool.pipeline import analyse
from workbench import furnish

SYSTEM = """\
bulkhead: 1
name: x
board: qemu-riscv64-virt
vms:
  a:
    vcpus: 2
    memory: {ram: 16MiB}
    image: {file: guest.elf}
    devices: [rtc@101000]
    devicetree: {file: mine.dts}
"""
# Line numbers below count from here.
TREE = """\
/dts-v1/;
/ {
    #address-cells = <2>; #size-cells = <2>; compatible = "my,guest";
    chosen { stdout-path = "/soc/serial@10000000"; };
    memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x1000000>; };
    cpus {
        #address-cells = <1>; #size-cells = <0>; timebase-frequency = <10000000>;
        cpu@0 { device_type = "cpu"; reg = <0>; compatible = "riscv"; riscv,isa = "rv64imafdc_sstc";
    cpu0_intc: interrupt-controller { #interrupt-cells = <1>; interrupt-controller; compatible = "riscv,cpu-intc"; }; };
        cpu@1 { device_type = "cpu"; reg = <1>; compatible = "riscv"; riscv,isa = "rv64imafdc_sstc";
    cpu1_intc: interrupt-controller { #interrupt-cells = <1>; interrupt-controller; compatible = "riscv,cpu-intc"; }; };
    };
    soc {
        #address-cells = <2>; #size-cells = <2>; compatible = "simple-bus"; ranges; interrupt-parent = <&plic>;
        plic: interrupt-controller@c000000 { compatible = "sifive,plic-1.0.0"; reg = <0 0xc000000 0 0x600000>;
            #interrupt-cells = <1>; #address-cells = <0>; interrupt-controller; riscv,ndev = <31>;
            interrupts-extended = <&cpu0_intc 9>, <&cpu1_intc 9>; };
        serial@10000000 { compatible = "ns16550a"; reg = <0 0x10000000 0 0x100>; interrupts = <10>; };
        rtc@101000 { compatible = "google,goldfish-rtc"; reg = <0 0x101000 0 0x1000>; interrupts = <11>; };
    };
};
"""


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, *changes: tuple[str, str], system: str = SYSTEM,
          ) -> list[tuple[object, ...]]:
    monkeypatch.chdir(furnish(folder))
    text = TREE
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    Path("mine.dts").write_text(text)
    Path("system.yaml").write_text(system)
    return [(d.code, d.primary.span.file, d.primary.span.line, d.message, [label.text for label in d.related],
             list(d.notes), list(d.help)) for d in analyse("system.yaml").sink.diagnostics]


RAM = "0 0x1000000>"
VM_CPUS = "VM 'a' has 2 vCPUs: 0, 1"
PLIC = "VM 'a' has a virtual PLIC at 0xc000000"


@pytest.mark.parametrize("changes, expected", [
    ([], []),
    ([(RAM, "0 0x2000000>")], [
        ("BH0910", 5, "memory@80000000 is 0x80000000 to 0x82000000, and VM 'a' does not have all of that",
         ["ram of VM 'a' is 0x80000000 to 0x81000000"], [],
         ["write reg = <0x0 0x80000000 0x0 0x1000000>, where #address-cells and #size-cells are 2"])]),
    ([(RAM, "0 0x800000>")], [
        ("BH0919", 5, "memory@80000000 ends at 0x80800000, and ram of VM 'a' at 0x81000000", [], [], [])]),
    ([("reg = <1>", "reg = <3>"), ("cpu@1", "cpu@3")], [
        ("BH0911", 10, "VM 'a' has no CPU 3", [VM_CPUS], [], ["remove the node"])]),
    ([("rv64imafdc_sstc\";\n    cpu1", "rv64imafdch_sstc_sscofpmf\";\n    cpu1")], [
        ("BH0911", 10, "cpu@1 has extensions that VM 'a' does not have: h, sscofpmf", [], ..., ["remove them"])]),
    ([("<10000000>", "<1000000>")], [
        ("BH0911", 7, "timebase-frequency of VM 'a' says 1000000 Hz, and the board's is 10000000 Hz", [], [],
         ["write timebase-frequency = <10000000>, in /cpus"])]),
    ([("<0 0xc000000 ", "<0 0xd000000 ")], [
        ("BH0913", 15, "the interrupt controller of the device tree is at 0xd000000", [], [PLIC], [])]),
    ([("interrupts-extended = <&cpu0_intc 9>", "interrupts-extended = <&cpu0_intc 11>, <&cpu0_intc 9>")], [
        ("BH0913", 17, "hart 0 has context 1 in the device tree, and 0 in VM 'a'", [],
         ["there is one context for each hart, that of S-mode"],
         ["write interrupts-extended = <&cpu0_intc 9>, <&cpu1_intc 9>"])]),
    ([("rtc@101000 {", "virtio_mmio@10001000 { compatible = \"virtio,mmio\"; reg = <0 0x10001000 0 0x1000>; };\n"
       "        rtc@101000 {")], [
        ("BH0914", 19, "VM 'a' has no device at 0x10001000 to 0x10002000", [], [],
         ["add devices: [virtio1] to VM 'a', or remove the node"])]),
    ([("interrupts = <11>", "interrupts = <12>")], [
        ("BH0918", 19, "VM 'a' has no interrupt 12", [], [], ["rtc@101000 has 11"])]),
    ([("interrupts = <11>", "interrupts = <11>; clocks = <99>")], [
        ("BH0916", 19, "device tree of VM 'a': clocks refers to phandle 0x63, which no node has", [], [], [])]),
    ([("/soc/serial@10000000\"", "/soc/serial@1000\"")], [
        ("BH0917", 4, "stdout-path leads to no node", [], ["the virtual UART of VM 'a' is at 0x10000000"], [])]),
])
def test_messages(changes: list[tuple[str, str]], expected: list[tuple[object, ...]], tmp_path: Path,
                  monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(tmp_path, monkeypatch, *changes)
    assert {f[1] for f in found} <= {"mine.dts"}
    wanted = [tuple(g if e is ... else e for e, g in zip(want, (f[0], *f[2:]))) for want, f in zip(expected, found)]
    assert [(f[0], *f[2:]) for f in found] == wanted and len(found) == len(expected)


def test_what_the_tree_does_not_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, end = TREE.index("        serial@1000"), TREE.index("    };\n};\n")
    found = check(tmp_path, monkeypatch, (TREE[start:end], ""), ("stdout-path = \"/soc/serial@10000000\";", ""))
    assert [(f[0], f[1], f[2], f[3], f[6]) for f in found] == [
        ("BH0915", "system.yaml", 9, "the device tree of VM 'a' has no node for rtc@101000 at 0x101000", []),
        ("BH0915", "system.yaml", 10, "the device tree of VM 'a' has no node for console at 0x10000000",
         ["write console: none, if it is not wanted"])]


def test_console_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(tmp_path, monkeypatch, system=SYSTEM.replace("    devicetree", "    console: none\n    devicetree"))
    assert [(f[0], f[2], f[3]) for f in found] == [
        ("BH0917", 4, "stdout-path is serial@10000000, which is the hypervisor's console"),
        ("BH0918", 18, "VM 'a' has no interrupt 10")]


def test_nothing_in_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(tmp_path, monkeypatch, (TREE, "/dts-v1/;\n/ { };\n"))
    assert [(f[0], f[3]) for f in found] == [
        ("BH0910", "the device tree of VM 'a' has no memory"), ("BH0911", "the device tree of VM 'a' has no CPU"),
        ("BH0913", "the device tree of VM 'a' has no interrupt controller")]


ARM = """\
/dts-v1/;
/ {
    #address-cells = <2>; #size-cells = <2>; compatible = "my,guest"; interrupt-parent = <&gic>;
    memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x1000000>; };
    cpus { #address-cells = <1>; #size-cells = <0>;
        cpu@0 { device_type = "cpu"; reg = <0>; compatible = "arm,cortex-a53"; enable-method = "psci"; };
        cpu@1 { device_type = "cpu"; reg = <1>; compatible = "arm,cortex-a53"; enable-method = "psci"; };
    };
    psci { compatible = "arm,psci-1.0"; method = "smc"; };
    timer { compatible = "arm,armv8-timer"; interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };
    gic: interrupt-controller@8000000 { compatible = "arm,gic-v3"; interrupt-controller; #interrupt-cells = <3>;
        #address-cells = <0>; reg = <0 0x8000000 0 0x10000>, <0 0x8010000 0 0x40000>; };
    pl011@9000000 { compatible = "arm,pl011", "arm,primecell"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 1 4>; };
};
"""


@pytest.mark.parametrize("before, after, expected", [
    ("", "", []),
    ("<1 11 4>", "<1 12 4>", [("BH0912", 10, "the virtual timer of VM 'a' has PPI 11 (INTID 27), not 12 (INTID 28)")]),
    ("    timer {", "    tick { status = \"disabled\";", [("BH0912", 9, "the device tree of VM 'a' has no timer")]),
    ("    psci {", "    other {", [("BH0912", 9, "the device tree of VM 'a' has no PSCI")]),
    ("reg = <1>; compatible = \"arm,cortex-a53\"; enable-method = \"psci\"",
     "reg = <1>; compatible = \"arm,cortex-a53\"; enable-method = \"spin-table\"",
     [("BH0911", 7, "cpu@1 is started by 'spin-table', and a VM's CPUs by PSCI")]),
    ("arm,gic-v3", "arm,gic-400", [("BH0913", 11, "the interrupt controller of the device tree is of kind GICv2")]),
    ("<0 1 4>", "<0 33 4>", [("BH0918", 13, "VM 'a' has no SPI 33 (INTID 65)")]),
])
def test_on_arm(before: str, after: str, expected: list[tuple[object, ...]], tmp_path: Path,
                monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench import guest_elf
    monkeypatch.chdir(tmp_path)
    Path("guest.elf").write_bytes(guest_elf(address=0x4000_0000, machine=183))
    Path("mine.dts").write_text(ARM.replace(before, after) if before else ARM)
    Path("system.yaml").write_text(SYSTEM.replace("qemu-riscv64-virt", "qemu-aarch64-virt-gicv3")
                                   .replace("    devices: [rtc@101000]\n", ""))
    found = analyse("system.yaml").sink.diagnostics
    assert [(d.code, d.primary.span.line, d.message) for d in found] == expected


@pytest.mark.parametrize("overlay, expected", [
    ("&soc { i2c@123000 { compatible = \"x\"; reg = <0 0x123000 0 0x1000>; }; };",
     [("BH0914", 3, "VM 'a' has no device at 0x123000 to 0x124000")]),
    ("&{/memory@80000000} { reg = <0 0x80000000 0 0x4000000>; };",
     [("BH0910", 3, "memory@80000000 is 0x80000000 to 0x84000000, and VM 'a' does not have all of that")]),
    ("&{/soc/rtc@101000} { interrupts = <9>; };", [("BH0918", 3, "VM 'a' has no interrupt 9")]),
    ("&{/chosen} { stdout-path = \"/soc/serial@7\"; };", [("BH0917", 3, "stdout-path leads to no node")]),
    ("&soc {\n  button { gpios = <99 0 0>; };\n};",
     [("BH0916", 4, "device tree of VM 'a': gpios refers to phandle 0x63, which no node has")]),
    ("&soc { led { compatible = \"gpio-leds\"; }; };", []),
])
def test_overlays_are_held_against_the_vm(overlay: str, expected: list[tuple[object, ...]], tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(furnish(tmp_path))
    Path("x.dtso").write_text(f"/dts-v1/;\n/plugin/;\n{overlay}\n")
    Path("system.yaml").write_text(SYSTEM.replace("{file: mine.dts}", "{extra: x.dtso}"))
    found = analyse("system.yaml").sink.diagnostics
    assert [(d.code, d.primary.span.file, d.primary.span.line, d.message) for d in found] == [
        (code, "x.dtso", line, message) for code, line, message in expected]
