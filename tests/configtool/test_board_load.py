# SPDX-License-Identifier: Apache-2.0
"""Boards by name and path: what is found, and what is said of files that are missing, damaged or made to harm."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from board_cases import BASE, changed_board
from configtool.board.load import board_names, load_board
from configtool.board.model import Board
from configtool.diagnostics import Sink
from configtool.source import Span

HERE = Span("system.yaml", 3, 8, 3, 12)


def load(name: str, folder: str = "") -> tuple[Board | None, list[tuple[str, str, str, int, tuple[str, ...]]]]:
    """The board, and (code, message, file, line, help and notes) of each diagnostic."""
    sink = Sink()
    board = load_board(name, HERE, folder, sink)
    return board, [(d.code, d.message, d.primary.span.file, d.primary.span.line, d.help + d.notes)
                   for d in sink.diagnostics]


def test_every_board_that_comes_with_bulkhead_loads() -> None:
    assert board_names() == ["arm-fvp-base-revc", "beaglebone-ai64", "hikey960", "imx8mp-evk", "imx8mq-evk",
                             "imx8qm-mek", "jetson-tx2", "qemu-aarch64-virt-gicv2", "qemu-aarch64-virt-gicv3",
                             "qemu-riscv32-virt", "qemu-riscv64-virt", "qemu-riscv64-virt-aia",
                             "qemu-riscv64-virt-aplic", "raspberrypi-4b", "rock960", "ultra96", "xlnx-versal-virt",
                             "xlnx-zcu102"]
    for name in board_names():
        board, found = load(name)
        assert board is not None and found == [] and board.name == name and board.description
        assert board.run or board.run_notes


def test_ways_to_name_a_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed_board(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for name, folder, dts in (("./mine", "", "mine/board.dts"), ("mine/board.yaml", "", "mine/board.dts"),
                              ("../mine", "sub", "mine/board.dts"),
                              ("board.dts", "mine", "mine/board.dts"), (str(tmp_path / "mine"), "x",
                                                                        str(tmp_path / "mine/board.dts"))):
        board, found = load(name, folder)
        assert board is not None and found == [] and (board.name, board.dts) == ("mine", dts), name
        assert board.device("rtc").span.file == dts.replace("board.dts", "base.dtsi")


def test_a_compiled_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = changed_board(tmp_path / "mine")
    subprocess.run(["dtc", "-q", "-@", "-O", "dtb", "-o", folder / "board.dtb", folder / "board.dts"], check=True)
    (folder / "board.dts").unlink()
    monkeypatch.chdir(tmp_path)
    board, found = load("./mine")
    assert board is not None and found == []
    assert board.device("rtc").span == Span("mine/board.dtb") and board.device("serial0").name == "serial@10000000"


@pytest.mark.parametrize("name, message, help_", [
    ("qemu-riscv64-vrit", "there is no board 'qemu-riscv64-vrit'", "did you mean qemu-riscv64-virt?"),
    ("nothing", "there is no board 'nothing'",
     "boards that there are: arm-fvp-base-revc, beaglebone-ai64, hikey960, imx8mp-evk, imx8mq-evk, imx8qm-mek, "
     "jetson-tx2, qemu-aarch64-virt-gicv2, qemu-aarch64-virt-gicv3, qemu-riscv32-virt, qemu-riscv64-virt, "
     "qemu-riscv64-virt-aia, qemu-riscv64-virt-aplic, raspberrypi-4b, rock960, ultra96, xlnx-versal-virt, "
     "xlnx-zcu102"),
    ("./nothing", "there is no board folder nothing", "a path is relative to the folder of the file that names it"),
    ("nothing.dtb", "there is no file nothing.dtb", "a path is relative to the folder of the file that names it"),
    ("..", "the board 'FOLDER' has no device tree", "put board.dts or board.dtb into .."),
])
def test_boards_that_there_are_not(name: str, message: str, help_: str, tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    board, found = load(name)
    assert board is None and len(found) == 1
    assert found[0][:4] == ("BH0802" if name == ".." else "BH0801", message.replace("FOLDER", tmp_path.name),
                            "system.yaml", 3)
    assert found[0][4][0] == help_


def test_a_tree_without_board_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.dts").write_text("/dts-v1/; / { };")
    assert load("x.dts") == (None, [("BH0807", "there is no board.yaml beside x.dts", "system.yaml", 3, (
        "make a board of it: configtool board import x.dts -o DIR",
        "a device tree does not say where the image is loaded, nor where firmware lives"))])


def test_files_that_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, reason in (("directory", "it is a directory"), ("fifo", "it is no regular file"),
                         ("link", "there is no such file")):
        for file in ("board.dts", "board.dtb", "board.yaml"):
            folder = changed_board(tmp_path / f"{kind}-{file[-3:]}")
            if file == "board.dtb":
                (folder / "board.dts").unlink()
            (folder / file).unlink(missing_ok=True)
            if kind == "directory":
                (folder / file).mkdir()
            elif kind == "fifo":
                os.mkfifo(folder / file)
            else:
                (folder / file).symlink_to("nowhere")
            board, found = load(f"./{folder.name}")
            assert board is None and [(f[0], f[1]) for f in found] == [("BH0802",
                                                                        f"cannot read {folder.name}/{file}: {reason}")]


def test_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed_board(tmp_path / "mine")
    os.truncate("mine/board.dts", 100 << 20)
    assert load("./mine")[1][0][:2] == (
        "BH0802", "cannot read mine/board.dts: it has 104,857,600 bytes, and 2,097,152 is the most that is read")


@pytest.mark.parametrize("data, note", [
    (b"", "the file is empty"), (b"abc\n", "it starts with 6162630a, and a compiled device tree with d00dfeed"),
    (b"\xd0\x0d\xfe\xed" + bytes(8), "the file ends after 12 bytes, within the header"),
])
def test_compiled_trees_that_are_none(data: bytes, note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = changed_board(tmp_path / "mine")
    (folder / "board.dts").unlink()
    (folder / "board.dtb").write_bytes(data)
    assert load("./mine") == (None, [("BH0804", "mine/board.dtb is no device tree that can be read", "system.yaml", 3,
                                      (note,))])


def test_a_source_that_wants_the_preprocessor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = changed_board(tmp_path / "mine")
    (folder / "board.dts").write_text("/dts-v1/;\n#include <dt-bindings/gpio/gpio.h>\n/ { };\n")
    assert load("./mine") == (None, [("BH0803", "this source wants the C preprocessor", "mine/board.dts", 2, (
        "give the .dtb that the kernel's or U-Boot's build made of it, or preprocess it: "
        "cpp -nostdinc -undef -x assembler-with-cpp -I INCLUDES mine/board.dts",))])


def test_no_dtc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed_board(tmp_path / "mine")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert load("./mine") == (None, [("BH0802", "cannot read mine/board.dts: there is no program dtc", "mine/board.dts",
                                      0, (
        "install the package device-tree-compiler",))])


YAML = (BASE / "board.yaml").read_text()
LAST = len(YAML.splitlines()) + 1


@pytest.mark.parametrize("text, line, code, message, help_", [
    ("bulkhead-board: 1\nload: 0x80200000\n", 1, "BH0101", None, None),
    (YAML.replace("boot: sbi", "boot: linux-image"), 0, "BH0810", "the boot method 'linux-image' is none of riscv64",
     ("write boot: sbi",)),
    (YAML + "memory: [{at: 0x80000000, size: 1GiB}, {at: 0xb0000000, size: 1GiB}]\n", LAST, "BH0810",
     "the memory banks at 0x80000000 and 0xb0000000 overlap", ()),
    (YAML + "memory: [{at: 0x80000001, size: 1GiB}]\n", LAST, "BH0810",
     "the address of memory bank 0 is not whole pages of 4KiB",
     ("write 0x80000000",)),
    (YAML + "memory: [{at: 0x80000000, size: 3KiB}]\n", LAST, "BH0810",
     "the size of memory bank 0 is not whole pages of 4KiB",
     ("write 4KiB",)),
    (YAML + "memory: [{at: 0xffffffffffff0000, size: 1GiB}]\n", LAST, "BH0810", "memory bank 0 exceeds 64 bits", ()),
    (YAML + "console: uart1\n", LAST, "BH0808", "the console 'uart1' is no device of the tree",
     ("did you mean uart0?",)),
], ids=range(7))
def test_board_yaml_that_does_not_fit(text: str, line: int, code: str, message: str | None,
                                      help_: tuple[str, ...] | None,
                                      tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed_board(tmp_path / "mine", yaml=text)
    board, found = load("./mine")
    found = [f for f in found if f[0] != "BH0814"]      # memory that the device tree does not have
    assert board is None and len(found) == 1
    assert found[0][0] == code and found[0][2] == "mine/board.yaml"
    if message is not None:
        assert found[0][1] == message and found[0][3] in (line, 0) and found[0][4] == help_


@pytest.mark.parametrize("dts, code, message", [
    ("/delete-node/ &{/cpus};", "BH0803", None),
    ("&cpu0 { status = \"disabled\"; }; &cpu1 { status = \"fail\"; }; &cpu2 { status = \"disabled\"; }; "
     "&cpu3 { riscv,isa-extensions = \"i\"; };", "BH0809",
     "the board's CPUs have no virtualisation: riscv lacks the H extension"),
    ("&{/memory@80000000} { reg = <0 0x80000000 0 0>; };", "BH0806",
     "the device tree leaves the size of the memory to firmware"),
    ("&{/memory@80000000} { reg = <0 0x80000000>; };", "BH0812",
     "memory of the device tree: reg has 2 cells; entries here have 2 for the address and 2 for the size"),
    ("/ { reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; x@1 { reg = <1>; }; }; };", "BH0805",
     "reserved memory of the device tree: reg has 1 cell; entries here have 2 for the address and 2 for the size"),
])
def test_trees_that_do_not_do(dts: str, code: str | None, message: str | None, tmp_path: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed_board(tmp_path / "mine", dts)
    board, found = load("./mine")
    assert (board is None) == (code is not None)
    assert [f[0] for f in found][:1] == ([code] if code else [])
    if message:
        assert found[0][1] == message


def test_memory_of_board_yaml_takes_the_place_of_the_trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed_board(tmp_path / "mine", "&{/memory@80000000} { reg = <0 0x80000000>; };",
                  YAML + "memory: [{at: 0xc0000000, size: 1GiB}, {at: 0x80000000, size: 512MiB}]\n")
    board, found = load("./mine")
    assert board is not None and found == []
    assert [(b.base, b.size) for b in board.memory] == [(0x80000000, 0x20000000), (0xC0000000, 0x40000000)]
