# SPDX-License-Identifier: Apache-2.0
"""Rules on the interrupts of devices, and on the hypervisor's console."""
from __future__ import annotations

from typing import Iterator

from ..board.model import Board, Device, Interrupt
from ..diagnostics import Diagnostic, Label
from ..schema_words import nearest
from .owners import Given, board_of, console_of, listed, missing, owners
from .registry import Context, Rule, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_RTC = _VM + "    devices: [rtc@101000]\n"
_SHARED = _VM + "    devices: [{name: rtc@101000, shared: true}]\n"
_FLASH = _VM + "    devices: [{name: flash@20000000, shared: true}]\n"
_UART1 = ("# with this in board.dts: &{/soc} { uart1: serial@10010000 { compatible = \"ns16550a\"; "
          "reg = <0 0x10010000 0 0x100>; }; };\n")


def _wired(board: Board, device: Device) -> list[Interrupt]:
    """Its interrupts at the board's controller."""
    return [i for i in device.interrupts if board.controller is not None and i.controller == board.controller.path]


@rule("BH0511", "shared device that interrupts", phase="board", explain="""\
`shared: true` gives the registers of a device to several VMs. An interrupt has one owner, so one VM would be
interrupted and the others never, or the wrong one. Give the device to one VM, and let it serve the others through a
channel.""",
      fails=_SHARED + _SHARED.split("\n", 1)[1].replace("hello", "other"),
      passes=_FLASH + _FLASH.split("\n", 1)[1].replace("hello", "other"))
def shared_interrupt(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    first: dict[str, Given] = {}
    for given in owners(context):
        before = first.setdefault(given.device.path, given)
        interrupts = _wired(board, given.device)
        if before.vm is not given.vm and before.shared and given.shared and interrupts:
            place = interrupts[0].span or given.device.span
            yield self.diagnostic(f"device {given.name} is shared, and has an interrupt", given.span,
                                  f"shared with VM '{given.vm.name}'",
                                  related=[Label(before.span, f"and with VM '{before.vm.name}'"),
                                           Label(place, f"interrupt {listed([str(i.number) for i in interrupts])}")],
                                  help=["give it to one VM, and let that one serve the other through a channel"])


@rule("BH0512", "interrupt with two owners", phase="board", needs=("BH0504", "BH0506", "BH0511"), explain="""\
Two devices raise the same interrupt, and not both belong to one VM. The interrupt can be delivered to one of the two
only; the other would wait for ever. Devices that share a line go to the same VM.""",
      fails=_RTC + "# with this in board.dts: &rtc { interrupts = <10>; };\n", passes=_RTC)
def interrupt_twice(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board, console = board_of(context), console_of(context)
    taken: dict[int, tuple[Given | None, Device, Interrupt]] = {}
    if console is not None:
        taken.update((i.number, (None, console, i)) for i in _wired(board, console)[:1])
    for given in owners(context):
        for interrupt in _wired(board, given.device):
            other, device, first = taken.setdefault(interrupt.number, (given, given.device, interrupt))
            if device.path == given.device.path or other is not None and other.vm is given.vm:
                continue
            related = [Label(interrupt.span or given.device.span),
                       Label(first.span or device.span, f"the other one: {device.name}")]
            whose = f"{device.name}, the hypervisor's console,"
            help_ = "take another UART as hypervisor.console, or leave the device out"
            if other is not None:
                whose, help_ = f"device {other.name} of VM '{other.vm.name}'", "give both to the same VM"
                related.insert(0, Label(other.span, f"{other.name} is given to VM '{other.vm.name}' here"))
            yield self.diagnostic(f"device {given.name} and {whose} raise the same interrupt {interrupt.number}",
                                  given.span, f"given to VM '{given.vm.name}'", related=related, help=[help_])


@rule("BH0513", "interrupt that the controller does not have", phase="board", explain="""\
The device tree gives the device an interrupt number that is none of the controller's: the PLIC's sources are 1 to
`riscv,ndev`, the APLIC's 1 to `riscv,num-sources`. On a GIC, devices have shared interrupts (SPIs, INTID 32 to 1019; in
the device tree the numbers start at 0); the private ones (PPIs) are wired to each CPU by itself, and belong to timers
and the like.""",
      fails=_RTC + "# with this in board.dts: &rtc { interrupts = <96>; };\n", passes=_RTC)
def interrupt_beyond(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    controller = board.controller
    if controller is None:
        return
    gic = controller.kind.startswith("gic")
    low, high = (32, 31 + controller.sources) if gic else (1, controller.sources)
    for given in owners(context):
        for interrupt in _wired(board, given.device):
            if low <= interrupt.number <= high or given.device.kind == "timer":
                continue
            private = gic and 16 <= interrupt.number < 32
            yield self.diagnostic(f"interrupt {interrupt.number} of device {given.name} is "
                                  + ("private to each CPU" if private else "none of the controller's"), given.span,
                                  related=[Label(interrupt.span or given.device.span),
                                           Label(controller.span, f"it has {low} to {high}")],
                                  help=["a device with a private interrupt cannot be given to a VM" if private else
                                        "correct the device tree"])


@rule("BH0516", "hypervisor console that is not there", phase="board", explain="""\
`hypervisor: {console: NAME}` names a UART of the board's device tree by label, alias, path or node name, or is `none`.
The name leads to no device, or to one that is disabled.""",
      fails="hypervisor: {console: serial1}\n" + _VM, passes="hypervisor: {console: serial0}\n" + _VM)
def unknown_console(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board, name, span = board_of(context), context.system.console, context.system.console_span
    if name is None or name == "none" or span is None:
        return
    device = board.device(name)
    if device is None:
        found = missing(board, name)
        near = nearest(name, [n for d in board.devices for n in (d.name, d.label, *d.aliases) if n])
        serial = [d.aliases[0] if d.aliases else d.label or d.name for d in board.devices
                  if d.enabled and (d.name.startswith(("serial@", "uart@")) or d.path == board.console)]
        offer = f"UARTs of this board: {listed(serial)}" if serial else "write console: none"
        yield self.diagnostic(f"'{name}' {found[1]}" if found else f"board {board.name} has no device '{name}'", span,
                              help=[f"did you mean '{near[0]}'? {offer}" if near else offer])
    elif not device.enabled:
        yield self.diagnostic(f"the console '{name}' is disabled in the device tree", span,
                              related=[Label(device.span)],
                              help=["take another one, or write console: none"])


@rule("BH0830", "console other than the board's", phase="board", severity="warning", needs=("BH0516",), explain="""\
`hypervisor.console` names another UART than the board does by `console` in board.yaml or by `stdout-path` in its device
tree. A name that was right for one board (`serial0`) can be a UART without a socket on the next, where a variant takes
another board and leaves `console` as the file that it extends has it: the system would run and seem mute. Where the
other UART is meant, allow the warning with the reason, or give the board's UART to a VM: then there is nothing to warn
of.""",
      fails="hypervisor: {console: uart1}\n" + _VM + _UART1, passes="hypervisor: {console: serial0}\n" + _VM)
def other_console(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board, name, span = board_of(context), context.system.console, context.system.console_span
    chosen, usual = console_of(context), board.device(board.console) if board.console else None
    if name is None or span is None or chosen is None or usual is None or chosen.path == usual.path:
        return
    if any(given.device.path == usual.path for given in owners(context)):
        return
    called = usual.aliases[0] if usual.aliases else usual.label or usual.name
    node = board.tree.nodes.get("/chosen") if board.tree else None
    stdout = node.get("stdout-path") if node else None
    related = [Label(context.system.board_span, "this board")]
    if stdout and board.device(stdout.string.partition(":")[0]) is usual:
        related.append(Label(stdout.span, "its console"))
    yield self.diagnostic(f"the hypervisor prints to {name}, and the console of board {board.name} is {called}", span,
                          related=related,
                          help=[f"leave console out, or write console: null where a file that this one extends has it: "
                                f"then it is {called}", "or allow the warning, if it is meant"])


@rule("BH0517", "console without a driver", phase="plan", severity="warning", explain="""\
The hypervisor has no driver for the UART that the board's `stdout-path`, `console` in board.yaml or
`hypervisor.console` names. It prints nothing then, and the virtual consoles of the VMs lead nowhere.""",
      fails=_VM + "# with this in board.dts: &uart0 { compatible = \"acme,uart\"; };\n", passes=_VM)
def no_driver(self: Rule, context: Context) -> Iterator[Diagnostic]:
    device = console_of(context)
    if device is None or context.plan is None or context.plan.console is not None:
        return
    compatible = device.node.get("compatible") if device.node else None
    place = compatible.span if compatible else device.span
    yield self.diagnostic(f"there is no driver for the console {device.name}",
                          context.system.console_span or context.system.board_span,
                          related=[Label(place, ", ".join(device.compatible))],
                          help=["take another UART with hypervisor: {console: NAME}, or write console: none"])
