# SPDX-License-Identifier: Apache-2.0
"""configtool board show and board import, as a user sees them."""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from board_cases import changed_board
from configtool.board.dtb import read_dtb
from configtool.board.dts import Property
from configtool.board.dts_text import dts_text, value_text
from configtool.board.load import BOARDS, board_names
from configtool.source import Span
from workbench import configtool


def compiled(text: str, path: Path) -> Path:
    path.write_bytes(subprocess.run(["dtc", "-q", "-@", "-O", "dtb"], input=text.encode(), stdout=subprocess.PIPE,
                                    check=True).stdout)
    return path


BOARD = """/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
    #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>; model = "Some \\"board\\"";
    aliases { serial0 = &uart; };
    cpus {
        #address-cells = <1>; #size-cells = <0>;
        cpu@0 { device_type = "cpu"; reg = <0>; compatible = "arm,cortex-a72"; next-level-cache = <&l2>; };
        cpu@1 { device_type = "cpu"; reg = <1>; compatible = "arm,cortex-a72"; next-level-cache = <&l2>; };
        l2: l2 {
            compatible = "cache"; cache-level = <2>; cache-unified;
            cache-size = <0x100000>; cache-line-size = <64>; cache-sets = <1024>;
        };
    };
    memory@0 { device_type = "memory"; reg = <0 0 0 0>; };
    gic: gic@8000000 {
        compatible = "arm,gic-v3"; reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0x80000>;
        #interrupt-cells = <3>; interrupt-controller; interrupts = <1 9 4>;
    };
    timer { compatible = "arm,armv8-timer"; interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };
    uart: serial@9000000 { compatible = "arm,pl011"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 1 4>; odd = [01 02
    03]; }; broken@a000000 { compatible = "x"; reg = <0 0xa000000 0>; }; }; """


def test_list_of_boards() -> None:
    code, out, err = configtool("board", "show")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == board_names()
    assert "qemu-riscv64-virt            QEMU's RISC-V virt machine with a PLIC, 4 harts, 2 GiB\n" in out
    code, out, _ = configtool("board", "show", "--json")
    assert code == 0 and json.loads(out) == board_names()


def test_a_board_in_a_table() -> None:
    code, out, err = configtool("board", "show", "qemu-riscv64-virt", folder=Path(BOARDS).parent)
    assert (code, err) == (0, "")
    assert out.startswith("""\
qemu-riscv64-virt: QEMU's RISC-V virt machine with a PLIC, 4 harts, 2 GiB
  riscv64, boards/qemu-riscv64-virt/board.dts
  starts at 0x80200000 by sbi

CPUs (4)
  name   hart  core   cluster
  cpu@0  0     riscv  cluster0  rv64imafdch sstc zicbom
""")
    assert """
Memory (2GiB)
  from        to          size
  0x80000000  0x8007ffff  512KiB     OpenSBI
  0x80080000  0xffdfffff  2045.5MiB  free
  0xffe00000  0xffffffff  2MiB       device tree left by QEMU

Interrupt controller: plic, plic at 0xc000000, 95 sources
Console: uart0

Caches beyond level 1
  name  level  size  ways  shared by       colors
  l2    2      1MiB  16    cpu@0 to cpu@3  16

Colors: 16, as a way of l2 has 64KiB (1024 sets of 64 bytes, 16 ways) and a page 4KiB; l2 is a model in board.yaml, \
the machine has none

Devices (16)
  name                  known as       registers                           interrupts      DMA
  fw-cfg@10100000       fw_cfg         0x10100000+0x18                     -               all memory
  flash@20000000        flash          0x20000000+32MiB, 0x22000000+32MiB  -               -
""" in out
    assert "rtc@101000            rtc            0x101000+4KiB                       11              -\n" in out


@pytest.mark.parametrize("name", board_names())
def test_json_holds_what_the_table_shows(name: str) -> None:
    code, out, _ = configtool("board", "show", name, "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["name"] == name and shown["cpus"] and shown["interrupt_controller"]["kind"] and shown["devices"]
    again = configtool("board", "show", name, "--json")[1]
    assert out == again
    code, table, _ = configtool("board", "show", name)
    assert all(device["name"] in table for device in shown["devices"])


def test_boards_that_cannot_be_shown(tmp_path: Path) -> None:
    assert configtool("board", "show", "qemu-riscv64-vrit", folder=tmp_path)[::2] == (
        2, "configtool: there is no board 'qemu-riscv64-vrit'; did you mean qemu-riscv64-virt?\n")
    changed_board(tmp_path / "mine", "&plic { status = \"disabled\"; };")
    code, out, err = configtool("board", "show", "mine", folder=tmp_path)
    assert code == 1 and out == "" and err.startswith("error[BH0811]: the device tree has no interrupt controller")


def test_a_tree_alone_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    compiled(BOARD, tmp_path / "some.dtb")
    code, out, err = configtool("board", "show", "some.dtb", folder=tmp_path)
    assert (code, err) == (0, "")
    assert out == """\
some.dtb: Some "board"
  aarch64, some.dtb

CPUs (2)
  name   MPIDR  core        cluster
  cpu@0  0x0    cortex-a72  -
  cpu@1  0x1    cortex-a72  -

Memory: left to the boot loader
  from    to      size
  0x1000  0x2fff  8KiB  memreserve@1000

Interrupt controller: gicv3, gic at 0x8000000

Caches beyond level 1
  name  level  size  ways  shared by    colors
  l2    2      1MiB  16    cpu@0 cpu@1  16

Colors: 16, as a way of l2 has 64KiB (1024 sets of 64 bytes, 16 ways) and a page 4KiB

Devices (4)
  name            known as      registers                          interrupts      DMA
  gic@8000000     gic           0x8000000+64KiB, 0x80a0000+512KiB  25              -    the hypervisor's
  timer           -             -                                  29, 30, 27, 26  -    the hypervisor's
  serial@9000000  uart serial0  0x9000000+4KiB                     33              -
  broken@a000000  -             -                                  -               ?    PROBLEM
""".replace("PROBLEM", "reg has 3 cells; entries here have 2 for the address and 2 for the size")


def test_import(tmp_path: Path) -> None:
    compiled(BOARD, tmp_path / "some.dtb")
    code, out, err = configtool("board", "import", "some.dtb", folder=tmp_path)
    assert (code, err) == (0, "")
    assert out == """\
some: Some "board"
  aarch64, CPUs: 2 cortex-a72, gicv3, 4 devices, 16 cache colors at level 2
  1 device could not be read whole; board show says which
  to fill in in some/board.yaml: load, memory, firmware
"""
    assert sorted(os.listdir(tmp_path / "some")) == ["board.dts", "board.yaml"]
    assert (tmp_path / "some" / "board.yaml").read_text() == """\
# Made by `configtool board import some.dtb`.
# What has no value below, the device tree does not say: fill it in, then try `configtool board show`.
bulkhead-board: 1
description: "Some \\"board\\""

# Where the boot loader puts the image, a physical address. It is a file in the form of a Linux kernel Image,
# so the address to which your boot loader loads a kernel is right (U-Boot: printenv kernel_addr_r).
load:
boot: linux-image

# The device tree leaves the memory to the boot loader: see U-Boot's bdinfo or Linux's /proc/iomem.
# For example: [{at: 0x40000000, size: 2GiB}]
memory:

# Memory that firmware keeps (Trusted Firmware-A and a secure OS), and that the device tree does not reserve; [] where
# there is none. For example: [{name: TF-A, at: 0x40000000, size: 512KiB}]
# The device tree reserves:
#   0x1000 to 0x2fff  8KiB  memreserve@1000
firmware:

# The device tree names no console. UARTs: serial0
# console: serial0

# The command that runs the image, if there is one; {bin} is the flat image, {elf} the ELF file.
# run: [flash-my-board, "{bin}"]
"""
    code, out, err = configtool("board", "show", "some", folder=tmp_path)
    assert code == 1 and [line for line in err.splitlines() if line.startswith("error")] == [
        "error[BH0102]: load has no value", "error[BH0102]: memory has no value",
        "error[BH0102]: firmware has no value"]
    text = (tmp_path / "some" / "board.yaml").read_text()
    text = text.replace("\nload:\n", "\nload: 0x40200000\n").replace("\nfirmware:\n", "\nfirmware: []\n").replace(
        "\nmemory:\n", "\nmemory: [{at: 0x40000000, size: 1GiB}]\n").replace("# console:", "console:")
    (tmp_path / "some" / "board.yaml").write_text(text)
    code, out, err = configtool("board", "show", "some", folder=tmp_path)
    assert (code, err) == (0, "") and "Console: uart\n" in out and "  starts at 0x40200000 by linux-image\n" in out


def test_import_keeps_the_tree_as_it_is(tmp_path: Path) -> None:
    blob = compiled(BOARD, tmp_path / "some.dtb").read_bytes()
    before = read_dtb(blob, "x")
    after = read_dtb(compiled(dts_text(before, "x"), tmp_path / "again.dtb").read_bytes(), "x")
    assert before.reservations == after.reservations
    for node in before.root.walk():
        if not node.path.startswith("/__"):
            assert [(p.name, p.value) for p in node.properties] == [(p.name, p.value)
                                                                    for p in after.nodes[node.path].properties]
            assert node.labels == after.nodes[node.path].labels


@pytest.mark.parametrize("name, value, text", [
    ("status", b"okay\0", '"okay"'), ("compatible", b"a\0b\0", '"a", "b"'), ("reg", b"\0\0\0\1", "<0x1>"),
    ("clock-frequency", b"\0\x38\x40\0", "<0x384000>"), ("x", b"\1\2\3", "[01 02 03]"), ("x", b"a\0\0", "[61 00 00]"),
    ("x", b"a\"\\\0", '"a\\"\\\\"'), ("x", b"\0", "[00]"), ("#x-cells", b"abc\0", "<0x61626300>"),
])
def test_values_as_text(name: str, value: bytes, text: str) -> None:
    assert value_text(Property(name, value, Span("f"))) == text


@pytest.mark.parametrize("change, reason", [
    (("cortex-a72", "cortex-a9"),
     "the board's CPUs have no virtualisation: cortex-a9 lacks the Virtualization Extensions"),
    (("arm,gic-v3", "apple,aic"),
     "the device tree has no interrupt controller that Bulkhead knows; its own is gic@8000000 (apple,aic)"),
    (("arm,gic-v3", "arm,gic-400"),
     "the interrupt controller has no registers of a virtual CPU interface (GICH, GICV)"),
    (("arm,cortex-a72", "v,x"), "the CPUs are of no architecture that Bulkhead knows; compatible: v,x"),
    (("cpu@1 { device_type = \"cpu\"; reg = <1>", "cpu@1 { device_type = \"cpu\"; reg = <1 1>"),
     "CPUs of the device tree: cpu@1 has no reg of 1 cell that gives its hart id or MPIDR"),
])
def test_import_says_in_one_line_why_there_is_no_board(change: tuple[str, str], reason: str, tmp_path: Path) -> None:
    compiled(BOARD.replace(*change), tmp_path / "some.dtb")
    code, out, err = configtool("board", "import", "some.dtb", folder=tmp_path)
    assert (code, out, err) == (1, "", f"some.dtb: no board can be made of it: {reason}\n")
    assert os.listdir(tmp_path) == ["some.dtb"]


def test_import_overwrites_nothing(tmp_path: Path) -> None:
    compiled(BOARD, tmp_path / "some.dtb")
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "mine").write_text("")
    assert configtool("board", "import", "some.dtb", folder=tmp_path) == (
        2, "", "configtool: some is there already; give another folder with -o\n")
    assert configtool("board", "import", "none.dtb", folder=tmp_path)[::2] == (
        2, "configtool: there is no file none.dtb\n")
    assert configtool("board", "import", "some.dtb", "-o", "some/mine/x", folder=tmp_path)[::2] == (
        2, "configtool: cannot write some/mine/x: not a directory\n")
    code, _, err = configtool("board", "import", "some/mine", "-o", "x", folder=tmp_path)
    assert code == 1 and err.startswith("error[BH0803]: the device tree does not compile: syntax error\n")
    assert sorted(os.listdir(tmp_path)) == ["some", "some.dtb"]
