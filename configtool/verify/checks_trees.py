# SPDX-License-Identifier: Apache-2.0
"""The guests' device trees: what they tell the guest is what the tables and the configuration give it."""
from __future__ import annotations

from typing import Iterator

from .case import Case, VmCase, plural, span_text
from .checks_channels import rung_number
from .checks_images import device_tree
from .checks_memory import Held
from .expect import physical_interrupts
from .expect_gic import SPI
from .fdt import BadTree, Node
from .report import Check
from .walk import length, minus, union

_APART = ("cpus", "memory", "reserved-memory", "chosen", "aliases", "__symbols__", "firmware")


def trees(case: Case, held: dict[str, tuple[Held, ...]], found: dict[str, tuple[Node, int]]) -> Check:
    """`found` is filled in: each VM's tree and its size."""
    check = Check("device-trees", "guests' device trees agree with their tables and interrupts", unit="node")
    for vm in case.vms:
        span = vm.vm.devicetree_span or vm.span
        if vm.vm.devicetree == "none":
            if vm.facts.dtb:
                check.fail(f"VM '{vm.name}' is started with a device tree at IPA {vm.facts.dtb:#x}", span, "here: none")
            continue
        try:
            tree = device_tree(case, vm)
        except BadTree as reason:
            check.fail(f"the device tree of VM '{vm.name}' cannot be read: {reason}", span)
            continue
        if tree is None:
            check.fail(f"VM '{vm.name}' is started without a device tree", span)
            continue
        found[vm.name] = tree
        wanted = _wanted_at(vm, held.get(vm.name, ()))
        if wanted is not None and wanted != vm.facts.dtb:
            check.fail(f"the device tree of VM '{vm.name}' lies at IPA {vm.facts.dtb:#x}",
                       vm.vm.devicetree_at_span or span, f"here: {wanted:#x}")
        root = tree[0]
        check.look(sum(1 for _ in root.walk()))
        try:
            if vm.name in held:
                _memory(vm, root, held[vm.name], check)
            _cpus(case, vm, root, check)
            _devices(case, vm, root, check)
        except BadTree as reason:
            check.fail(f"the device tree of VM '{vm.name}' is wrong: {reason}", span)
        check.evidence.append(f"{vm.name}: {plural(tree[1], 'byte')} at IPA {vm.facts.dtb:#x}")
    return check


def _wanted_at(vm: VmCase, held: tuple[Held, ...]) -> int | None:
    """Where the description wants the tree; None: it leaves that open."""
    if isinstance(vm.vm.devicetree_at, str):
        return next((h.ipa for h in held if h.region.name == vm.vm.devicetree_at), None)
    return vm.vm.devicetree_at


def _memory(vm: VmCase, root: Node, held: tuple[Held, ...], check: Check) -> None:
    told = [reg for node in root.children if node.strings("device_type") == ["memory"] for reg in node.reg()]
    ranges = union((base, base + size) for base, size in told)
    wanted = union((h.ipa, h.end) for h in held if h.region.access == "rwx")
    if ranges != wanted or length(ranges) != sum(size for _, size in told):
        check.fail(f"the device tree of VM '{vm.name}' says that its memory is {_list(ranges)}", vm.span,
                   f"it is {_list(wanted)}")
    reserved = root.child("reserved-memory")
    mapped = union((e.ipa, e.end) for e in vm.facts.walk.extents)
    for node in reserved.children if reserved else ():
        for base, size in node.reg():
            if minus([(base, base + size)], mapped):
                check.fail(f"{node.path} of VM '{vm.name}' is not mapped at IPA {span_text(base, base + size)}",
                           vm.span)


def _list(ranges: list[tuple[int, int]]) -> str:
    return ", ".join(span_text(*r) for r in ranges) or "nothing"


def _cpus(case: Case, vm: VmCase, root: Node, check: Check) -> None:
    top = root.child("cpus")
    nodes = [n for n in top.children if n.strings("device_type") == ["cpu"]] if top else []
    ids = [int.from_bytes(n.properties.get("reg", b""), "big") for n in nodes]
    riscv = case.facts.arch.startswith("riscv")
    wanted = [i if riscv else i // 16 << 8 | i % 16 for i in range(len(vm.facts.cpus))]     # hart id, MPIDR
    if ids != wanted:
        check.fail(f"the device tree of VM '{vm.name}' has the CPUs {ids}", vm.span, f"they are {wanted}")
    if riscv:
        for node in nodes:
            if "sstc" in node.strings("riscv,isa-extensions") and not case.facts.sstc:
                check.fail(f"{node.path} of VM '{vm.name}' says that it has Sstc, which the hypervisor does not grant",
                           vm.span)


def _mmio(node: Node) -> Iterator[Node]:
    """Nodes whose reg is an address of the CPU: below the root, and below buses that translate nothing."""
    for child in node.children:
        if child.name.partition("@")[0] in _APART and node.parent is None:
            continue
        yield child
        if child.properties.get("ranges") == b"":
            yield from _mmio(child)


def _devices(case: Case, vm: VmCase, root: Node, check: Check) -> None:
    channels = {c.ipa: c for c in vm.claimed}
    windows = {w.ipa: w for w in vm.facts.windows}
    reachable = union([(e.ipa, e.end) for e in vm.facts.walk.extents] + [(w.ipa, w.end) for w in vm.facts.windows])
    controllers = [n for n in root.walk() if "interrupt-controller" in n.properties and "reg" in n.properties]
    told: list[tuple[int, int]] = []
    for node in _mmio(root):
        regs = node.reg() if "reg" in node.properties else []
        for base, size in regs:
            told.append((base, base + size))
            lacks = minus([(base, base + size)], reachable)
            if lacks and size:
                check.fail(f"{node.path} of VM '{vm.name}' is not there at IPA {span_text(*lacks[0])}", vm.span,
                           "its device tree says that it is")
        parent = _parent(node)
        numbers = _interrupts(node, parent) if parent in controllers and parent is not None else ()
        at = regs[0][0] if regs else None
        if at in channels:
            number = rung_number(case, vm, channels[at].end.channel.name)
            wanted: tuple[int, ...] = (number,) if number else ()
            if numbers != wanted:
                check.fail(f"{node.path} of VM '{vm.name}' has interrupt {_numbers(numbers)}", vm.span,
                           f"the channel raises {_numbers(wanted)}")
            bell = next((w for w in vm.facts.windows if w.kind == "WINDOW_DOORBELL"
                         and vm.ends[w.index:w.index + 1] == (channels[at].end,)), None)
            page = node.properties.get("bulkhead,doorbell", b"")[:8]
            if page != (bell.ipa.to_bytes(8, "big") if bell else b""):
                check.fail(f"{node.path} of VM '{vm.name}' has its doorbell at {page.hex() or 'nowhere'}", vm.span,
                           f"it is at {bell.ipa:#x}" if bell else "it has none")
        elif at in windows:
            if windows[at].kind == "WINDOW_UART" and numbers != (vm.facts.uart_irq,):
                check.fail(f"{node.path} of VM '{vm.name}' has interrupt {_numbers(numbers)}", vm.span,
                           f"the virtual UART raises {vm.facts.uart_irq}")
        else:
            own = set(physical_interrupts(vm.grants, case.board))
            timer = case.expected.gic.timer if case.expected.gic else 0
            for number in numbers:
                if node.strings("compatible")[:1] == ["arm,armv8-timer"]:
                    own.add(timer)
                    if number != timer:
                        continue        # of levels that the guest does not run at: nothing raises them
                if not (0 < number < len(vm.facts.irq_physical) and vm.facts.irq_physical[number] in own):
                    check.fail(f"{node.path} of VM '{vm.name}' has interrupt {number}, which no device of it raises",
                               vm.span)
    if vm.vm.devicetree == "generated":
        here = union(told)
        there = [(e.ipa, e.end) for e in vm.of("channel")] + [(w.ipa, w.end) for w in vm.facts.windows
                                                              if w.kind != "WINDOW_DOORBELL"]
        for start, end in there:
            if minus([(start, end)], here):
                check.fail(f"the device tree of VM '{vm.name}' does not tell of IPA {span_text(start, end)}", vm.span)
        for grant in vm.grants:
            for base, size in grant.device.registers:
                if size and minus([(base + grant.shift, base + grant.shift + size)], here):
                    check.fail(f"the device tree of VM '{vm.name}' does not tell of '{grant.name}'", grant.span,
                               f"at IPA {base + grant.shift:#x}")


def _parent(node: Node) -> Node | None:
    """The interrupt controller that a node's `interrupts` go to (Devicetree Specification, section 2.4)."""
    at: Node | None = node
    while at is not None:
        if "interrupt-parent" in at.properties:
            handle = at.properties["interrupt-parent"]
            top = at
            while top.parent is not None:
                top = top.parent
            return next((n for n in top.walk() if n.properties.get("phandle") == handle), None)
        at = at.parent
        if at is not None and "interrupt-controller" in at.properties:
            return at
    return None


def _interrupts(node: Node, parent: Node) -> tuple[int, ...]:
    """Numbers at the controller. With three cells: arm,gic.yaml: kind, number among its kind, flags."""
    cells, step = node.cells("interrupts"), parent.cell("#interrupt-cells", 1)
    if step == 3:
        return tuple(cells[i + 1] + (16 if cells[i] else SPI) for i in range(0, len(cells) - 2, 3))
    return cells[::step] if step else ()


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(n) for n in numbers) or "none"
