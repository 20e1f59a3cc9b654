# SPDX-License-Identifier: Apache-2.0
"""The device tree of a guest: what it has, and nothing of the host's.

Sources: Devicetree Specification 0.4; the kernel's bindings reserved-memory. tree_<arch>.py add what an architecture
has of its own.
"""
from __future__ import annotations

from . import tree_arm, tree_riscv
from .model import ChannelEnd, TreeNode
from .own import DRIVERS
from .passed import Passed, passed
from .tree import cells, flag, node, numbers64, text
from .tree_style import Facts, Style

_STYLES = {"riscv64": tree_riscv.style, "riscv32": tree_riscv.style, "aarch64": tree_arm.style}     # by Board.arch


_ROOT = ("chosen", "aliases", "cpus", "memory", "reserved-memory", "soc", "thermal-zones")


def build(facts: Facts) -> TreeNode:
    style = _STYLES[facts.board.arch](facts)
    devices = _passed(facts, style)
    uart = _uart(facts, style)
    stdout = f"/soc/{uart[1].name}" if uart is not None else _console(facts, devices)
    return node("", [
        cells("#address-cells", 2), cells("#size-cells", 2),
        text("compatible", "bulkhead,guest"), text("model", facts.vm.name),
    ], [
        _chosen(facts, stdout),
        _aliases(facts, devices, stdout),
        style.cpus,
        *style.root,
        *_memory(facts),
        _reserved(facts),
        *devices.root,
        _soc(facts, style, devices, uart),
    ])


def left_out(facts: Facts) -> tuple[str, ...]:
    """What passed-through devices have on the board and not in this tree, a line for each."""
    return _passed(facts, _STYLES[facts.board.arch](facts)).left_out


def labels(facts: Facts) -> dict[str, str]:
    """What an overlay may call the nodes of the tree: label -> path."""
    style = _STYLES[facts.board.arch](facts)
    found = {"soc": "/soc", "chosen": "/chosen", "cpus": "/cpus", **style.labels}
    for window in facts.windows:
        if window.kind == "uart":
            found["serial0"] = f"/soc/serial@{window.ipa:x}"
    paths = _passed(facts, style).paths
    for given in facts.devices:
        for label in (given.device.label, *given.device.aliases):
            if label and given.device.path in paths:
                found.setdefault(label, paths[given.device.path])
    for label, source in (facts.board.tree.labels if facts.board.tree is not None else {}).items():
        if source.path in paths:
            found.setdefault(label, paths[source.path])
    return found


def _passed(facts: Facts, style: Style) -> Passed:
    return passed(facts.board, facts.devices, facts.lines, style, (*_ROOT, *(made.name for made in style.root)))


def _console(facts: Facts, devices: Passed) -> str | None:
    """A passed-through UART as the guest's console: the board's own before others."""
    board = facts.board
    if board.console is not None and board.console in devices.paths:
        options = f":{board.console_options}" if board.console_options else ""
        return devices.paths[board.console] + options
    for given in facts.devices:
        stem = given.device.name.partition("@")[0]
        if given.device.path in devices.paths and (stem in ("serial", "uart")
                                                   or any(c in DRIVERS for c in given.device.compatible)):
            return devices.paths[given.device.path]
    return None


def _aliases(facts: Facts, devices: Passed, stdout: str | None) -> TreeNode | None:
    """The board's own for the devices that the VM has; serial0 for its console unless that has one."""
    console = stdout.partition(":")[0] if stdout else None
    board = facts.board.tree.aliases if facts.board.tree is not None else {}
    found = {name: devices.paths[path] for name, path in board.items() if path in devices.paths}
    if console and console not in found.values():
        found["serial0"] = console
    return node("aliases", [text(name, found[name]) for name in sorted(found)]) if found else None


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


def _uart(facts: Facts, style: Style) -> tuple[int, TreeNode] | None:
    """The virtual UART and its address."""
    for window in facts.windows:
        if window.kind == "uart":
            made = style.uart(window)
            wired = style.interrupts((facts.uart_line, "level-high"))
            return window.ipa, node(made.name, [*made.properties, *wired])
    return None


def _soc(facts: Facts, style: Style, devices: Passed, uart: tuple[int, TreeNode] | None) -> TreeNode:
    """The bus with all devices, by address."""
    placed: list[tuple[int, TreeNode]] = [*style.chips, *([uart] if uart is not None else [])]
    placed += [(at, made) for at, made in devices.soc if at is not None]
    placed += [(end.ipa, _channel(index, end, style)) for index, end in enumerate(facts.channels)]
    placed.sort(key=lambda p: (p[0], p[1].name))
    return node("soc", [cells("#address-cells", 2), cells("#size-cells", 2), text("compatible", "simple-bus"),
                        flag("ranges")],
                [*(made for _, made in placed), *(made for at, made in devices.soc if at is None)])


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
