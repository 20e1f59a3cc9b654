# SPDX-License-Identifier: Apache-2.0
"""The interrupt controller that a hypervisor runs with: PLIC, APLIC with or without IMSIC, GICv2, GICv3."""
from __future__ import annotations

from .address import Addresses
from .dts import DeviceTree, Node
from .interrupts import APLIC, GICV2, GICV3, IMSIC, PLIC, is_a, is_root
from .model import InterruptController

_SUPERVISOR_EXTERNAL = 9        # RISC-V privileged specification, mip/sip: the S-mode external interrupt
_GIC_SPIS = 988                 # INTID 32 to 1019 (GIC architecture); the distributor tells how many there are


def read_controller(tree: DeviceTree, harts: dict[str, int]) -> InterruptController | None:
    """The first of its kind at the root of interrupts; the S-level domain of several APLICs. `harts`: path of a CPU ->
    its id. None where there is none that Bulkhead knows. Raises TreeError."""
    addresses = Addresses()
    nodes = [n for n in tree.root.walk() if n.has("interrupt-controller") and n.available]
    for node in nodes:
        if is_a(node, APLIC):
            made = _aplic(tree, node, harts, addresses)
            if made:
                return made
    for node in nodes:
        if is_a(node, PLIC):
            return InterruptController("plic", node.path, node.span, addresses.registers(node) or (),
                                       node.u32("riscv,ndev", 0) or 0, _contexts(tree, node, harts), node=node)
    for node in nodes:
        if is_a(node, GICV3) and is_root(tree, node):
            its = [r for child in node.children if is_a(child, ("arm,gic-v3-its",)) and child.available
                   for r in (addresses.registers(child) or ())[:1]]
            return InterruptController("gicv3", node.path, node.span, addresses.registers(node) or (), _GIC_SPIS,
                                       its=tuple(its), node=node)
    for node in nodes:
        if is_a(node, GICV2) and is_root(tree, node):
            registers = addresses.registers(node) or ()
            # GICD, GICC, GICH, GICV: the last two are what guests are given interrupts with (arm,gic.yaml).
            return InterruptController("gicv2", node.path, node.span, registers, _GIC_SPIS, node=node,
                                       virtual=len(registers) >= 4)
    return None


def _contexts(tree: DeviceTree, node: Node, harts: dict[str, int]) -> dict[int, int]:
    """Hart id -> position of its S-mode external interrupt in interrupts-extended."""
    prop = node.get("interrupts-extended")
    found: dict[int, int] = {}
    if prop is None:
        return found
    cells, at, context = prop.cells, 0, 0
    while at < len(cells):
        intc = tree.phandle(cells[at])
        count = (intc.u32("#interrupt-cells") if intc else 1) or 1
        if intc and intc.parent and intc.parent.path in harts and cells[at + 1:at + 2] == (_SUPERVISOR_EXTERNAL,):
            found.setdefault(harts[intc.parent.path], context)
        at += 1 + count
        context += 1
    return found


def _aplic(tree: DeviceTree, node: Node, harts: dict[str, int], addresses: Addresses) -> InterruptController | None:
    """None: an APLIC of M-mode."""
    registers = addresses.registers(node) or ()
    sources = node.u32("riscv,num-sources", 0) or 0
    parent = tree.phandle(node.u32("msi-parent") or 0) if node.has("msi-parent") else None
    if parent is not None and is_a(parent, IMSIC):
        contexts = _contexts(tree, parent, harts)
        if not contexts:
            return None
        return InterruptController("aplic-imsic", node.path, node.span, registers, sources, contexts, node=node,
                                   imsic=addresses.registers(parent) or (), imsic_node=parent,
                                   ids=parent.u32("riscv,num-ids", 0) or 0,
                                   guest_index_bits=parent.u32("riscv,guest-index-bits", 0) or 0)
    contexts = _contexts(tree, node, harts)
    if not contexts:
        return None
    return InterruptController("aplic", node.path, node.span, registers, sources, contexts, node=node)
