# SPDX-License-Identifier: Apache-2.0
"""The boards of boards/: those that QEMU has run; for each other one two VMs are configured, linked and verified, on our
tree and on that of Debian's kernel; and the two trees agree."""
from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import yaml

from harness import ROOT, build

sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "dtbs")]

from configtool.board.import_ import import_board     # noqa: E402
from configtool.board.load import board_names, load_board     # noqa: E402
from configtool.board.model import Board, Device     # noqa: E402
from configtool.diagnostics import Sink     # noqa: E402
from configtool.source import Span     # noqa: E402
from corpus import fetch     # noqa: E402

# By board of ours: the tree of Debian's kernel, the driver of its console.
BOARDS = {
    "raspberrypi-4b": ("broadcom-bcm2711-rpi-4-b", "pl011"), "xlnx-zcu102": ("xilinx-zynqmp-zcu102-rev1.0", "cadence"),
    "ultra96": ("xilinx-zynqmp-zcu100-revC", "cadence"), "imx8qm-mek": ("freescale-imx8qm-mek", "lpuart"),
    "imx8mq-evk": ("freescale-imx8mq-evk", "imx-uart"), "imx8mp-evk": ("freescale-imx8mp-evk", "imx-uart"),
    "jetson-tx2": ("nvidia-tegra186-p2771-0000", "soc8250"), "hikey960": ("hisilicon-hi3660-hikey960", "pl011"),
    "rock960": ("rockchip-rk3399-rock960", "soc8250"), "beaglebone-ai64": ("ti-k3-j721e-beagleboneai64", "soc8250"),
    "arm-fvp-base-revc": ("arm-fvp-base-revc", "pl011")}
# Boards of RISC-V that are in Debian alone: load address, memory (None: the tree has it), driver of the console.
RISCV = {
    "spacemit-k3-pico-itx": (0x1_0020_0000, None, "soc8250"),
    "eswin-eic7700-hifive-premier-p550": (0x8020_0000, "[{at: 0x80000000, size: 16GiB}]", "soc8250")}
SYSTEMS = ROOT / "build" / "boards"


def loaded(name: str) -> Board:
    sink = Sink()
    made = load_board(name, Span("test"), "", sink)
    assert made is not None, sink.diagnostics
    return made


def system(name: str, board: str, cpus: int) -> str:
    """A system of examples/two-vms for this board, on the console that it has by itself. Gives its path."""
    folder = SYSTEMS / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("control.c", "worker.c", "messages.h"):
        if not os.path.lexists(folder / file):
            (folder / file).symlink_to(ROOT / "examples/two-vms" / file)
    base = (ROOT / "examples/two-vms/system.yaml").read_text()
    (folder / "base.yaml").write_text(base)
    (folder / f"two-vms-{name}.yaml").write_text(f"""\
bulkhead: 1
extends: base.yaml
name: two-vms-{name}
board: {board}
hypervisor: {{console: null}}
vms:
  control: {{devices: null}}
  worker: {{vcpus: {min(2, cpus - 1)}}}
""")
    return str((folder / f"two-vms-{name}.yaml").relative_to(ROOT))


def check_built(name: str, board: Board, where: str, driver: str) -> None:
    """It links, `verify` has looked at it (the build stops otherwise), and its console has the driver."""
    built = build(system(name, where, len(board.cpus)))
    assert (built.directory / "verified").exists()
    assert driver in re.search(r"(?m)^DRIVERS := (.*)$", (built.directory / "gen/config.mk").read_text())[1].split()
    bank = next(b for b in board.memory if b.base <= board.load < b.end)
    assert int.from_bytes(built.bin.read_bytes()[8:16], "little") == board.load - bank.base    # text_offset


@pytest.mark.parametrize("name", BOARDS)
def test_two_vms_build_for_our_board(name: str) -> None:
    check_built(name, loaded(name), name, BOARDS[name][1])


def imported(name: str, dtb: Path, text: str) -> Path:
    """A board folder of an imported tree with this board.yaml."""
    folder = SYSTEMS / "imported" / name
    folder.mkdir(parents=True, exist_ok=True)
    result = import_board(str(dtb))
    assert result.reason == ""
    (folder / "board.dts").write_text(result.files["board.dts"])
    (folder / "board.yaml").write_text(text)
    return folder


def debians(name: str) -> Path:
    """The board with the tree of Debian's kernel and what our board.yaml says; memory that the tree lacks, or has less of
    than we know, is that of ours."""
    ours = loaded(name)
    text = (ROOT / "boards" / name / "board.yaml").read_text()
    if "\nmemory:" not in text:
        banks = ", ".join(f"{{at: {b.base:#x}, size: {b.size >> 10}KiB}}" for b in ours.memory)
        text += f"memory: [{banks}]         # bulkhead: allow BH0814 because the boot loader finds more\n"
    dtb = next(file for file in fetch("arm64") if file.stem == BOARDS[name][0])
    return imported(name, dtb, text)


@pytest.mark.parametrize("name", BOARDS)
def test_two_vms_build_for_the_imported_board(name: str) -> None:
    folder = debians(name)
    theirs = loaded(str(folder))
    console = next((d for d in theirs.devices if d.path == theirs.console), None)
    # The Raspberry Pi's tree names the mini UART.
    driver = "soc8250" if console and "brcm,bcm2835-aux-uart" in console.compatible else BOARDS[name][1]
    check_built(f"imported-{name}", theirs, f"../imported/{name}", driver)


@pytest.mark.parametrize("name", RISCV)
def test_two_vms_build_for_a_board_of_riscv(name: str) -> None:
    load, memory, driver = RISCV[name]
    dtb = next(file for file in fetch("riscv64") if file.stem == name)
    text = f"bulkhead-board: 1\nload: {load:#x}\nboot: sbi\n"
    text += f"firmware: [{{name: OpenSBI, at: {load - 0x20_0000:#x}, size: 512KiB}}]\n"
    folder = imported(name, dtb, text + (f"memory: {memory}\n" if memory else ""))
    check_built(f"imported-{name}", loaded(str(folder)), f"../imported/{name}", driver)


def _places(device: Device) -> tuple[tuple[tuple[int, int], ...], list[int]]:
    return device.registers, [i.number for i in device.interrupts if i.controller and i.number >= 32]


@pytest.mark.parametrize("name", sorted(set(BOARDS) - {"xlnx-zcu102"}))
def test_our_tree_says_what_debians_says(name: str) -> None:
    ours, theirs = loaded(name), loaded(str(debians(name)))
    mine = [(c.id, c.core, c.enable_method, c.release_addr) for c in ours.cpus]
    have = [(c.id, c.core, c.enable_method, c.release_addr) for c in theirs.cpus]
    assert mine[:len(have)] == have and (len(mine) == len(have) or name == "imx8qm-mek")     # its A72 are left out there
    assert ours.controller is not None and theirs.controller is not None
    assert (ours.controller.kind, ours.controller.registers, ours.controller.its) == (
        theirs.controller.kind, theirs.controller.registers, theirs.controller.its)
    there = {d.registers[0][0]: d for d in theirs.devices if d.registers}
    wrong = {}
    for device in ours.devices:
        if device.kind != "device" or not device.registers:
            continue
        other = there.get(device.registers[0][0])
        if other is None:
            wrong[device.name] = "not there"
        elif set(_places(device)[1]) - set(_places(other)[1]):
            wrong[device.name] = f"{_places(device)[1]} and {_places(other)[1]}"
        elif not set(device.compatible) & set(other.compatible):
            wrong[device.name] = f"{device.compatible} and {other.compatible}"
        elif device.registers[0][1] > other.registers[0][1]:
            wrong[device.name] = f"{device.registers} and {other.registers}"
    assert wrong == {}


def test_boards_are_these() -> None:
    qemu = {name for name in board_names() if name.startswith("qemu-")} | {"xlnx-versal-virt"}
    assert set(board_names()) == qemu | set(BOARDS)
    for name in board_names():
        text = yaml.safe_load((ROOT / "boards" / name / "board.yaml").read_text())
        assert "run" in text or "booti" in text["run_notes"] or "U-Boot" in text["run_notes"], name


# --- Those that QEMU has

@pytest.mark.parametrize("name, cpus", [("raspberrypi-4b", 2), ("xlnx-versal-virt", 1)])
def test_two_vms_run(boot, name: str, cpus: int) -> None:
    """The Raspberry Pi's CPUs come out of a spin table, and nothing there switches the board off."""
    console = boot(f"examples/two-vms/two-vms-{name}.yaml")
    console.expect("[bulkhead] all VMs have ended\n")
    assert "20 commands sent, 20 answers received, 0 wrong" in console.lines("control")
    assert console.lines("worker")[0] == f"{cpus} CPU{'s' * (cpus > 1)}, waiting for commands"
    if name != "raspberrypi-4b":
        assert console.expect_end() == 0


def test_hello_runs_on_an_imx(boot) -> None:
    console = boot("examples/hello/hello-imx8mp-evk.yaml")
    assert console.expect_end() == 0
    assert console.lines("hello") == ["Hello from CPU 0 of 1", "memory: 16 MiB at 0x40000000"]
