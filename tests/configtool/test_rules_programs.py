# SPDX-License-Identifier: Apache-2.0
"""Rules on programs and CPUs, criticality and resets, and boards that lack something: messages to the letter."""
from __future__ import annotations

from pathlib import Path

import pytest

from configtool.image.load import _parse
from configtool.image.riscv import extensions
from workbench import HELLO, built_for, configtool, furnish, guest_elf

BOARDS = Path(__file__).parents[2] / "boards"
TWO = """\
bulkhead: 1
name: two
board: qemu-riscv64-virt
channels:
  data: {CHANNEL}
vms:
  high:
    criticality: 7
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
  low:
    criticality: 2
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""


def said(folder: Path, text: str) -> list[str]:
    """First line, place, notes and help of each diagnostic."""
    furnish(folder)
    (folder / "system.yaml").write_text(text)
    _, _, err = configtool("check", "system.yaml", "--guests", "built", folder=folder)
    return [line.strip() for line in err.splitlines() if line.startswith(("error[", "warning[")) or "-->" in line
            or "= note: " in line or "= help: " in line]


def board(folder: Path, name: str, *changes: tuple[str, str], guest: str = "guest.elf", yaml: str = "") -> str:
    """A system on a copy of a board, with changes to its tree and more lines in its board.yaml."""
    tree = (BOARDS / name / "board.dts").read_text()
    for old, new in changes:
        assert old in tree, old
        tree = tree.replace(old, new, 1)
    (folder / "board").mkdir()
    (folder / "board" / "board.dts").write_text(tree)
    (folder / "board" / "board.yaml").write_text((BOARDS / name / "board.yaml").read_text() + yaml)
    (folder / "arm.elf").write_bytes(guest_elf(0x4000_0000, machine=183))
    return HELLO.replace("qemu-riscv64-virt", "./board").replace("guest.elf", guest)


@pytest.mark.parametrize("text, expected", [
    ("rv64i2p1_m2p0_a2p0_c2p0_zicsr2p0_zifencei2p0_zvl128b1p0", ("i", "m", "a", "c", "zicsr", "zifencei", "zvl128b")),
    ("rv64i2p0m2p0a2p0", ("i", "m", "a")), ("rv32imac_zba", ("i", "m", "a", "c", "zba")), ("rv64", ()), ("x", ()),
    ("", ())])
def test_what_a_program_was_built_for(text: str, expected: tuple[str, ...]) -> None:
    assert _parse(built_for(text), "/x", "x", "riscv64").isa == expected


def test_without_attributes_the_flags_say_it() -> None:
    assert [extensions(b"", 64, 0, 0, 0, flags) for flags in (0, 1, 3, 4, 7)] == [
        (), ("c",), ("f", "c"), ("f", "d"), ("f", "d", "q", "c")]


def test_programs_for_more_than_the_cpus_have(tmp_path: Path) -> None:
    assert said(tmp_path, HELLO.replace("guest.elf", "vector.elf")) == [
        "error[BH0423]: 'vector.elf' is built for V, which cpu@0 of VM 'hello' lacks", "--> system.yaml:8:19",
        "= help: build it with another -march="]
    assert said(tmp_path, HELLO.replace("guest.elf", "zicond.elf")) == [
        "warning[BH0424]: 'zicond.elf' is built for Zicond, which cpu@0 of VM 'hello' lacks", "--> system.yaml:8:19",
        "= help: build it with another -march="]
    (tmp_path / "nested.elf").write_bytes(built_for("rv64i2p1_h1p0"))
    assert said(tmp_path, HELLO.replace("guest.elf", "nested.elf"))[2] == (
        "= help: a VM has no H extension: a hypervisor is no guest")


def test_a_cpu_that_has_it_is_named(tmp_path: Path) -> None:
    text = board(tmp_path, "qemu-riscv64-virt",
                 ('"i", "m", "a", "f", "d", "c", "h"', '"i", "m", "a", "f", "d", "c", "h", "v"'),
                 guest="vector.elf").replace("vcpus: 1", "cpus: [cpu@2]")
    assert said(tmp_path, text) == [
        "error[BH0423]: 'vector.elf' is built for V, which cpu@2 of VM 'hello' lacks", "--> system.yaml:8:19",
        "= help: CPUs that have it: cpu@0; name them by cpus:"]


@pytest.mark.parametrize("channel, expected", [
    ("size: 8KiB, from: low, to: [high]", [
        "warning[BH0610]: VM 'high' (criticality 7) depends on VM 'low' (2) through channel 'data'",
        "--> system.yaml:5:3",
        "= note: high reads what low writes", "= note: low can ring high as often as it likes",
        '= help: say in the channel why that is safe: because: "..."',
        "= help: or keep the interrupts away: doorbell: from"]),
    ("size: 8KiB, from: low, to: [high], doorbell: none", [
        "warning[BH0610]: VM 'high' (criticality 7) depends on VM 'low' (2) through channel 'data'",
        "--> system.yaml:5:3",
        "= note: high reads what low writes", '= help: say in the channel why that is safe: because: "..."']),
    ("size: 8KiB, from: high, to: [low], doorbell: from", [
        "warning[BH0610]: VM 'high' (criticality 7) depends on VM 'low' (2) through channel 'data'",
        "--> system.yaml:5:3",
        "= note: low can ring high as often as it likes",
        '= help: say in the channel why that is safe: because: "..."',
        "= help: or keep the interrupts away: doorbell: none"]),
    ("size: 8KiB, from: high, to: [low], doorbell: to", []),
    ('size: 8KiB, between: [low, high], because: "a test"', []),
])
def test_criticality(channel: str, expected: list[str], tmp_path: Path) -> None:
    assert said(tmp_path, TWO.replace("{CHANNEL}", f"{{{channel}}}")) == expected
    assert said(tmp_path, TWO.replace("{CHANNEL}", f"{{{channel}}}").replace("criticality: 7", "criticality: 2")) == []


def test_reset_that_is_expected(tmp_path: Path) -> None:
    linux = HELLO.replace("16MiB", "64MiB").replace("guest.elf", "Image")
    assert said(tmp_path, linux + "    linux: {cmdline: 'quiet panic=5'}\n") == [
        "warning[BH0125]: VM 'hello' stops when its kernel resets itself", "--> system.yaml:9:22",
        "= help: write on_reset: {action: restart}, or {action: stop} if that is meant"]
    assert said(tmp_path, linux + "    linux: {cmdline: 'panic=5'}\n    on_reset: {action: stop}\n") == []
    assert said(tmp_path, linux + "    on_fault: {action: restart}\n")[0] == (
        "warning[BH0125]: VM 'hello' is restarted after a fault, and stops when its kernel resets itself")
    assert said(tmp_path, linux) == [] == said(tmp_path, HELLO + "    on_fault: {action: restart}\n")


def test_doorbell_numbers_of_a_gic(tmp_path: Path) -> None:
    text = TWO.replace("{CHANNEL}", "{size: 8KiB, from: high, to: [low], doorbell: to}").replace(
        "qemu-riscv64-virt", "qemu-aarch64-virt-gicv3").replace("guest.elf", "arm.elf")
    furnish(tmp_path)
    (tmp_path / "arm.elf").write_bytes(guest_elf(0x4000_0000, machine=183))
    assert said(tmp_path, text + "    channels: {data: {interrupt: 20}}\n") == [
        "error[BH0607]: interrupt 20 is private to each CPU of the VM", "--> system.yaml:17:34",
        "= note: the shared interrupts (SPIs) are 32 to 1019; SPI 20 of a device tree has the number 52",
        "= help: write 52 if that is meant, or remove it: configtool chooses a free one"]
    assert said(tmp_path, text + "    channels: {data: {interrupt: 1020}}\n")[0] == (
        "error[BH0607]: interrupt 1020 is beyond the last one of the VM's controller, 1019")


def test_boards_that_lack_something(tmp_path: Path) -> None:
    cases = {
        "contexts": ("qemu-riscv64-virt", "guest.elf", (",\n\t\t\t\t<&cpu3_intc 11>, <&cpu3_intc 9>", ""), [
            "error[BH0811]: the interrupt controller has no S-mode context for cpu@3", "--> board/board.dts:PLACE",
            "= help: correct its interrupts-extended (9 is S-mode's), or disable the CPU"]),
        "timer": ("qemu-aarch64-virt-gicv3", "arm.elf", ('"arm,armv8-timer", "arm,armv7-timer"', '"acme,timer"'), [
            "error[BH0813]: the device tree has no virtual timer", "--> board/board.dts",
            "= help: add the node timer, as arm,arch_timer.yaml has it: secure, non-secure, virtual and hypervisor "
            "timer"]),
    }
    for name, (of, guest, change, expected) in cases.items():
        folder = tmp_path / name
        folder.mkdir()
        text = board(folder, of, guest=guest)
        tree = (folder / "board" / "board.dts").read_text()
        if change[0] not in tree:
            pytest.fail(f"{of} has no {change[0]}")
        (folder / "board" / "board.dts").write_text(tree.replace(*change))
        found = [line if not line.startswith("--> board/board.dts:") else "--> board/board.dts:PLACE" for line
                 in said(folder, text)]
        assert found == expected


def test_memory_that_the_tree_does_not_have(tmp_path: Path) -> None:
    text = board(tmp_path, "qemu-riscv64-virt", yaml="memory: [{at: 0x80000000, size: 4GiB}]\n")
    assert said(tmp_path,
                text)[0] == "warning[BH0814]: the device tree has no memory at 0x100000000, and board.yaml has"


def test_vcpus_beyond_the_virtual_controller(tmp_path: Path) -> None:
    cpu = '\t\tcpu@%x { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <%d>; enable-method = "psci"; };\n'
    text = board(tmp_path, "qemu-aarch64-virt-gicv2", guest="arm.elf").replace("vcpus: 1", "vcpus: 9")
    tree = (tmp_path / "board" / "board.dts").read_text().replace("../qemu", f"{BOARDS}/qemu")
    (tmp_path / "board" / "board.dts").write_text(
        tree + "/ {\n\tcpus {\n" + "".join(cpu % (n, n) for n in range(16, 24)) + "\t};\n};\n")
    assert said(tmp_path, text) == [
        "error[BH0207]: VM 'hello' has 9 vCPUs, and 8 is the most", "--> system.yaml:6:12",
        "= note: the board's interrupt controller is a GICv2", "= help: make it two VMs"]


def test_kernels_and_raw_files_in_memory_that_is_not_executed(tmp_path: Path) -> None:
    text = HELLO.replace("16MiB", "{size: 64MiB, access: rw}")
    assert said(tmp_path, text.replace("guest.elf", "Image"))[0] == (
        "error[BH0412]: 'Image' needs memory that is executable, and memory.ram of VM 'hello' is not")
    assert said(tmp_path, text.replace("guest.elf", "blob.bin, at: 0x80000000"))[0] == (
        "error[BH0412]: 'blob.bin' needs memory that is executable, and memory.ram of VM 'hello' is not")
