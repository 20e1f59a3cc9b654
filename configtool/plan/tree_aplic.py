# SPDX-License-Identifier: Apache-2.0
"""The APLIC in a RISC-V guest's device tree, and the IMSICs of its harts.

Source: the kernel's bindings interrupt-controller/riscv,aplic.yaml and riscv,imsics.yaml.
"""
from __future__ import annotations

from .model import TreeNode, Window
from .tree import cells, flag, node, numbers64, references, text
from .tree_style import Facts

_SUPERVISOR_EXTERNAL = 9            # interrupt of a hart's local controller
_TRIGGERS = {"edge-rising": 1, "edge-falling": 2, "level-high": 4, "level-low": 8}


def specifier(number: int, trigger: str) -> tuple[int, ...]:
    return number, _TRIGGERS.get(trigger, 4)


def imsic(facts: Facts, phandle: int) -> tuple[int, TreeNode]:
    """The interrupt files of all harts: hart n's is page n."""
    assert facts.board.controller is not None
    return facts.files, node(f"interrupt-controller@{facts.files:x}", [
        text("compatible", "qemu,imsics", "riscv,imsics"), numbers64("reg", facts.files, len(facts.cpus) * 0x1000),
        cells("#interrupt-cells", 0), flag("interrupt-controller"), cells("#msi-cells", 0), flag("msi-controller"),
        references("interrupts-extended", *_harts(facts)), cells("riscv,num-ids", facts.board.controller.ids),
        cells("phandle", phandle)])


def aplic(facts: Facts, window: Window, phandle: int, parent: int) -> tuple[int, TreeNode]:
    """`parent`: phandle of the IMSICs; 0: it interrupts the harts itself."""
    highest = max((line.guest for line in facts.lines), default=1)
    return window.ipa, node(f"interrupt-controller@{window.ipa:x}", [
        text("compatible", "qemu,aplic", "riscv,aplic"), numbers64("reg", window.ipa, window.size),
        cells("#address-cells", 0), cells("#interrupt-cells", 2), flag("interrupt-controller"),
        cells("riscv,num-sources", highest),
        cells("msi-parent", parent) if parent else references("interrupts-extended", *_harts(facts)),
        cells("phandle", phandle)])


def _harts(facts: Facts) -> list[tuple[str, int, int]]:
    """Each hart's own controller, as `interrupts-extended` names it."""
    return [(f"/cpus/cpu@{hart:x}/interrupt-controller", hart + 1, _SUPERVISOR_EXTERNAL)
            for hart in range(len(facts.cpus))]
