# SPDX-License-Identifier: Apache-2.0
"""The device tree of a guest: what it has, and nothing of the host's.

Sources: Devicetree Specification 0.4; the kernel's bindings reserved-memory. tree_<arch>.py add what an architecture has
of its own.
"""
from __future__ import annotations

from . import tree_arm, tree_riscv
from .devices import Given, interrupts
from .model import ChannelEnd, TreeNode
from .own import DRIVERS
from .tree import Closure, cells, copied, flag, node, numbers64, text
from .tree_style import Facts, Style

_STYLES = {"riscv64": tree_riscv.style, "riscv32": tree_riscv.style, "aarch64": tree_arm.style}     # by Board.arch


def build(facts: Facts) -> TreeNode:
    style = _STYLES[facts.board.arch](facts)
    closure = Closure(facts.board.root, style.phandle + 1) if facts.board.root is not None else None
    soc, stdout = _soc(facts, style, closure)
    return node("", [
        cells("#address-cells", 2), cells("#size-cells", 2),
        text("compatible", "bulkhead,guest"), text("model", facts.vm.name),
    ], [
        _chosen(facts, stdout),
        node("aliases", [text("serial0", stdout)]) if stdout else None,
        style.cpus,
        *style.root,
        *_memory(facts),
        _reserved(facts),
        *(closure.nodes() if closure else []),
        soc,
    ])


def labels(facts: Facts) -> dict[str, str]:
    """What an overlay may call the nodes of the tree: label -> path."""
    found = {"soc": "/soc", "chosen": "/chosen", "cpus": "/cpus", **_STYLES[facts.board.arch](facts).labels}
    for window in facts.windows:
        if window.kind == "uart":
            found["serial0"] = f"/soc/serial@{window.ipa:x}"
    for given in facts.devices:
        name, _ = _place(given)
        for label in (given.device.label, *given.device.aliases):
            if label:
                found.setdefault(label, f"/soc/{name}")
    return found


def _place(given: Given) -> tuple[str, int | None]:
    """Name of a passed-through device's node, and where its first registers are."""
    stem = given.device.name.split("@")[0]
    if not given.device.registers:
        return stem, None
    at = given.device.registers[0][0] + given.offset
    return f"{stem}@{at:x}", at


def _chosen(facts: Facts, stdout: str | None) -> TreeNode:
    options, initrd = facts.vm.linux, facts.layout.initrd
    return node("chosen", [
        text("stdout-path", stdout) if stdout else None,
        text("bootargs", options.cmdline) if options and options.cmdline is not None else None,
        numbers64("linux,initrd-start", initrd[0]) if initrd else None,
        numbers64("linux,initrd-end", initrd[0] + initrd[1]) if initrd else None,
    ])


def _memory(facts: Facts) -> list[TreeNode]:
    areas = sorted((a for a in facts.layout.areas if a.region.access == "rwx"), key=lambda a: a.ipa)
    return [node(f"memory@{a.ipa:x}", [text("device_type", "memory"), numbers64("reg", a.ipa, a.size)]) for a in areas]


def _reserved(facts: Facts) -> TreeNode | None:
    """Memory that is no general RAM: regions with less than all access, channels."""
    parts = [(a.ipa, a.size, "region", a.region.name) for a in facts.layout.areas if a.region.access != "rwx"]
    parts += [(c.ipa, c.size, "channel", c.channel) for c in facts.channels]
    if not parts:
        return None
    return node("reserved-memory", [cells("#address-cells", 2), cells("#size-cells", 2), flag("ranges")],
                [node(f"{kind}@{ipa:x}", [numbers64("reg", ipa, size), text("label", name), flag("no-map")])
                 for ipa, size, kind, name in sorted(parts)])


def _soc(facts: Facts, style: Style, closure: Closure | None) -> tuple[TreeNode, str | None]:
    """The bus with all devices, and the path of the console."""
    placed: list[tuple[int, TreeNode]] = list(style.chips)
    stdout = None
    for window in facts.windows:
        if window.kind == "uart":
            made = style.uart(window)
            stdout = f"/soc/{made.name}"
            placed.append((window.ipa, node(made.name, [*made.properties,
                                                        *style.interrupts((facts.uart_line, "level-high"))])))
    bare: list[TreeNode] = []
    for given in facts.devices:
        made, at = _device(facts, given, style, closure)
        if at is None:
            bare.append(made)
            continue
        placed.append((at, made))
        if stdout is None and any(c in DRIVERS for c in given.device.compatible):
            stdout = f"/soc/{made.name}"
    for index, end in enumerate(facts.channels):
        placed.append((end.ipa, _channel(index, end, style)))
    placed.sort(key=lambda p: (p[0], p[1].name))
    return node("soc", [cells("#address-cells", 2), cells("#size-cells", 2), text("compatible", "simple-bus"),
                        flag("ranges")],
                [made for _, made in placed] + bare), stdout


def _device(facts: Facts, given: Given, style: Style, closure: Closure | None) -> tuple[TreeNode, int | None]:
    """A passed-through device: registers at their IPA, interrupts at the virtual controller."""
    device = given.device
    name, at = _place(given)
    triggers = {number: trigger for number, trigger, _ in interrupts((given,), facts.board)}
    fresh = [numbers64("reg", *(v for base, size in device.registers for v in (base + given.offset, size)))] \
        if device.registers else []
    fresh += style.interrupts(*((i.number, triggers[i.number]) for i in device.interrupts if i.number in triggers))
    if device.node is None or closure is None:
        return node(name, ([text("compatible", *device.compatible)] if device.compatible else []) + fresh), at
    return copied(device.node, fresh, name, closure), at


def _channel(index: int, end: ChannelEnd, style: Style) -> TreeNode:
    """One end of a channel. Offsets are from its shared memory; `id` is the index of the IPC hypercall."""
    return node(f"channel@{end.ipa:x}", [
        text("compatible", "bulkhead,channel", "bao,ipcshmem"), text("label", end.channel),
        numbers64("reg", end.ipa, end.size),
        cells("read-channel", end.read.base, end.read.size) if end.read.size else None,
        cells("write-channel", end.write.base, end.write.size) if end.write.size else None,
        numbers64("bulkhead,doorbell", end.doorbell_ipa, 0x1000) if end.doorbell_ipa else None,
        *(style.interrupts((end.interrupt, "edge-rising")) if end.interrupt else []),
        cells("id", index)])
