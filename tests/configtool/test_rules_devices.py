# SPDX-License-Identifier: Apache-2.0
"""Rules on devices, interrupts, DMA and boards: their examples on boards of their own, their messages to the letter."""
from __future__ import annotations

from pathlib import Path

import pytest

from board_cases import realise
from configtool.diagnostics import Diagnostic
from configtool.pipeline import analyse
from configtool.rules.registry import load

RULES = {code: rule for code, rule in load().items() if code[:4] in ("BH05", "BH07", "BH08")}

A = "vms:\n  a:\n    vcpus: 1\n    memory: {ram: 16MiB}\n    image: {file: guest.elf}\n"
B = "  b:\n    vcpus: 1\n    memory: {ram: 16MiB}\n    image: {file: guest.elf}\n"
LINUX = ("vms:\n  a:\n    vcpus: 1\n    memory: {ram: {size: 64MiB, at: identity}, log: {size: 1MiB, access: rw}}\n"
         "    image: {file: Image}\n")


def check(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Diagnostic]:
    monkeypatch.chdir(folder)
    realise(text, folder)
    return analyse("system.yaml").sink.diagnostics


def places(d: Diagnostic) -> list[tuple[str, int, str]]:
    """File name, line (in system.yaml of the fragment) and text of each label."""
    return [(label.span.file.rpartition("/")[2], label.span.line - 3 if label.span.file == "system.yaml"
             else label.span.line,
             label.text) for label in (d.primary, *d.related)]


@pytest.mark.parametrize("code", RULES)
def test_examples(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = RULES[code]
    for name, example, expected in (("fails", rule.fails, {code}), ("passes", rule.passes, set())):
        if "\n# with " in example.replace("\n# with this in ", ""):
            continue                    # it needs more than that: its rule has a test of its own
        folder = tmp_path / name
        folder.mkdir()
        found = check(example, folder, monkeypatch)
        assert {d.code for d in found} == expected, [(d.code, d.message) for d in found]
        assert all(d.severity == rule.severity for d in found)


def board_line(text: str) -> int:
    lines = (Path(__file__).parents[2] / "boards/qemu-riscv64-virt/board.dts").read_text().splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if text in line]
    return found


def one(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Diagnostic:
    found = check(text, folder, monkeypatch)
    assert len(found) == 1, [(d.code, d.message) for d in found]
    return found[0]


@pytest.mark.parametrize("device, message, help_", [
    ("rtc@10100", "board qemu-riscv64-virt has no device 'rtc@10100'", ["did you mean 'rtc@101000' or 'test@100000'?"]),
    ("seriall0", "board qemu-riscv64-virt has no device 'seriall0'", ["did you mean 'serial0' or 'serial@10000000'?"]),
    ("/soc/rtc@1", "board qemu-riscv64-virt has no device '/soc/rtc@1'",
     ["did you mean '/soc/rtc@101000' or '/soc/test@100000'?"]),
    ("nonsense", "board qemu-riscv64-virt has no device 'nonsense'",
     ["configtool board show qemu-riscv64-virt lists its devices"]),
    ("cpu1", "'cpu1' is no device: it is part of the CPUs", ["CPUs are given by vcpus or cpus"]),
    ("memory@80000000", "'memory@80000000' is no device: it is memory", ["memory is given by memory: {ram: 16MiB}"]),
    ("soc", "'soc' has neither registers nor interrupts: there is nothing to give", ["remove it"]),
])
def test_names_that_lead_nowhere(device: str, message: str, help_: list[str], tmp_path: Path,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    for number, text in enumerate((f"    devices: [{device}]\n", f"    devices: {{rest: true, except: [{device}]}}\n")):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = one(A + text, folder, monkeypatch)
        assert (found.message, list(found.help)) == (message, help_)
        assert found.primary.span.line == 9


def test_a_chip_behind_a_bus_goes_with_the_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = ("# with this in board.dts: &rtc { #address-cells = <1>; #size-cells = <0>; "
             "chip: eeprom@50 { compatible = \"x\"; "
             "reg = <0x50>; }; }; &pci { wifi@0 { reg = <0 0 0 0 0>; }; };\n")
    found = one(A + "    devices: [chip]\n" + added, tmp_path, monkeypatch)
    assert (found.code, found.message, found.help) == (
        "BH0503", "'chip' is behind rtc@101000, and goes with it", ("give rtc: it has the registers",))
    found = one(A + "    devices: [wifi@0]\n" + added, tmp_path, monkeypatch)
    assert (found.code, found.message, found.help) == (
        "BH0503", "'wifi@0' is a function behind pci@30000000, and goes with it", ("give pci: it has the registers",))


def test_a_name_that_stands_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(A + "    devices: [rtc@101000]\n# with this in board.dts: / { rtc@101000 { compatible = \"x\"; "
                "reg = <0 0x105000 0 0x1000>; }; };\n", tmp_path, monkeypatch)
    assert found.message == "'rtc@101000' stands for 2 devices of board board"
    assert found.help == ("give the path of one: /soc/rtc@101000, /rtc@101000",)
    assert places(found)[1:] == [("base.dtsi", board_line("rtc: rtc@"), "/soc/rtc@101000"),
                                 ("board.dts", 2, "/rtc@101000")]


def test_a_disabled_device_and_a_disabled_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(A + "    devices: [rtc]\n# with this in board.dts: &rtc { status = \"reserved\"; };\n", tmp_path,
                monkeypatch)
    assert (found.code, found.message) == ("BH0502", "device 'rtc' is disabled")
    assert places(found) == [("system.yaml", 6, ""), ("board.dts", 2, "its status is \"reserved\"")]
    assert found.help == ("where the hardware is there, enable it in board/board.dts: &label { status = \"okay\"; };",)
    found = check("hypervisor: {console: none}\n" + A + "    devices: [rtc]\n# with this in board.dts: &{/soc} { "
                  "status = \"disabled\"; };\n", tmp_path, monkeypatch)
    assert ("BH0811" in {d.code for d in found})      # the PLIC goes with its bus


def test_two_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(A + "    devices: [virtio1, rtc]\n".replace("virtio1, ", "") + B + "    devices: [/soc/rtc@101000]\n",
                tmp_path,
                monkeypatch)
    assert (found.code, found.message) == ("BH0504", "device /soc/rtc@101000 is in VM 'a' and in VM 'b'")
    assert places(found) == [("system.yaml", 11, "again here"), ("system.yaml", 6, "first here"),
                             ("board.dts", board_line("rtc: rtc@"), "")]
    assert found.help == ("remove one of them",)
    found = one(A + "    devices: [rtc, rtc@101000]\n# with this in board.dts: &{/soc} { rtc2: rtc@102000 { "
                "compatible = \"google,goldfish-rtc\"; reg = <0 0x102000 0 0x1000>; }; };\n", tmp_path, monkeypatch)
    assert found.message == "device rtc@101000 is twice in VM 'a'"
    assert found.help == ("remove one of them; free and of the same kind: rtc2",)


@pytest.mark.parametrize("device, note", [
    ("plic", "the hypervisor keeps it: whoever programs it takes any interrupt"),
    ("clint", "it belongs to the firmware: whoever programs it interrupts any CPU"),
    ("test@100000", "it powers off or resets the whole board; a guest's own reset and power-off go through firmware "
                    "calls and act on its VM alone"),
])
def test_devices_that_nobody_can_have(device: str, note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(A + f"    devices: [{device}]\n", tmp_path, monkeypatch)
    assert (found.code, found.message, found.notes) == ("BH0505", f"device {device} cannot be given to a VM", (note,))


def test_the_hypervisors_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one("hypervisor: {console: uart0}\n" + A + "    devices: [serial0]\n", tmp_path, monkeypatch)
    assert (found.code, found.message) == ("BH0506", "device serial0 is the hypervisor's console")
    assert places(found) == [("system.yaml", 7, "given to VM 'a'"), ("system.yaml", 1, "the hypervisor's console")]
    found = one(A + "    devices: [serial0]\n", tmp_path, monkeypatch)
    assert places(found)[1:] == [("board.dts", board_line("stdout-path"), "the board's console")]


UART1 = ("# with this in board.dts: &{/soc} { uart1: serial@11000000 { compatible = \"ns16550a\"; "
         "reg = <0 0x11000000 0 0x100>; }; };\n")


def test_a_console_that_is_not_the_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one("hypervisor: {console: uart1}\n" + A + UART1, tmp_path, monkeypatch)
    assert (found.code, found.severity, found.message) == (
        "BH0830", "warning", "the hypervisor prints to uart1, and the console of board board is serial0")
    assert places(found) == [("system.yaml", 1, ""), ("system.yaml", 0, "this board"),
                             ("base.dtsi", board_line("stdout-path"), "its console")]
    assert found.help == ("leave console out, or write console: null where a file that this one extends has it: then it is "
                          "serial0", "or allow the warning, if it is meant")
    for text in ("hypervisor: {console: uart0}\n" + A, "hypervisor: {console: none}\n" + A,
                 "hypervisor: {console: uart1}\n" + A + "    devices: [serial0]\n"):
        assert check(text + UART1, tmp_path, monkeypatch) == []


GPIO = "gpio@101800 { compatible = \"arm,pl061\"; reg = <0 0x101800 0 0x100>; };"


def test_pages_that_devices_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = (f"# with this in board.dts: &{{/soc}} {{ {GPIO} "
             "x@101900 { compatible = \"y\"; reg = <0 0x101900 0 0x10>; }; };\n")
    found = one(A + "    devices: [rtc]\n" + added, tmp_path, monkeypatch)
    assert (found.code, found.message) == ("BH0508", "device rtc shares a page with gpio@101800, x@101900")
    assert found.help == ("give them to VM 'a', too, or allow the warning",)
    found = check(A + "    devices: [rtc]\n" + B + "    devices: [gpio@101800]\n" + added, tmp_path, monkeypatch)
    assert [(d.code, d.message) for d in found if d.severity == "error"] == [
        ("BH0507", "device rtc shares a page with gpio@101800 of VM 'b'"),
        ("BH0507", "device gpio@101800 shares a page with rtc@101000 of VM 'a'")]
    assert found[0].help == ("give both to the same VM",)
    found = one(A + "    devices: [other@100800]\n# with this in board.dts: &{/soc} { other@100800 { "
                "compatible = \"arm,pl061\"; reg = <0 0x100800 0 0x100>; }; };\n", tmp_path, monkeypatch)
    assert (found.message, found.help) == (
        "device other@100800 shares a page with test@100000, which acts on the whole board", ("leave the device out",))
    same = check(A + "    devices: [rtc, gpio@101800]\n" + f"# with this in board.dts: &{{/soc}} {{ {GPIO} }};\n",
                 tmp_path,
                 monkeypatch)
    assert same == []


@pytest.mark.parametrize("at, what, label", [
    ("0x80000000", "'OpenSBI'", "0x80000000 to 0x80080000"), ("0x90000000", "the board's RAM",
                                                              "0x80000000 to 0x100000000")])
def test_registers_over_memory(at: str, what: str, label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(A + f"    devices: [rtc]\n# with this in board.dts: &rtc {{ reg = <0 {at} 0 0x1000>; }};\n", tmp_path,
                monkeypatch)
    assert (found.code, found.message) == ("BH0509", f"the registers of device rtc lie over {what}")
    assert found.related[1].text == label


def test_interrupts_with_two_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twin = ("# with this in board.dts: &{/soc} { twin@105000 { compatible = \"arm,pl061\"; "
            "reg = <0 0x105000 0 0x1000>; interrupt-parent = <&plic>; interrupts = <11>; }; };\n")
    found = one(A + "    devices: [rtc]\n" + B + "    devices: [twin@105000]\n" + twin, tmp_path, monkeypatch)
    assert (found.code, found.message) == (
        "BH0512", "device twin@105000 and device rtc of VM 'a' raise the same interrupt 11")
    assert found.help == ("give both to the same VM",)
    assert places(found) == [("system.yaml", 11, "given to VM 'b'"), ("system.yaml", 6, "rtc is given to VM 'a' here"),
                             ("board.dts", 2, ""), ("base.dtsi", board_line("interrupts = <11>"),
                                                    "the other one: rtc@101000")]
    assert check(A + "    devices: [rtc, twin@105000]\n" + twin, tmp_path, monkeypatch) == []
    found = one(A + "    devices: [rtc]\n# with this in board.dts: &rtc { interrupts = <10>; };\n", tmp_path,
                monkeypatch)
    assert found.message == "device rtc and serial@10000000, the hypervisor's console, raise the same interrupt 10"
    assert found.help == ("take another UART as hypervisor.console, or leave the device out",)


def test_interrupts_that_the_controller_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, 96):
        found = one(A + f"    devices: [rtc]\n# with this in board.dts: &rtc {{ interrupts = <{number}>; }};\n",
                    tmp_path,
                    monkeypatch)
        assert (found.code, found.message) == ("BH0513",
                                               f"interrupt {number} of device rtc is none of the controller's")
        assert found.related[1].text == "it has 1 to 95"


def test_rest_gives_no_device_that_reaches_all_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(A + "    devices: {rest: true}\n", tmp_path, monkeypatch) == []
    plan = analyse("system.yaml").plan
    assert plan is not None
    assert {m.name for m in plan.vms[0].maps if m.kind == "device"} == {"devices: rtc@101000",
                                                                        "devices: flash@20000000"}


def test_a_dma_master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(A + "    devices: [virtio_mmio@10001000]\n", tmp_path, monkeypatch)
    assert (found.code, found.message) == ("BH0701",
                                           "device virtio_mmio@10001000 masters memory, and no IOMMU guards it")
    assert found.primary.text == "VM 'a' could read and write all memory with it"
    assert found.help == (
                          "write {name: virtio_mmio@10001000, dma: trusted, because: \"...\"} if you trust VM 'a' with "
                          "all of it",)


def test_an_iommu_without_a_driver_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(A + "    devices: [rtc]\n"
                "# with this in board.dts: &{/soc} { smmu: iommu@3010000 { compatible = \"riscv,iommu\"; "
                "reg = <0 0x3010000 0 0x1000>; #iommu-cells = <1>; }; }; &rtc { iommus = <&smmu 7>; };\n", tmp_path,
                monkeypatch)
    assert found.message == "device rtc masters memory, and Bulkhead has no driver for its IOMMU iommu@3010000"


def test_trusted_dma_wants_identity_in_every_region_that_can_be_written(tmp_path: Path,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(LINUX + "    devices:\n      - {name: virtio_mmio@10001000, dma: trusted, because: test}\n", tmp_path,
                monkeypatch)
    assert (found.code, found.message) == (
        "BH0705", "memory.log of VM 'a' is not at identity, and virtio_mmio@10001000 does DMA with physical addresses")
    assert found.help == ("write log: {size: 1MiB, at: identity, access: rw}",)
    assert check(LINUX.replace("access: rw}", "access: r}")
                 + "    devices:\n      - {name: virtio_mmio@10001000, dma: trusted, "
                 "because: test}\n", tmp_path, monkeypatch) == []


def test_trust_without_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for reason in ("", ", because: \" \""):
        found = one(LINUX + f"    devices: [{{name: virtio_mmio@10001000, dma: trusted{reason}}}]\n", tmp_path,
                    monkeypatch)
        assert (found.code, found.message) == (
            "BH0703", "device virtio_mmio@10001000 is trusted with DMA, and nothing says why")
        assert found.help == ("add, for example: because: \"this board has no IOMMU before it\"",)
