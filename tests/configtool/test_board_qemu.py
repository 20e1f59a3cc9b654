# SPDX-License-Identifier: Apache-2.0
"""boards/ against what QEMU itself says of its machines, so that drift is seen."""
from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from configtool.board.dtb import read_dtb
from configtool.board.dts import DeviceTree, Node, Property
from configtool.board.extract import extract
from configtool.board.load import load_board
from configtool.board.model import Board
from configtool.diagnostics import Sink
from configtool.source import Span

# Properties with phandles: cells of an entry before the phandle, and after it; a name is that of a property with their
# number.
_PHANDLES: dict[str, tuple[tuple[int | str, ...], tuple[int | str, ...]]] = {
    "interrupt-parent": ((), ()), "cpu": ((), ()), "regmap": ((), ()), "msi-parent": ((), ()),
    "riscv,children": ((), ()),
    "riscv,delegate": ((), (2,)), "riscv,delegation": ((), (2,)), "msi-map": ((1,), (2,)),
    "clocks": ((), ("#clock-cells",)),
    "gpios": ((), ("#gpio-cells",)), "interrupts-extended": ((), ("#interrupt-cells",)),
    "interrupt-map": (("#address-cells", "#interrupt-cells"), ("#address-cells", "#interrupt-cells")),
}


def board(name: str) -> Board:
    sink = Sink()
    found = load_board(name, Span("test"), "", sink)
    assert found is not None, sink.diagnostics
    return found


def qemu(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def facts(tree: DeviceTree) -> dict[str, object]:
    """Every property by node and name; phandles, which each tree numbers in its own way, as the paths they lead to."""
    found: dict[str, object] = {node.path: None for node in tree.root.walk()}
    for node in tree.root.walk():
        for prop in node.properties:
            if prop.name not in ("phandle", "rng-seed", "kaslr-seed"):
                found[f"{node.path}:{prop.name}"] = _resolved(tree, node,
                                                              prop) if prop.name in _PHANDLES else prop.value
    return found


def _resolved(tree: DeviceTree, node: Node, prop: Property) -> list[object]:
    out: list[object] = []
    cells, at = prop.cells, 0
    before, after = _PHANDLES[prop.name]
    while at < len(cells):
        start = sum(node.u32(c, 0) if isinstance(c, str) else c for c in before)
        target = tree.phandle(cells[at + start])
        assert target is not None
        end = start + 1 + sum(target.u32(c, 0) if isinstance(c, str) else c for c in after)
        out += [*cells[at:at + start], target.path, *cells[at + start + 1:at + end]]
        at += end
    return out


def machine(made: Board) -> list[str]:
    """The board's command without what is loaded and what is shown."""
    found: list[str] = []
    for argument in made.run[1:made.run.index("-kernel")]:
        if found and found[-1] in ("-display", "-monitor", "-serial"):
            found.pop()
        elif argument != "-nographic":
            found.append(argument)
    return found


VARIANTS = str(Path(__file__).resolve().parents[1] / "boards" / "qemu-riscv64-virt")


@pytest.mark.parametrize("name, options", [
    ("qemu-riscv64-virt", ",aclint=off"), ("qemu-riscv64-virt-aplic", ",aclint=off"),
    ("qemu-riscv64-virt-aia", ",aclint=off"), ("qemu-aarch64-virt-gicv2", ""), ("qemu-aarch64-virt-gicv3", ""),
    ("qemu-riscv32-virt", ",aclint=off"), pytest.param(f"{VARIANTS}-max", ",aclint=off", id="max"), pytest.param(f"{VARIANTS}-rva23", ",aclint=off", id="rva23")])
def test_tree_is_what_qemu_dumps(name: str, options: str, tmp_path: Path) -> None:
    made = board(name)
    program = qemu(made.run[0])
    arguments = [*machine(made), "-display", "none"]
    arguments[arguments.index("-M") + 1] += f"{options},dumpdtb={tmp_path / 'qemu.dtb'}"
    subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    blob = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", made.dts], check=True, stdout=subprocess.PIPE).stdout
    assert facts(read_dtb(blob, "ours")) == facts(read_dtb((tmp_path / "qemu.dtb").read_bytes(), "qemu"))


def test_zcu102_has_the_registers_of_qemus_memory_map() -> None:
    made = board("xlnx-zcu102")
    program = qemu(made.run[0])
    arguments = [*machine(made), "-S", "-display", "none", "-serial", "none", "-monitor", "stdio"]
    out = subprocess.run([program, *arguments], input="info mtree\nquit\n", text=True, check=True,
                         stdout=subprocess.PIPE,
                         timeout=60).stdout
    there = {(int(base, 16), name) for base,
             name in re.findall(r"(?m)^ +([0-9a-f]{16})-[0-9a-f]{16} \(prio [^)]*\): (\S+)", out)}
    bases = {base for base, _ in there}
    ours = {base for d in made.devices for base, _ in d.registers}
    assert {hex(b) for b in ours - bases} == set()
    assert [(b.base, b.size) for b in made.memory] == [(0, 2 << 30)] and (0, "ddr-ram") in there
    # What QEMU has and the tree does not: parts of one of these, memories, and models without a driver.
    left = {name for base, name in there if base >= 0xF0000000 and not any(
        r <= base < r + s for d in made.devices for r, s in d.registers)}
    assert left == {"serdes", "xlnx-zynqmp-efuse", "xlnx.apu-ctrl", "xlnx.bbram-ctrl", "xlnx.dpdma", "xlnx.v-dp",
                    "xlnx.v-dp.audio",
                    "xlnx.v-dp.av_buffer_manager", "xlnx.v-dp.core", "xlnx.v-dp.v_blend", "xlnx.zynqmp_crf",
                    "xlnx.zynqmp_ipi",
                    "zynqmp.ocm_ram_bank_0", "zynqmp.ocm_ram_bank_1", "zynqmp.ocm_ram_bank_2", "zynqmp.ocm_ram_bank_3"}


def test_versal_has_the_devices_of_qemus_tree(tmp_path: Path) -> None:
    """Ours has CPUs with PSCI, labels and no PMC besides."""
    made = board("xlnx-versal-virt")
    arguments = [*machine(made), "-display", "none"]
    arguments[arguments.index("-M") + 1] += f",dumpdtb={tmp_path / 'qemu.dtb'}"
    subprocess.run([qemu(made.run[0]), *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   timeout=60)
    theirs = extract(read_dtb((tmp_path / "qemu.dtb").read_bytes(), "qemu"))
    mine, have = ({(d.registers, tuple((i.number, i.trigger) for i in d.interrupts)) for d in devices
                   if d.kind == "device" and d.registers} for devices in (made.devices, theirs.devices))
    assert mine - have == set()
    assert {hex(p[0][0][0]) for p in have - mine} == {"0xf11f0000", "0xf1240000", "0xf1250000", "0xff9d0000"}
    assert [(c.id, c.core) for c in made.cpus] == [(c.id, c.core) for c in theirs.cpus]
    assert [(b.base, b.size) for b in made.memory] == [(b.base, b.size) for b in theirs.memory]
    assert made.controller is not None and theirs.controller is not None
    assert made.controller.registers == theirs.controller.registers


@pytest.mark.parametrize("name", ["raspberrypi-4b", "imx8mp-evk"])
def test_what_the_hypervisor_needs_is_where_qemu_has_it(name: str) -> None:
    """QEMU has not all devices of these boards, and no tree of them."""
    made = board(name)
    arguments = [*machine(made), "-S", "-display", "none", "-monitor", "stdio"]
    out = subprocess.run([qemu(made.run[0]), *arguments], input="info mtree -f\nquit\n", text=True, check=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout
    bases = {int(base, 16) for base in re.findall(r"(?m)^ +([0-9a-f]{16})-", out)}
    assert made.controller is not None
    own = made.controller.registers[:2] if made.controller.kind == "gicv3" else made.controller.registers[:3]
    wanted = {base for base, _ in own} | {b.base for b in made.memory[:1]}
    console = made.device(made.console or "")
    assert console is not None
    wanted.add(console.registers[0][0])
    assert {hex(base) for base in wanted - bases} == set()


@pytest.mark.parametrize("name", ["qemu-riscv64-virt", "qemu-riscv64-virt-aplic", "qemu-riscv64-virt-aia",
                                  "qemu-riscv32-virt"])
def test_opensbi_stays_within_its_memory(name: str) -> None:
    made = board(name)
    program = qemu(made.run[0])
    arguments = [*machine(made), "-display", "none", "-monitor", "none", "-serial", "stdio"]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    text = ""
    assert process.stdout is not None
    try:
        while "Boot HART ID" not in text:
            line = process.stdout.readline()
            assert line, text
            text += line.decode("utf-8", "replace")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    firmware = {r.name: r for r in made.reserved}
    sbi = firmware["OpenSBI"]
    regions = [(int(a, 16), int(b, 16)) for a,
               b in re.findall(r"Domain0 Region\d+\s*: (0x\w+)-(0x\w+) M: \([^)]*\) S/U: \(\)", text)]
    ours = [(a, b) for a, b in regions if any(m.base <= a < m.end for m in made.memory)]
    assert ours and all(sbi.base <= a and b < sbi.end for a, b in ours)
    tree = re.search(r"Domain0 Next Arg1\s*: (0x\w+)", text)
    assert tree and int(tree[1], 16) == firmware["device tree left by QEMU"].base
