# SPDX-License-Identifier: Apache-2.0
"""Rules on interrupts that reach a VM without the hypervisor, and on those that reach none: messages to a GIC."""
from __future__ import annotations

from typing import Iterator

from ..board.model import Board, Device
from ..diagnostics import Diagnostic, Label
from ..source import Span
from .owners import board_of, console_of, owners
from .registry import Context, Rule, reported, rule

_ARM = """\
board: qemu-aarch64-virt-gicv3
vms:
  hello:
    vcpus: 2
    memory: {ram: 16MiB}
    image: {file: blob.bin, at: 0x40000000}
"""
_DIRECT = _ARM + "    interrupts: direct\n"
_RUNG = """\
channels:
  news: {size: 4KiB, from: other, to: [hello]}
""" + _DIRECT + "    channels: {news: {interrupt: 41}}\n" + "".join(_ARM.partition("  hello:")[1:]).replace("hello", "other")
_CLOCK = _ARM + "    devices: [pl031@9010000]\n"


@rule("BH1000", "direct interrupts on another controller", phase="board", explain="""\
`interrupts: direct` gives the VM the CPU's own interface to the interrupt controller. That is built for a GICv3: there the
sending of an interrupt traps by itself, and a group of interrupts stays the hypervisor's. On a board with IMSICs nothing
need be said: interrupts reach guests without the hypervisor there.""",
      fails=_DIRECT.replace("gicv3", "gicv2"), passes=_DIRECT)
def other_controller(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    if board.controller is None or board.controller.kind == "gicv3":
        return
    for vm in context.system.vms:
        if vm.direct:
            yield self.diagnostic(f"the interrupts of VM '{vm.name}' cannot be direct: board {board.name} has no GICv3",
                                  vm.interrupts_span or vm.span,
                                  related=[Label(board.controller.span, board.controller.kind.upper())],
                                  notes=["through an IMSIC, interrupts reach VMs without the hypervisor anyway"]
                                  if board.controller.imsic else [],
                                  help=["write interrupts: virtual"])


@rule("BH1001", "direct interrupts where no CPU can stop another", phase="board", needs=("BH1000",), explain="""\
A vCPU whose interrupts are direct takes all of them itself, but for Group 0, and that is the hypervisor's only where the
GIC has one security state (`security_states: 1` in board.yaml). Where firmware keeps Group 0, as TF-A does, nothing
interrupts such a vCPU on the hypervisor's behalf. A VM of one vCPU can do without: it ends and restarts by what it does
itself. Of several one could not stop or start the others when the VM ends or restarts.""",
      fails=_DIRECT + "# with this in board.yaml: security_states: 2\n", passes=_DIRECT.replace("vcpus: 2", "vcpus: 1"))
def cannot_stop(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    if board.security_states == 1:
        return
    for vm in context.system.vms:
        count = vm.cpus.count or len(vm.cpus.names) if vm.cpus else 0
        if vm.direct and vm.cpus and count > 1:
            yield self.diagnostic(f"the vCPUs of VM '{vm.name}' could not stop one another", vm.cpus.span, f"{count} of them",
                                  related=[Label(vm.interrupts_span or vm.span, "their interrupts are direct")],
                                  notes=[f"the GIC of board {board.name} has two security states: Group 0 is firmware's"],
                                  help=["write interrupts: virtual, or vcpus: 1",
                                        "write security_states: 1 in board.yaml if GICD_CTLR.DS is 1 on this board"])


reported("BH1002", "no interrupt left for virtual lines", phase="plan", explain="""\
A doorbell and the virtual UART interrupt a VM with `interrupts: direct` by a shared interrupt (SPI) of the board that no
device has. The board's controller has none left: all that it surely has, up to the last one that the device tree tells
of and the rest of its 32, are devices'.""",
         fails=_RUNG + "# with a device in board.dts for each interrupt\n", passes=_RUNG)


@rule("BH1003", "doorbell at an interrupt of the board", phase="board", needs=("BH0603", "BH0607", "BH1000"), explain="""\
An interrupt number that is fixed for a doorbell of a VM with `interrupts: direct` is a physical one. It has to be a shared
interrupt that no device of the board has, and that no other such VM has for a doorbell: else the device would ring, or
the doorbell interrupt the device's owner.""",
      fails=_RUNG.replace("41", "34"), passes=_RUNG)
def taken_line(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    path = board.controller.path if board.controller else None
    wired: dict[int, Device] = {}
    for device in board.devices:
        for interrupt in device.interrupts:
            if interrupt.controller == path:
                wired.setdefault(interrupt.number, device)
    highest = max(wired, default=0) // 32 * 32 + 31
    first: dict[int, tuple[str, Span]] = {}
    for vm in context.system.vms:
        for end in vm.channels if vm.direct else ():
            if end.interrupt is None:
                continue
            span = end.interrupt_span or end.span
            who, place = first.setdefault(end.interrupt, (f"that of channel '{end.name}' in VM '{vm.name}'", span))
            if end.interrupt in wired:
                device = wired[end.interrupt]
                who, place = f"that of {device.name}", device.span
            elif end.interrupt > highest:
                yield self.diagnostic(f"the board may have no interrupt {end.interrupt}", span,
                                      notes=[f"its device tree tells of some up to {highest}"],
                                      help=["remove it: configtool chooses one that is free"])
                continue
            elif place is span:
                continue
            yield self.diagnostic(f"interrupt {end.interrupt} of the board is {who}", span,
                                  f"fixed for channel '{end.name}'", related=[Label(place, "this one has it")],
                                  help=["remove it: configtool chooses one that is free"])


@rule("BH1004", "console that takes no input", phase="board", severity="warning", needs=("BH1000",), explain="""\
The hypervisor's UART interrupts the CPU of a VM with virtual interrupts. Here all VMs have theirs direct, and the GIC has
two security states, so that the hypervisor cannot take any. It prints, and what is typed reaches nobody.""",
      fails=_DIRECT + "# with this in board.yaml: security_states: 2\n", passes=_DIRECT)
def no_input(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    device = console_of(context)
    if device is None or board.security_states == 1 or not all(vm.direct for vm in context.system.vms):
        return
    span = context.system.console_span or context.system.board_span
    yield self.diagnostic(f"the hypervisor's console, {device.name}, takes no input", span,
                          notes=["the interrupts of all VMs are direct, and those of Group 0 are firmware's"],
                          help=["let one VM have interrupts: virtual, or allow this warning"])


_MESSAGES = ("msi-parent", "msi-map")


def _only_messages(board: Board, device: Device) -> bool:
    return not any(board.controller is not None and i.controller == board.controller.path for i in device.interrupts)


@rule("BH1005", "device that interrupts by messages", phase="board", explain="""\
The device sends its interrupts as messages (MSIs) to a part of the GIC that turns them into interrupts: an ITS or a
GICv2m frame. VMs have none: an ITS reads its tables from the memory of whoever drives it, and any device behind it could
interrupt any CPU. The device has no wired interrupt besides, so that its driver would wait for ever.""",
      fails=_CLOCK + "# with this in board.dts: &rtc { /delete-property/ interrupts; msi-parent = <&its>; };\n",
      passes=_CLOCK)
def messages(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    if board.controller is None or not board.controller.kind.startswith("gic"):
        return
    for given in owners(context):
        node = given.device.node
        name = next((n for n in _MESSAGES if node is not None and node.has(n)), None)
        if node is None or name is None or not _only_messages(board, given.device):
            continue
        prop = node.get(name)
        yield self.diagnostic(f"device {given.name} of VM '{given.vm.name}' interrupts by messages alone", given.span,
                              related=[Label(prop.span if prop else given.device.span, "where it sends them")],
                              notes=["a VM's interrupt controller has no ITS: LPIs do not reach it"],
                              help=["leave the device out, or give it a wired interrupt in the device tree"])
