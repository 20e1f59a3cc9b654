# SPDX-License-Identifier: Apache-2.0
"""Rules on a device tree that the user brings, or puts an overlay on: it says what the VM has, all of it.

Each rule reads the tree as a board's is read; what an overlay changed is shown at its line.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

from ..board.dts import TreeError
from ..board.model import Device
from ..board.references import refers, references
from ..diagnostics import Diagnostic, Label
from ..source import Span
from .owners import console_of, listed
from .registry import Context, Rule, rule

if TYPE_CHECKING:
    from ..board.extract import Facts
    from ..plan.model import VmPlan
    from ..system import Vm

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_FAILS = _VM + "    devicetree: {file: mine.dts}\n# with a mine.dts in which "


def _trees(context: Context) -> "Iterator[tuple[Vm, VmPlan, Facts, Span]]":
    """Each VM with a tree that its user had a hand in, what the tree says, and where it is named."""
    assert context.plan is not None
    for vm, plan in zip(context.system.vms, context.plan.vms):
        named = vm.devicetree_file or vm.devicetree_extra
        if named is not None and vm.name in context.trees:
            yield vm, plan, context.trees[vm.name], named[1]


def _range(base: int, size: int) -> str:
    return f"{base:#x} to {base + size:#x}"


@rule("BH0910", "device tree with other memory than the VM's", phase="plan", explain="""\
The memory nodes of a device tree tell a guest where it may put things. What lies outside the VM's memory faults when
the guest first touches it, often long after its start. A generated tree (leave `devicetree:` out) always agrees.""",
      fails=_FAILS + "memory@80000000 has 32MiB\n", passes=_VM)
def tree_memory(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, plan, facts, named in _trees(context):
        regions = [r for r in plan.regions if r.access == "rwx"]
        told = ", ".join(f"{r.name} is {_range(r.ipa, r.size)}" for r in regions)
        if not facts.memory:
            yield self.diagnostic(f"the device tree of VM '{vm.name}' has no memory", named, "this tree",
                                  notes=[f"of the VM, {told}"], help=[
                                      "write a node memory@... with device_type = \"memory\" and reg"])
        for bank in facts.memory:
            at = bank.base
            for region in sorted(regions, key=lambda r: r.ipa):
                if region.ipa <= at < region.end:
                    at = region.end
            if at >= bank.end:
                continue
            related, help_ = [], []
            for region in sorted(regions, key=lambda r: max(r.ipa, bank.base) - min(r.end, bank.end))[:1]:
                declared, reg = vm.region(region.name), f"{_cells(region.ipa)} {_cells(region.size)}"
                if declared is not None:
                    extent = _range(region.ipa, region.size)
                    related = [Label(declared.span, f"{region.name} of VM '{vm.name}' is {extent}")]
                help_ = [f"write reg = <{reg}>, where #address-cells and #size-cells are 2"]
            yield self.diagnostic(
                f"{bank.name} is {_range(bank.base, bank.size)}, and VM '{vm.name}' does not have all of that", bank.span,
                related=related, help=help_)


def _cells(value: int) -> str:
    return f"{value >> 32:#x} {value & 0xFFFF_FFFF:#x}"


@rule("BH0911", "device tree with other CPUs than the VM's", phase="plan", explain="""\
The nodes of /cpus tell a guest which CPUs it can start, how, and what they can do. The vCPUs of a VM are numbered
from 0: hart ids on RISC-V; on Arm affinities, 16 to a cluster, started by PSCI. RISC-V: extensions are those of the
physical CPUs without what the hypervisor keeps, the H extension for one, and timebase-frequency is the board's.""",
      fails=_FAILS + "there are two CPUs\n", passes=_VM)
def tree_cpus(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.plan is not None
    riscv = context.plan.arch.startswith("riscv")
    for vm, plan, facts, named in _trees(context):
        ids = [i if riscv else i // 16 << 8 | i % 16 for i in range(len(plan.cpus))]
        asked = vm.cpus.span if vm.cpus is not None else vm.span
        cpus = [cpu for cpu in facts.cpus if cpu.enabled]
        has = (f"VM '{vm.name}' has {len(ids)} vCPU{'' if len(ids) == 1 else 's'}: "
               + listed([_number(i) for i in ids]))
        if not cpus:
            yield self.diagnostic(f"the device tree of VM '{vm.name}' has no CPU", named, "this tree", notes=[has])
        for cpu in cpus:
            if cpu.id not in ids:
                yield self.diagnostic(f"VM '{vm.name}' has no CPU {_number(cpu.id)}", cpu.span, cpu.name,
                                      related=[Label(asked, has)], help=["remove the node"])
                continue
            lacking = [e for e in cpu.isa if e not in plan.isa] if riscv else []
            if lacking:
                prop = cpu.node and (cpu.node.get("riscv,isa-extensions") or cpu.node.get("riscv,isa"))
                yield self.diagnostic(
                    f"{cpu.name} has extensions that VM '{vm.name}' does not have: {listed(lacking)}",
                    prop.span if prop else cpu.span, notes=[f"it has {', '.join(plan.isa)}"], help=["remove them"])
            if not riscv and len(cpus) > 1 and cpu.enable_method != "psci":
                method = cpu.node.get("enable-method") if cpu.node is not None else None
                how = f"is started by '{cpu.enable_method}', and a VM's CPUs by PSCI" if cpu.enable_method else \
                    "does not say how it is started"
                yield self.diagnostic(f"{cpu.name} {how}", method.span if method else cpu.span,
                                      help=["write enable-method = \"psci\""])
        board = context.plan.timebase
        if riscv and cpus and facts.timebase != board:
            prop = facts.tree.nodes["/cpus"].get("timebase-frequency") if "/cpus" in facts.tree.nodes else None
            says = f"{facts.timebase} Hz" if facts.timebase else "nothing"
            yield self.diagnostic(
                f"timebase-frequency of VM '{vm.name}' says {says}, and the board's is {board} Hz",
                prop.span if prop else cpus[0].span, help=[f"write timebase-frequency = <{board}>, in /cpus"])


def _number(cpu: int) -> str:
    return str(cpu) if cpu < 10 else f"{cpu:#x}"


@rule("BH0912", "device tree without what every Arm guest needs", phase="plan", explain="""\
An Arm guest starts and stops CPUs and itself through PSCI, and its clock is the CPU's own timer. Without a timer node
Linux stops without a word; without PSCI it has one CPU and cannot power off. The guest's timer is the virtual one,
the third interrupt of the node.""",
      fails=_FAILS + "there is no timer, on an Arm board\n", passes=_VM)
def tree_firmware(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.plan is not None
    if context.plan.arch != "aarch64":
        return
    for vm, plan, facts, named in _trees(context):
        if not facts.psci and len(plan.cpus) > 1:
            yield self.diagnostic(f"the device tree of VM '{vm.name}' has no PSCI", named, "this tree", help=[
                "write psci { compatible = \"arm,psci-1.0\", \"arm,psci-0.2\"; method = \"hvc\"; };"])
        timer = next((d for d in facts.devices
                      if d.kind == "timer" and "arm,armv8-timer" in d.compatible and d.enabled), None)
        wanted = next((line.guest for line in plan.lines if line.name == "virtual timer"), 27)
        if timer is None:
            yield self.diagnostic(f"the device tree of VM '{vm.name}' has no timer", named, "this tree",
                                  notes=[f"the virtual timer's interrupt is PPI {wanted - 16} (INTID {wanted})"],
                                  help=["write a node with compatible = \"arm,armv8-timer\""])
        elif len(timer.interrupts) > 2 and timer.interrupts[2].number != wanted:
            number = timer.interrupts[2].number
            yield self.diagnostic(f"the virtual timer of VM '{vm.name}' has PPI {wanted - 16} (INTID {wanted}), not "
                                  f"{number - 16} (INTID {number})", timer.interrupts[2].span or timer.span)


@rule("BH0913", "device tree with another interrupt controller", phase="plan", explain="""\
Each VM has a virtual interrupt controller of the board's kind. The tree has to name that kind at the address that the
plan chose: `configtool plan` shows it, and so does the generated <vm>.h. At a virtual PLIC, each hart has one
context, that of S-mode, in the order of the harts.""",
      fails=_FAILS + "the PLIC is somewhere else\n", passes=_VM)
def tree_controller(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.plan is not None
    kind = context.plan.irqchip.kind
    for vm, plan, facts, named in _trees(context):
        at = next((w.ipa for w in plan.windows if w.kind not in ("uart", "doorbell")), 0)
        found = facts.controller
        has = f"VM '{vm.name}' has a virtual {_KINDS.get(kind, kind)} at {at:#x}"
        if found is None:
            yield self.diagnostic(f"the device tree of VM '{vm.name}' has no interrupt controller", named, "this tree",
                                  notes=[has])
            continue
        prop = found.node.get("reg") if found.node is not None else None
        place = prop.span if prop else found.span
        if found.kind != kind:
            yield self.diagnostic(
                f"the interrupt controller of the device tree is of kind {_KINDS.get(found.kind, found.kind)}",
                found.span, notes=[has])
        elif not found.registers or found.registers[0][0] != at:
            says = f"at {found.registers[0][0]:#x}" if found.registers else "nowhere"
            yield self.diagnostic(f"the interrupt controller of the device tree is {says}", place, notes=[has])
        elif kind == "plic":
            wrong = [(hart, n) for hart, n in sorted(found.contexts.items()) if hart < len(plan.cpus) and n != hart]
            wires = found.node.get("interrupts-extended") if found.node is not None else None
            if wrong or not found.contexts:
                yield self.diagnostic(
                    f"hart {wrong[0][0]} has context {wrong[0][1]} in the device tree, and {wrong[0][0]} in VM "
                    f"'{vm.name}'" if wrong else "the PLIC of the device tree interrupts no hart",
                    wires.span if wires else found.span,
                    notes=["there is one context for each hart, that of S-mode"],
                    help=["write interrupts-extended = "
                          + ", ".join(f"<&cpu{i}_intc 9>" for i in range(len(plan.cpus)))])


_KINDS = {"plic": "PLIC", "aplic": "APLIC", "aplic-imsic": "APLIC with IMSIC", "gicv2": "GICv2", "gicv3": "GICv3"}


def _theirs(plan: "VmPlan") -> list[tuple[int, int]]:
    """Guest addresses behind which there is a device, real or virtual, or a channel."""
    real = [(m.ipa, m.end) for m in plan.maps if m.kind in ("device", "channel")]
    return real + [(w.ipa, w.ipa + w.size) for w in plan.windows]


def _covered(base: int, size: int, ranges: list[tuple[int, int]]) -> bool:
    at = base
    for low, high in sorted(ranges):
        if low <= at < high:
            at = high
    return at >= base + size


def _nodes(facts: "Facts") -> list[Device]:
    """Devices that a guest would use: but for the interrupt controller, which has a rule of its own."""
    root = facts.controller.path if facts.controller is not None else ""
    msis = facts.controller is not None and facts.controller.kind == "aplic-imsic"
    return [d for d in facts.devices if d.enabled and d.registers and d.kind != "timer"
            and d.path != root and not d.path.startswith(root + "/")
            and not (msis and d.kind == "interrupt-controller")]


@rule("BH0914", "node without an assignment", phase="plan", needs=("BH0913",), explain="""\
The tree has a device at an address where the VM has nothing: the guest's driver faults at its first access. Give the
device to the VM (`devices:`), or remove the node or set its status to "disabled".""",
      fails=_FAILS + "there is a serial@10001000\n", passes=_VM)
def tree_extra(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, plan, facts, _ in _trees(context):
        console = _stdout(facts)
        for device in _nodes(facts):
            outside = [(base, size) for base, size in device.registers if not _covered(base, size, _theirs(plan))]
            if outside and device.path != console:
                prop = device.node.get("reg") if device.node is not None else None
                known = context.board.device(device.name) if context.board is not None else None
                help_ = "remove the node"
                if known is not None and known.kind == "device":
                    help_ = f"add devices: [{known.label or known.name}] to VM '{vm.name}', or remove the node"
                yield self.diagnostic(f"VM '{vm.name}' has no device at {_range(*outside[0])}",
                                      prop.span if prop else device.span, device.name, help=[help_])


@rule("BH0915", "assignment without a node", phase="plan", severity="warning", needs=("BH0913",), explain="""\
The VM has a device, a virtual UART or a channel that its device tree does not name, so that its guest will not find
it. That is fine where the guest knows the address in another way.""",
      fails=_FAILS + "there is no serial port, where the VM has its virtual UART\n", passes=_VM)
def tree_missing(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, plan, facts, named in _trees(context):
        if facts.tree.nodes and not facts.devices and not facts.memory:
            continue
        registers = [r for d in facts.devices if d.enabled for r in d.registers]
        things = [(m.ipa, m.end, m.name) for m in plan.maps if m.kind == "device" and m.name.startswith("devices: ")]
        things += [(w.ipa, w.ipa + w.size, w.name) for w in plan.windows if w.kind == "uart"]
        things += [(c.ipa, c.ipa + c.size, f"channels.{c.channel}") for c in plan.channels]
        for low, high, name in things:
            if any(base < high and low < base + size for base, size in registers):
                continue
            spans = [ref.span for ref in vm.devices if name == f"devices: {ref.name}"]
            yield self.diagnostic(
                f"the device tree of VM '{vm.name}' has no node for {name.removeprefix('devices: ')} at {low:#x}",
                spans[0] if spans else named, related=[Label(named, "this tree")] if spans else [],
                help=["write console: none, if it is not wanted"] if name == "console" else [])


@rule("BH0916", "device tree that contradicts itself", phase="plan", explain="""\
A phandle leads to no node, a list of phandles ends in the middle of an entry, or a property does not have the form
that its meaning asks for. dtc finds these only where the tree is written with labels; numbers and a compiled tree
pass it.""",
      fails=_FAILS + "the rtc has clocks = <99>\n", passes=_VM)
def tree_broken(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, _, facts, _ in _trees(context):
        said: set[tuple[str, Span]] = set()
        found = [(message, span) for part, message, span in facts.problems
                 if part != "CPUs" or "/cpus" in facts.tree.nodes]          # no CPU at all is BH0911's
        found += [problem for device in facts.devices if device.enabled for problem in device.problems]
        for node in facts.tree.root.walk():
            if node.has("gpio-hog") or node.path.startswith("/__") or not node.available:
                continue
            for prop in node.properties:
                if refers(prop.name) and prop.value:
                    try:
                        references(facts.tree, prop)
                    except TreeError as error:
                        found.append((error.message, error.span))
        for message, span in found:
            if (message, span) not in said:
                said.add((message, span))
                yield self.diagnostic(f"device tree of VM '{vm.name}': {message}", span)


def _stdout(facts: "Facts") -> str:
    return facts.console or ""


@rule("BH0917", "console on a UART that somebody else has", phase="plan", needs=("BH0913",), explain="""\
stdout-path of /chosen names the UART that a guest prints to. The VM does not have it: it is the hypervisor's, another
VM's, or nobody's. A VM with `console: virtual` has a virtual UART, at the address that `configtool plan` shows.""",
      fails=_FAILS + "stdout-path is another UART than the virtual one\n", passes=_VM)
def tree_console(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, plan, facts, _ in _trees(context):
        chosen = facts.tree.nodes.get("/chosen")
        prop = (chosen.get("stdout-path") or chosen.get("linux,stdout-path")) if chosen is not None else None
        if prop is None:
            continue
        virtual = [f"the virtual UART of VM '{vm.name}' is at {w.ipa:#x}" for w in plan.windows if w.kind == "uart"]
        device = next((d for d in facts.devices if d.path == facts.console), None)
        if facts.console is None:
            yield self.diagnostic("stdout-path leads to no node", prop.span, notes=virtual)
        elif device is not None and not all(_covered(base, size, _theirs(plan)) for base, size in device.registers):
            physical = console_of(context)
            bases = [base for base, _ in physical.registers] if physical is not None else []
            own = any(base in bases for base, _ in device.registers)
            other = _owner(context, device)
            whose = "the hypervisor's console" if own else f"given to VM '{other}'" if other else \
                f"not given to VM '{vm.name}'"
            yield self.diagnostic(f"stdout-path is {device.name}, which is {whose}", prop.span,
                                  related=[Label(device.span)], notes=virtual)


def _owner(context: Context, device: Device) -> str:
    """The VM that has a device of the board at these registers."""
    assert context.plan is not None
    for plan in context.plan.vms:
        for mapping in plan.maps:
            if mapping.kind == "device" and any(mapping.phys <= base < mapping.phys + mapping.size
                                                for base, _ in device.registers):
                return plan.name
    return ""


@rule("BH0918", "interrupt that the VM does not have", phase="plan", needs=("BH0913", "BH0914"), explain="""\
A device has another interrupt in the tree than in the VM, so that its driver waits for ever. Interrupts of
passed-through devices keep the number that they have on the board; `configtool plan` and the generated <vm>.h list
all. On Arm the tree counts shared interrupts from 0 and the plan from 32.""",
      fails=_FAILS + "the UART has interrupts = <11>\n", passes=_VM)
def tree_interrupts(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.plan is not None
    gic = context.plan.irqchip.kind.startswith("gic")
    for vm, plan, facts, _ in _trees(context):
        lines = {line.guest for line in plan.lines}
        root = facts.controller.path if facts.controller is not None else ""
        for device in _nodes(facts):
            for interrupt in device.interrupts:
                if interrupt.controller != root or interrupt.number in lines or gic and interrupt.number < 32:
                    continue
                mine = [line for line in plan.lines
                        if line.name.partition(": ")[2] in (device.name, device.label or "-")
                        or line.name == "console" and any(w.kind == "uart" and w.ipa == device.registers[0][0]
                                                          for w in plan.windows)]
                has = ", ".join(_line(line.guest, gic) for line in mine)
                wanted = _line(interrupt.number, gic) if gic else f"interrupt {interrupt.number}"
                yield self.diagnostic(f"VM '{vm.name}' has no {wanted}", interrupt.span or device.span,
                                      f"of {device.name}", help=[f"{device.name} has {has}"] if has else [])


def _line(number: int, gic: bool) -> str:
    return f"SPI {number - 32} (INTID {number})" if gic else str(number)


@rule("BH0919", "device tree that leaves some of the VM out", phase="plan", severity="warning",
      needs=("BH0910", "BH0911"), explain="""\
The VM has CPUs or memory that its device tree does not name: they stay unused. Ask for less, or write the rest into
the tree.""",
      fails=_FAILS + "memory@80000000 has 8MiB\n", passes=_VM)
def tree_unused(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, plan, facts, named in _trees(context):
        unused = [r for r in plan.regions
                  if r.access == "rwx" and not any(b.base < r.end and r.ipa < b.end for b in facts.memory)]
        short = [(r, b) for r in plan.regions if r.access == "rwx" for b in facts.memory
                 if b.base == r.ipa and b.end < r.end and not any(o.base == b.end for o in facts.memory)]
        for region in unused:
            yield self.diagnostic(f"the device tree of VM '{vm.name}' does not name {region.name}, "
                                  f"{_range(region.ipa, region.size)}", named)
        for region, bank in short:
            yield self.diagnostic(f"{bank.name} ends at {bank.end:#x}, and {region.name} of VM '{vm.name}' at "
                                  f"{region.end:#x}", bank.span)
        cpus = sum(cpu.enabled for cpu in facts.cpus)
        if cpus < len(plan.cpus):
            yield self.diagnostic(f"the device tree names {cpus} of the {len(plan.cpus)} CPUs of VM '{vm.name}'", named,
                                  related=[Label(vm.cpus.span)] if vm.cpus is not None else [])
