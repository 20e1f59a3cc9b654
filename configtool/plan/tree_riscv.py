# SPDX-License-Identifier: Apache-2.0
"""What the device tree of a RISC-V guest has of its own: harts, interrupt controller, UART.

Sources: the kernel's bindings riscv/cpus.yaml, riscv/extensions.yaml, interrupt-controller/sifive,plic-1.0.0.yaml,
serial/8250.yaml.
"""
from __future__ import annotations

from typing import Sequence

from .model import TreeNode, Window
from .tree import cells, flag, node, numbers64, references, text
from .tree_aplic import aplic, imsic, specifier
from .tree_style import Facts, Style

_UART_CLOCK = 3_686_400             # Hz, as QEMU's
_SUPERVISOR_EXTERNAL = 9            # interrupt of a hart's local controller


def style(facts: Facts) -> Style:
    count = len(facts.cpus)
    parent = count + (2 if facts.files else 1)          # phandles: 1..count the harts' controllers, IMSICs, PLIC or APLIC
    labels = {}
    for index in range(count):
        labels[f"cpu{index}"] = f"/cpus/cpu@{index:x}"
        labels[f"cpu{index}_intc"] = f"/cpus/cpu@{index:x}/interrupt-controller"
    chips = {"plic": _plic(facts, window, parent) for window in facts.windows if window.kind == "plic"}
    chips.update(("aplic", aplic(facts, window, parent, count + 1 if facts.files else 0)) for window in facts.windows
                 if window.kind == "aplic")
    cells_of = specifier if "aplic" in chips else _number
    if facts.files:
        chips["imsic"] = imsic(facts, count + 1)
    labels.update((label, f"/soc/{made.name}") for label, (_, made) in chips.items())
    return Style(_cpus(facts), (), tuple(chips.values()), _uart, parent, cells_of, parent, labels)


def _number(number: int, trigger: str) -> tuple[int, ...]:
    """A specifier at a PLIC: its binding has no trigger."""
    return (number,)


def isa_string(base: str, extensions: Sequence[str]) -> str:
    """'rv64imafdc_zicsr_sstc' from the extensions in the order given."""
    single = "".join(e for e in extensions if len(e) == 1)
    return "_".join([base[:4] + single, *(e for e in extensions if len(e) > 1)])


def _cpus(facts: Facts) -> TreeNode:
    harts = []
    for index, cpu in enumerate(facts.cpus):
        blocks = [cells(name, size) for name in ("riscv,cbom-block-size", "riscv,cboz-block-size",
                                                 "riscv,cbop-block-size")
                  if _has_block(facts.isa, name) and cpu.node is not None
                  and (size := cpu.node.u32(name)) is not None]
        harts.append(node(f"cpu@{index:x}", [
            text("device_type", "cpu"), cells("reg", index), text("status", "okay"), text("compatible", "riscv"),
            text("riscv,isa", isa_string(cpu.isa_base, facts.isa)), text("riscv,isa-base", cpu.isa_base),
            text("riscv,isa-extensions", *facts.isa),
            text("mmu-type", cpu.mmu_type) if cpu.mmu_type else None, *blocks,
        ], [node("interrupt-controller", [
            cells("#address-cells", 0), cells("#interrupt-cells", 1), flag("interrupt-controller"),
            text("compatible", "riscv,cpu-intc"),
            cells("phandle", index + 1)])]))
    return node("cpus", [cells("#address-cells", 1), cells("#size-cells", 0),
                         cells("timebase-frequency", facts.board.timebase)], harts)


def _has_block(isa: Sequence[str], name: str) -> bool:
    """Whether the extension that a block size belongs to is there: 'riscv,cbom-block-size' goes with zicbom."""
    return "zi" + name[len("riscv,"):].split("-")[0] in isa


def _plic(facts: Facts, window: Window, phandle: int) -> tuple[int, TreeNode]:
    highest = max((line.guest for line in facts.lines), default=1)
    targets = [(f"/cpus/cpu@{hart:x}/interrupt-controller", hart + 1, _SUPERVISOR_EXTERNAL)
               for hart in range(len(facts.cpus))]
    return window.ipa, node(f"interrupt-controller@{window.ipa:x}", [
        text("compatible", "sifive,plic-1.0.0", "riscv,plic0"), numbers64("reg", window.ipa, window.size),
        cells("#address-cells", 0), cells("#interrupt-cells", 1), flag("interrupt-controller"),
        cells("riscv,ndev", highest), references("interrupts-extended", *targets), cells("phandle", phandle)])


def _uart(window: Window) -> TreeNode:
    return node(f"serial@{window.ipa:x}", [
        text("compatible", "ns16550a"), numbers64("reg", window.ipa, window.size),
        cells("clock-frequency", _UART_CLOCK)])
