# SPDX-License-Identifier: Apache-2.0
"""The device tree of a VM that has some devices of a real board, without a plan: placement has no part in it."""
from __future__ import annotations

import subprocess
from typing import Sequence

from configtool.board.load import bare_board
from configtool.board.model import Board, Device
from configtool.diagnostics import Sink
from configtool.emit.fdt import serialise, to_dts
from configtool.plan.areas import Layout
from configtool.plan.devices import Given, interrupts
from configtool.plan.guest_tree import build
from configtool.plan.model import Line, TreeNode, Window
from configtool.plan.tree_style import Facts
from configtool.source import Span
from configtool.system import CpuRequest, Vm

# One of each: generic names, Devicetree Specification, section 2.2.2.
WANTED = (("serial", "uart"), ("mmc", "sdhci", "sdhc", "mmci"), ("ethernet",), ("i2c",))
_CHIP = 0x20_0000_0000          # guest address of the interrupt controller: where no board has a device


def board_of(path: str) -> Board | None:
    """None where there is no board, or none that guests can be described for."""
    board = bare_board(path, Sink())
    known = board is not None and board.controller is not None and board.arch in ("aarch64", "riscv64")
    return board if known and board is not None and board.controller.kind in ("gicv2", "gicv3", "plic") else None


def chosen(board: Board) -> list[Device]:
    return [device for device in (next((d for d in board.devices if d.name.partition("@")[0] in names and d.enabled
                                        and d.registers and not d.problems), None) for names in WANTED) if device]


def everything(board: Board) -> list[Device]:
    return [d for d in board.devices if d.kind in ("device", "pci") and d.enabled and d.registers and not d.problems]


def tree(board: Board, devices: Sequence[Device]) -> TreeNode:
    place = Span("system.yaml", 1, 1, 1, 2)
    given = tuple(Given(device, device.name, 0, place) for device in devices)
    lines = tuple(Line(number, number, trigger, f"devices: {g.name}")
                  for number, trigger, g in interrupts(given, board))
    kind = "plic" if board.controller is not None and board.controller.kind == "plic" else "gic"
    window = Window(_CHIP, 0x6_0000, kind, 0, "interrupt controller")
    return build(Facts(Vm("guest", place, CpuRequest(place, 2), (), ()), board, board.cpus[:2], ("i", "m", "a"),
                       Layout((), (), 0, 0, None), (window,), lines, 0, given, ()))


def complaints(made: TreeNode, path: str) -> list[str]:
    """What dtc says of a tree, as DTS and as DTB, and does not say of the board's own: names of checks."""
    own = _said(["-I", "dtb", path])
    found = _said(["-I", "dts"], to_dts(made).encode()) + _said(["-I", "dtb"], serialise(made))
    return [line for line in found if not any(check in line for check in own_checks(own))]


def own_checks(lines: list[str]) -> set[str]:
    return {"(" + line.partition("(")[2].partition(")")[0] + ")" for line in lines if "(" in line}


def _said(arguments: list[str], data: bytes = b"") -> list[str]:
    done = subprocess.run(["dtc", "-O", "dtb", "-o", "/dev/null", *arguments], input=data, capture_output=True,
                          check=False)
    return done.stderr.decode("utf-8", "replace").splitlines()


def dangling(made: TreeNode) -> list[str]:
    """Phandles of the tree that stand twice or are not counted from 1 without a gap; interrupts of controllers that are
    not there."""
    nodes = []
    stack = [made]
    while stack:
        node = stack.pop()
        nodes.append(node)
        stack += node.children
    handles = sorted(int.from_bytes(p.value, "big") for n in nodes for p in n.properties if p.name == "phandle")
    parents = {int.from_bytes(p.value, "big") for n in nodes for p in n.properties if p.name == "interrupt-parent"}
    return ([] if handles == list(range(1, len(handles) + 1)) else [f"phandles are {handles}"]) + \
        [f"no node has phandle {p}" for p in sorted(parents - set(handles))]
