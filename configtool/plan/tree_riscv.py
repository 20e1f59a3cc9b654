# SPDX-License-Identifier: Apache-2.0
"""The device tree of a RISC-V guest: what it has, and nothing of the host's.

Sources: Devicetree Specification 0.4; the kernel's bindings riscv/cpus.yaml, riscv/extensions.yaml,
interrupt-controller/sifive,plic-1.0.0.yaml, serial/8250.yaml, reserved-memory.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from ..board.model import Board, Cpu
from ..system import Vm
from .areas import Layout
from .devices import Given, interrupts
from .model import ChannelEnd, Line, Property, TreeNode, Window
from .own import DRIVERS
from .tree import Closure, cells, copied, flag, node, numbers64, references, text

_UART_CLOCK = 3_686_400             # Hz, as QEMU's
_SUPERVISOR_EXTERNAL = 9            # interrupt of a hart's local controller


@dataclass(frozen=True)
class Facts:
    """Of one VM, all decided."""
    vm: Vm
    board: Board
    cpus: Sequence[Cpu]             # physical, in vCPU order
    isa: tuple[str, ...]
    layout: Layout
    windows: tuple[Window, ...]
    lines: tuple[Line, ...]
    uart_line: int
    devices: tuple[Given, ...]
    channels: tuple[ChannelEnd, ...]


def build(facts: Facts) -> TreeNode:
    count = len(facts.cpus)
    plic = count + 1                                    # phandles: 1..count the harts' controllers, then the PLIC
    closure = Closure(facts.board.root, plic + 1) if facts.board.root is not None else None
    soc, stdout = _soc(facts, plic, closure)
    return node("", [
        cells("#address-cells", 2), cells("#size-cells", 2),
        text("compatible", "bulkhead,guest"), text("model", facts.vm.name),
    ], [
        _chosen(facts, stdout),
        node("aliases", [text("serial0", stdout)]) if stdout else None,
        _cpus(facts),
        *_memory(facts),
        _reserved(facts),
        *(closure.nodes() if closure else []),
        soc,
    ])


def labels(facts: Facts) -> dict[str, str]:
    """What an overlay may call the nodes of the tree: label -> path."""
    found = {"soc": "/soc", "chosen": "/chosen", "cpus": "/cpus"}
    for index in range(len(facts.cpus)):
        found[f"cpu{index}"] = f"/cpus/cpu@{index:x}"
        found[f"cpu{index}_intc"] = f"/cpus/cpu@{index:x}/interrupt-controller"
    for window in facts.windows:
        if window.kind in ("plic", "uart"):
            label, name = ("plic", "interrupt-controller") if window.kind == "plic" else ("serial0", "serial")
            found[label] = f"/soc/{name}@{window.ipa:x}"
    for given in facts.devices:
        name, _ = _place(given)
        for called in (given.device.label, *given.device.aliases):
            if called:
                found.setdefault(called, f"/soc/{name}")
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


def _soc(facts: Facts, plic: int, closure: Closure | None) -> tuple[TreeNode, str | None]:
    """The bus with all devices, and the path of the console."""
    placed: list[tuple[int, TreeNode]] = []
    stdout = None
    parent = cells("interrupt-parent", plic)
    for window in facts.windows:
        reg = numbers64("reg", window.ipa, window.size)
        if window.kind == "plic":
            highest = max((line.guest for line in facts.lines), default=1)
            targets = [(f"/cpus/cpu@{hart:x}/interrupt-controller", hart + 1, _SUPERVISOR_EXTERNAL)
                       for hart in range(len(facts.cpus))]
            placed.append((window.ipa, node(f"interrupt-controller@{window.ipa:x}", [
                text("compatible", "sifive,plic-1.0.0", "riscv,plic0"), reg, cells("#address-cells", 0),
                cells("#interrupt-cells", 1), flag("interrupt-controller"), cells("riscv,ndev", highest),
                references("interrupts-extended", *targets), cells("phandle", plic)])))
        elif window.kind == "uart":
            stdout = f"/soc/serial@{window.ipa:x}"
            placed.append((window.ipa, node(f"serial@{window.ipa:x}", [
                text("compatible", "ns16550a"), reg, cells("clock-frequency", _UART_CLOCK), parent,
                cells("interrupts", facts.uart_line)])))
    bare: list[TreeNode] = []
    for given in facts.devices:
        made, at = _device(facts, given, parent, closure)
        if at is None:
            bare.append(made)
            continue
        placed.append((at, made))
        if stdout is None and any(c in DRIVERS for c in given.device.compatible):
            stdout = f"/soc/{made.name}"
    for index, end in enumerate(facts.channels):
        placed.append((end.ipa, _channel(index, end, parent)))
    placed.sort(key=lambda p: (p[0], p[1].name))
    return node("soc", [cells("#address-cells", 2), cells("#size-cells", 2), text("compatible", "simple-bus"),
                        flag("ranges")],
                [made for _, made in placed] + bare), stdout


def _device(facts: Facts, given: Given, parent: Property, closure: Closure | None) -> tuple[TreeNode, int | None]:
    """A passed-through device: registers at their IPA, interrupts at the virtual PLIC."""
    device = given.device
    name, at = _place(given)
    sources = [number for number, _, _ in interrupts((given,), facts.board)]
    fresh = [numbers64("reg", *(v for base, size in device.registers for v in (base + given.offset, size)))] \
        if device.registers else []
    if sources:
        order = [i.number for i in device.interrupts if i.number in sources]
        fresh += [parent, cells("interrupts", *order)]
    if device.node is None or closure is None:
        return node(name, ([text("compatible", *device.compatible)] if device.compatible else []) + fresh), at
    return copied(device.node, fresh, name, closure), at


def _channel(index: int, end: ChannelEnd, parent: Property) -> TreeNode:
    """One end of a channel. Offsets are from its shared memory; `id` is the index of the IPC hypercall."""
    return node(f"channel@{end.ipa:x}", [
        text("compatible", "bulkhead,channel", "bao,ipcshmem"), text("label", end.channel),
        numbers64("reg", end.ipa, end.size),
        cells("read-channel", end.read.base, end.read.size) if end.read.size else None,
        cells("write-channel", end.write.base, end.write.size) if end.write.size else None,
        numbers64("bulkhead,doorbell", end.doorbell_ipa, 0x1000) if end.doorbell_ipa else None,
        *([parent, cells("interrupts", end.interrupt)] if end.interrupt else []),
        cells("id", index)])
