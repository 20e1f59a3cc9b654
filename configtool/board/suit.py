# SPDX-License-Identifier: Apache-2.0
"""Whether a hypervisor can run on a board at all, and whether board.yaml and device tree agree."""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic, Label, error
from ..source import Span
from .model import Board

BOOTS = {"riscv64": ("sbi",), "riscv32": ("sbi",), "aarch64": ("linux-image",), "armv7": ("linux-image",)}


def unsuitable(board: Board) -> Iterator[Diagnostic]:
    """The reasons why nothing can run there. Empty for a board that is fine."""
    whole = Span(board.dts)
    yaml = board.yaml_span or whole
    if not board.arch:
        yield error("BH0809", "the CPUs are of no architecture that Bulkhead knows",
                    board.cpus[0].span if board.cpus else whole,
                    notes=[f"compatible: {', '.join(c)}" for c in sorted({cpu.compatible for cpu in board.cpus})[:3]])
        return
    if board.boot not in BOOTS[board.arch]:
        yield error("BH0810", f"the boot method '{board.boot}' is none of {board.arch}", yaml,
                    help=[f"write boot: {BOOTS[board.arch][0]}"])
    enabled = [cpu for cpu in board.cpus if cpu.enabled]
    if not enabled:
        yield error("BH0809", "the board has no enabled CPU", board.cpus[0].span if board.cpus else whole)
    elif not any(cpu.virtualisation for cpu in enabled):
        what = "the H extension" if board.arch.startswith("riscv") else "the Virtualization Extensions"
        yield error("BH0809", f"the board's CPUs have no virtualisation: {enabled[0].core} lacks {what}",
                    enabled[0].span)
    if not board.memory:
        node = next((n for n in board.root.children if n.unit_name == "memory"), None) if board.root else None
        yield error("BH0806", "the device tree says nothing of the board's memory" if node is None else
                    "the device tree leaves the size of the memory to firmware", node.span if node else whole,
                    related=[Label(yaml, "")],
                    help=["say it in board.yaml, for example: memory: [{at: 0x80000000, size: 2GiB}]"])
    for below, above in zip(board.memory, board.memory[1:]):
        if above.base < below.end:
            yield error("BH0810", f"the memory banks at {below.base:#x} and {above.base:#x} overlap", above.span,
                        related=[Label(below.span, "this one")])
    if board.controller is None:
        yield error("BH0811", "the device tree has no interrupt controller that Bulkhead knows", whole,
                    notes=["known are PLIC, APLIC with or without IMSIC, GICv2 and GICv3", *_other_controller(board)])
    elif not board.controller.virtual:
        yield error("BH0811", "the interrupt controller has no registers of a virtual CPU interface (GICH, GICV)",
                    board.controller.span)
    else:
        from .suit_interrupts import incomplete

        yield from incomplete(board, board.controller)


def _other_controller(board: Board) -> Iterator[str]:
    """What the root of the tree names as its interrupt controller."""
    prop = board.root.get("interrupt-parent") if board.root else None
    node = board.tree.phandle(int.from_bytes(prop.value, "big")) if prop and board.tree else None
    if node is not None:
        compatible = node.get("compatible")
        text = compatible.value.split(b"\0")[0].decode("utf-8", "replace") if compatible else "without compatible"
        yield f"its own is {node.name} ({text})"
