# SPDX-License-Identifier: Apache-2.0
"""Rules on what passed-through devices need besides themselves: clocks, resets, power, pins."""
from __future__ import annotations

from typing import Iterator

from ..board.closure import Closure, Lack
from ..board.dts import Node
from ..board.model import Board, Device
from ..diagnostics import Diagnostic, Label
from .owners import Given, board_of, console_of, listed, owners
from .registry import Context, Rule, reported, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_RTC = _VM + "    devices: [rtc@101000]\n"
_CLOCK = ("# with this in board.dts: &{/soc} { clk: clock-controller@102000 { compatible = \"vendor,clk\"; "
          "reg = <0 0x102000 0 0x1000>; #clock-cells = <1>; }; }; and in the rtc: clocks = <&clk 3>;\n")
_OTHER = "  other:\n" + "".join(_VM.splitlines(True)[2:])
_NEEDS = {"BH0501", "BH0502", "BH0503", "BH0504", "BH0505", "BH0506"}


@rule("BH0901", "device that needs what another VM has", phase="board", severity="warning", needs=tuple(sorted(_NEEDS)),
      explain="""\
A device works only with its clock, reset, power domain or the like, and these come from a device that another VM has
(or the hypervisor). That VM can stop the clock at any time: Linux switches off every clock, regulator and power
domain that none of its own drivers asks for. The device tree of this VM has a fixed clock or regulator in their place
where that is possible, and nothing otherwise. Give both devices to one VM; or keep the other one from touching it
(for Linux: clk_ignore_unused, regulator_ignore_unused, pd_ignore_unused) and allow the warning.""",
      fails=_RTC + _OTHER + "    devices: [clk]\n" + _CLOCK, passes=_RTC)
def needs_of_another(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for owner, mine, lacks in _lacks(context):
        if owner is None or all(lack.optional for lack in lacks):
            continue
        holder, other, vm = owner.device, owner.vm, mine[0].vm
        notes = [_needed(lack) for lack in _each(lacks)]
        if other is not None and vm.criticality > other.criticality:
            notes.append(f"VM '{vm.name}' is the more critical of the two: {vm.criticality} against "
                         f"{other.criticality}")
        whose = f"VM '{other.name}'" if other is not None else "the hypervisor"
        labels, help_ = [], []
        if other is not None:
            labels.append(Label(owner.span, f"{holder.name} is given to {whose} here"))
            help_.append(f"give {holder.name} to VM '{vm.name}', or all of them to {whose}")
        yield self.diagnostic(f"{_depend(mine)} on {holder.name}, which {whose} has", mine[0].span,
                              related=[*labels, Label(holder.span)], notes=notes, help=help_)


@rule("BH0902", "device that needs what nobody has", phase="board", severity="warning", needs=tuple(sorted(_NEEDS)),
      explain="""\
A device works only with its clock, reset, power domain, pin settings or the like, and these come from a device that
no VM has, or from firmware, which a VM cannot call. Everything stays as the firmware left it at boot. The device tree
of the VM leaves the property out, and a driver that cannot do without it gives up. A clock that runs from boot on can
be stated in board.yaml (`clocks:`), and is then a fixed clock in the tree. What drivers usually do without (DMA
channels, interconnects, thermal sensors) is left out without a warning; the head of the generated <vm>.dts lists all
of it.""",
      fails=_RTC + _CLOCK, passes=_RTC)
def needs_of_nobody(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for owner, mine, all_lacks in _lacks(context):
        lacks = [lack for lack in all_lacks if not lack.optional and lack.stub is None]
        if owner is not None or not lacks or mine[0].vm.devicetree != "generated":
            continue
        vm = mine[0].vm
        source = _source(board, lacks[0])
        holder = _holder(board, source)
        named = holder.name if holder is not None else source.name
        why = "which nobody has" if holder is not None else \
            "which firmware serves: a VM cannot call it" if "/firmware/" in source.path else \
            "which no VM can have"
        clocks = [_clock(lack) for lack in sorted({(lack.provider.path, lack.args): lack for lack in lacks
                                                   if lack.name == "clocks"}.values(), key=lambda k: k.args)]
        help_ = [f"give {named} to VM '{vm.name}', too"] if holder is not None and holder.kind == "device" else []
        if clocks:
            where = board.yaml_span.file if board.yaml_span is not None else "board.yaml"
            keys = ", ".join(f"{clock}: HZ" for clock in clocks[:6]) + (", ..." if len(clocks) > 6 else "")
            help_.append(f"state what runs from boot on in {where}, in Hz: clocks: {{{keys}}}")
        users = [g for g in mine if any(lack.device.path == g.device.path for lack in lacks)]
        yield self.diagnostic(f"{_depend(users)} on {named}, {why}", users[0].span,
                              related=[Label(source.span if holder is None else holder.span)],
                              notes=[_needed(lack) for lack in _each(lacks)], help=help_)


reported("BH0904", "rate of what is no clock", phase="board", explain="""\
A key of `clocks:` in board.yaml names a clock as the device tree does: a node with #clock-cells, by label, alias or
path, and behind it as many numbers as it has cells. Without numbers it stands for all clocks of that node.""",
         fails=_VM + "# with this in board.yaml: clocks: {plic 3: 24000000}\n", passes=_VM)


class _Owner:
    """Who has a device that others depend on; `vm` None: the hypervisor."""

    def __init__(self, device: Device, given: Given | None) -> None:
        self.device = device
        self.vm = given.vm if given is not None else None
        self.span = given.span if given is not None else device.span


def _lacks(context: Context) -> Iterator[tuple[_Owner | None, list[Given], list[Lack]]]:
    """For each VM and each thing that its devices lack: the owner, the VM's devices that depend on it, and what of it.
    Ordered as the YAML has VMs and devices."""
    board, console = board_of(context), console_of(context)
    if board.tree is None:
        return
    given = owners(context)
    who = {g.device.path: g for g in given}
    for vm in context.system.vms:
        mine = [g for g in given if g.vm is vm]
        if not mine:
            continue
        root = board.controller.path if board.controller is not None else ""
        lines = frozenset(i.number for g in mine for i in g.device.interrupts if i.controller == root)
        groups: dict[str, list[Lack]] = {}
        for lack in Closure(board, [g.device for g in mine], lines).lacks:
            source = _source(board, lack)
            holder = _holder(board, source)
            groups.setdefault(holder.path if holder is not None else source.path, []).append(lack)
        for path, lacks in groups.items():
            holder = _holder(board, _source(board, lacks[0]))
            owner = None
            if holder is not None and holder.path in who:
                owner = _Owner(holder, who[holder.path])
            elif holder is not None and console is not None and holder.path == console.path:
                owner = _Owner(holder, None)
            users = [g for g in mine if any(lack.device.path == g.device.path for lack in lacks)]
            yield owner, users, lacks


def _source(board: Board, lack: Lack) -> Node:
    """The node that would have to be given. An interrupt of the board's own controller comes with the node that has it."""
    root = board.controller.path if board.controller is not None else ""
    return lack.node if lack.name == "interrupts" and lack.provider.path == root else lack.provider


def _holder(board: Board, node: Node) -> Device | None:
    """The device whose registers serve a node: itself, or one that it is a part of."""
    devices = {d.path: d for d in board.devices if d.registers}
    at: Node | None = node
    while at is not None:
        if at.path in devices and devices[at.path].kind != "bus":
            return devices[at.path]
        at = at.parent
    return None


def _each(lacks: list[Lack]) -> list[Lack]:
    """Of each node and kind of thing one."""
    return list({(lack.node.path, lack.what): lack for lack in lacks}.values())[:8]


def _needed(lack: Lack) -> str:
    part = f" of {lack.node.name}" if lack.node.path != lack.device.path else ""
    instead = f", for which it gets a fixed {lack.what}" if lack.stub is not None else ""
    return f"{lack.device.name}: {lack.what} ({lack.name}{part}){instead}"


def _depend(given: list[Given]) -> str:
    """'a, b of VM 'linux' depend'"""
    return f"{listed([g.name for g in given])} of VM '{given[0].vm.name}' depend{'s' if len(given) == 1 else ''}"


def _clock(lack: Lack) -> str:
    """A clock as board.yaml names it."""
    return " ".join([lack.provider.label or lack.provider.path, *map(str, lack.args)])
