# SPDX-License-Identifier: Apache-2.0
"""Rules on channels: who is at their ends, how large they are, and the numbers that a VM fixes."""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic, Label
from ..schema_words import nearest
from ..source import Span
from ..system import Channel, ChannelOverride, System, Vm
from ..units import size_text
from .registry import Context, Rule, rule

PAGE = 4096
LAST_INTERRUPT = 1023       # of a PLIC (RISC-V PLIC specification, 1.0: sources 1 to 1023), and of an APLIC
FIRST_SPI, LAST_SPI = 32, 1019      # of a GIC (IHI 0069H, section 2.2)

_VMS = """\
vms:
  sensor:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
  logger:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_GOOD = "channels:\n  data: {size: 64KiB, from: sensor, to: [logger]}\n" + _VMS


@rule("BH0600", "channel to an unknown VM", phase="system", explain="""\
`from`, `to` or `between` of a channel names a VM that is not under `vms`.""",
      fails=_GOOD.replace("[logger]", "[loger]"), passes=_GOOD)
def unknown_vm(self: Rule, context: Context) -> Iterator[Diagnostic]:
    names = [vm.name for vm in context.system.vms]
    for channel in context.system.channels:
        for name, span in channel.ends:
            if name not in names:
                near = nearest(name, names)
                yield self.diagnostic(f"channel '{channel.name}' names a VM '{name}' that there is not", span,
                                      help=[f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(names)}"])


@rule("BH0601", "channel with fewer than two users", phase="system", explain="""\
A channel joins VMs: one writes (`from`) and others read (`to`), or two do both (`between`). With one end missing it is
memory that leads nowhere.""", fails=_GOOD.replace(", to: [logger]", ""), passes=_GOOD)
def one_user(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for channel in context.system.channels:
        if channel.between:
            continue
        other = [vm.name for vm in context.system.vms if vm.name not in [name for name, _ in channel.ends]]
        if channel.writer is None and not channel.readers:
            pair = [vm.name for vm in context.system.vms][:2]
            example = f"from: {pair[0]}, to: [{pair[1]}]" if len(pair) == 2 else "from: control, to: [linux]"
            yield self.diagnostic(f"channel '{channel.name}' has no users", channel.span,
                                  help=[f"write, for example: {example}"])
        elif channel.writer is None:
            yield self.diagnostic(f"channel '{channel.name}' has readers and nobody who writes", channel.span,
                                  help=[f"write from: {other[0]}" if other else "write from: and the VM that writes"])
        elif not channel.readers:
            yield self.diagnostic(f"channel '{channel.name}' has nobody who reads", channel.span,
                                  help=[f"write to: [{other[0]}]" if other else "write to: and the VMs that read"])


@rule("BH0602", "VM twice in a channel", phase="system", explain="""\
A VM has one end of a channel. One that is to read and write shares a channel with another VM by `between`.""",
      fails=_GOOD.replace("[logger]", "[logger, sensor]"), passes=_GOOD)
def vm_twice(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for channel in context.system.channels:
        seen: dict[str, Span] = {}
        for name, span in channel.ends:
            if name in seen:
                yield self.diagnostic(f"VM '{name}' is twice in channel '{channel.name}'", span, "again here",
                                      related=[Label(seen[name], "first here")],
                                      help=["for both directions, write between: with the two VMs"
                                            if channel.writer and channel.writer[0] == name and len(channel.ends) > 2
                                            else "name each VM once"])
            else:
                seen[name] = span


@rule("BH0603", "numbers for an unknown channel", phase="system", explain="""\
`vms.<vm>.channels` fixes numbers for a channel that is not declared under `channels`, at the top of the file.""",
      fails=_GOOD + "    channels: {date: {interrupt: 52}}\n", passes=_GOOD + "    channels: {data: {interrupt: 52}}\n")
def unknown_channel(self: Rule, context: Context) -> Iterator[Diagnostic]:
    names = [channel.name for channel in context.system.channels]
    for vm, end in _overrides(context.system):
        if end.name not in names:
            near = nearest(end.name, names)
            yield self.diagnostic(f"VM '{vm.name}' gives numbers for a channel '{end.name}' that there is not",
                                  end.span, help=[
                f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(names)}" if names else
                "declare it under channels: at the top of the file"])


@rule("BH0604", "numbers for a channel of others", phase="system", explain="""\
`vms.<vm>.channels` fixes numbers for a channel that this VM has no end of.""",
      fails=_GOOD + "  third:\n    vcpus: 1\n    memory: {ram: 16MiB}\n    image: {file: guest.elf}\n"
      "    channels: {data: {interrupt: 52}}\n", passes=_GOOD + "    channels: {data: {interrupt: 52}}\n")
def foreign_channel(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, end in _overrides(context.system):
        channel = _channel(context.system, end.name)
        if channel and vm.name not in [name for name, _ in channel.ends]:
            yield self.diagnostic(f"VM '{vm.name}' gives numbers for channel '{end.name}', which it has no end of",
                                  end.span,
                                  related=[Label(channel.span, f"between {' and '.join(n for n, _ in channel.ends)}")],
                                  help=[f"remove it, or add {vm.name} to the channel"])


@rule("BH0605", "channel size that is not whole pages", phase="system", explain="""\
The memory of a channel is mapped page by page, 4KiB each; a channel with `between` has two halves, so its size is a
multiple of 8KiB. Otherwise the rest of the last page would be shared, too, or the halves would meet inside a page that
both can write.""",
      fails=_GOOD.replace("64KiB", "6KiB"), passes=_GOOD.replace("64KiB", "8KiB"))
def channel_size(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for channel in context.system.channels:
        step = 2 * PAGE if channel.between else PAGE
        if channel.size % step:
            reason = ", as each of two halves is whole pages" if channel.between else ""
            yield self.diagnostic(f"the size of channel '{channel.name}' is no multiple of {size_text(step)}{reason}",
                                  channel.size_span,
                                  help=[f"write {size_text(-(-channel.size // step) * step)}"])


@rule("BH0606", "channel address that is not a page's", phase="system", explain="""\
Addresses of channels, `at` and `phys`, are multiples of a page of 4KiB.""",
      fails=_GOOD + "    channels: {data: {at: 0xc0000800}}\n", passes=_GOOD
      + "    channels: {data: {at: 0xc0001000}}\n")
def channel_address(self: Rule, context: Context) -> Iterator[Diagnostic]:
    places = [(f"phys of channel '{c.name}'", c.phys, c.phys_span) for c in context.system.channels]
    places += [(f"at of channel '{end.name}' in VM '{vm.name}'", end.at, end.at_span) for vm,
               end in _overrides(context.system)]
    for what, address, span in places:
        if address is not None and span is not None and address % PAGE:
            down, up = address // PAGE * PAGE, -(-address // PAGE) * PAGE
            yield self.diagnostic(f"{what} is no multiple of 4KiB", span, help=[f"write {down:#x} or {up:#x}"])


@rule("BH0607", "doorbell interrupt that cannot be", phase="board", explain="""\
The number of a doorbell's interrupt has to exist at the VM's virtual interrupt controller: 1 to 1023 at a PLIC or
APLIC. At a GIC it is one of the shared interrupts, by its INTID, 32 to 1019; a device tree counts these from 0, so that
`interrupts = <0 20 4>` there is 52 here.""",
      fails=_GOOD + "    channels: {data: {interrupt: 1024}}\n", passes=_GOOD
      + "    channels: {data: {interrupt: 1023}}\n")
def interrupt_range(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.board is not None
    gic = context.board.controller is not None and context.board.controller.kind.startswith("gic")
    low, high = (FIRST_SPI, LAST_SPI) if gic else (1, LAST_INTERRUPT)
    for vm, end in _overrides(context.system):
        if end.interrupt is None or low <= end.interrupt <= high:
            continue
        span = end.interrupt_span or end.span
        if end.interrupt < low:
            yield self.diagnostic(f"interrupt {end.interrupt} is private to each CPU of the VM", span,
                                  notes=[f"the shared interrupts (SPIs) are {low} to {high}; SPI {end.interrupt} of a "
                                         f"device tree has the number {end.interrupt + low}"],
                                  help=[f"write {end.interrupt + low} if that is meant, or remove it: configtool "
                                        "chooses a free one"])
        else:
            yield self.diagnostic(f"interrupt {end.interrupt} is beyond the last one of the VM's controller, {high}",
                                  span,
                                  help=["remove it: configtool chooses a free one"])


@rule("BH0608", "doorbell that nobody rings", phase="system", needs=("BH0600", "BH0601", "BH0604"), explain="""\
`interrupt` is fixed for an end of a channel that is never rung: the channel's `doorbell` says who may ring, and nobody
may ring this VM. A guest that waits for the interrupt waits for ever.""",
      fails=_GOOD.replace("[logger]}", "[logger], doorbell: from}") + "    channels: {data: {interrupt: 52}}\n",
      passes=_GOOD.replace("[logger]}", "[logger], doorbell: to}") + "    channels: {data: {interrupt: 52}}\n")
def never_rung(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, end in _overrides(context.system):
        channel = _channel(context.system, end.name)
        if channel and end.interrupt is not None and not _is_rung(channel, vm.name):
            yield self.diagnostic(f"nobody rings VM '{vm.name}' in channel '{end.name}'", end.interrupt_span
                                  or end.span,
                                  related=[Label(channel.span, f"its doorbell is '{channel.doorbell}'")],
                                  help=["write doorbell: both in the channel, or remove the interrupt"])


@rule("BH0609", "doorbell interrupt that is taken", phase="board", needs=("BH0603", "BH0607"), explain="""\
The number that a VM fixes for a doorbell is that of another doorbell or of a device that the VM has; devices keep the
numbers that they have on the board. The guest could not tell the two apart.""",
      fails=_GOOD + "    devices: [rtc@101000]\n    channels: {data: {interrupt: 11}}\n",
      passes=_GOOD + "    devices: [rtc@101000]\n    channels: {data: {interrupt: 12}}\n")
def interrupt_taken(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.board is not None
    for vm in context.system.vms:
        taken: dict[int, tuple[str, Span]] = {}
        for reference in vm.devices:
            device = context.board.device(reference.name)
            for interrupt in device.interrupts if device else ():
                taken.setdefault(interrupt.number, (f"device {reference.name}", reference.span))
        for end in vm.channels:
            if end.interrupt is None:
                continue
            span = end.interrupt_span or end.span
            if end.interrupt in taken:
                what, first = taken[end.interrupt]
                yield self.diagnostic(f"interrupt {end.interrupt} of channel '{end.name}' is that of {what} in VM "
                                      f"'{vm.name}', too", span,
                                      related=[Label(first, "has it already")],
                                      help=["remove it: configtool chooses a free one"])
            else:
                taken[end.interrupt] = (f"channel '{end.name}'", span)


@rule("BH0610", "critical VM that depends on a less critical one", phase="system", severity="warning",
      needs=("BH0600", "BH0601", "BH0602"), explain="""\
Through this channel a VM reads what a less critical one writes, or is interrupted by it as often as that one likes: its
right work then depends on the other's. Often that is wanted and safe, as the reader checks what it reads and can bear
the interrupts. Say so, with the reason, for those who assess the system: `because: "..."` in the channel. To keep
interrupts away choose another `doorbell:`; to keep data away turn the channel's direction round.""",
      fails=_GOOD.replace("  logger:\n", "  logger:\n    criticality: 5\n"),
      passes=_GOOD.replace("  logger:\n", "  logger:\n    criticality: 5\n").replace(
          "[logger]}", '[logger], because: "the logger only stores what it reads"}'))
def less_critical(self: Rule, context: Context) -> Iterator[Diagnostic]:
    vms = {vm.name: vm for vm in context.system.vms}
    for channel in context.system.channels:
        names = [name for name, _ in channel.ends]
        for critical in (vms[name] for name in names if not channel.because):
            others = [vms[name] for name in names if vms[name].criticality < critical.criticality]
            reads = [vm.name for vm in others if channel.between or critical.name != names[0] and vm.name == names[0]]
            rung = [vm.name for vm in others if names[0] in (vm.name, critical.name)
                    and _is_rung(channel, critical.name)]
            if not reads and not rung:
                continue
            quiet = {"both": "to" if critical.name == names[0] else "from"}.get(channel.doorbell, "none")
            who = " and ".join(f"VM '{vm.name}' ({vm.criticality})" for vm in others if vm.name in reads + rung)
            yield self.diagnostic(
                f"VM '{critical.name}' (criticality {critical.criticality}) depends on {who} through channel "
                f"'{channel.name}'", channel.span,
                notes=[*(f"{critical.name} reads what {name} writes" for name in reads),
                       *(f"{name} can ring {critical.name} as often as it likes" for name in rung)],
                help=['say in the channel why that is safe: because: "..."',
                      *([f"or keep the interrupts away: doorbell: {quiet}"] if rung else [])])


def _overrides(system: System) -> Iterator[tuple[Vm, ChannelOverride]]:
    return ((vm, end) for vm in system.vms for end in vm.channels)


def _channel(system: System, name: str) -> Channel | None:
    return next((channel for channel in system.channels if channel.name == name), None)


def _is_rung(channel: Channel, vm: str) -> bool:
    """`to` rings all but the first, `from` the first."""
    first = channel.ends[0][0] if channel.ends else None
    return channel.doorbell == "both" or channel.doorbell == ("from" if vm == first else "to")
