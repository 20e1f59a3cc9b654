# SPDX-License-Identifier: Apache-2.0
"""A VM's address space round its memory: devices, virtual devices, channels; and its interrupt numbers.

Addresses that nobody chose give way: the virtual interrupt controller and the virtual UART stand where a guest for
QEMU's `virt` looks for them unless something of the VM is there; channels take the first room from Arch.channels on,
their doorbell pages behind them.
"""
from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import Label
from ..source import Span
from ..system import Channel, System, Vm
from .arch import Arch
from .areas import Layout
from .devices import Given
from .failure import Problems
from .irqchip import Virtual
from .layout import pages
from .model import PAGE, ChannelEnd, Line, Mapping, Range, Stripe, Window, cut, mapped
from .words import spoken


@dataclass(frozen=True)
class Numbers:
    """Interrupts of a VM's virtual controller."""
    lines: tuple[Line, ...]
    uart: int                       # 0: no virtual UART
    channels: dict[str, int]        # by channel: the number raised at this end; absent: it is never rung


@dataclass(frozen=True)
class Outer:
    """All of a VM's address space but its own memory."""
    windows: tuple[Window, ...]
    channels: dict[str, int]        # IPA of each channel's memory
    doorbells: dict[str, int]       # IPA of the doorbell page of each channel that this VM rings
    files: int = 0                  # IPA of its vCPUs' interrupt files, 0: none


@dataclass(frozen=True)
class _Claim:
    start: int
    end: int
    name: str                       # 'memory.ram'
    span: Span


def ends(system: System, vm: Vm) -> tuple[Channel, ...]:
    """Channels that the VM has an end of; the position is the IPC index."""
    return system.channels_of.get(vm.name, ())


def rung_by(channel: Channel, vm: str) -> tuple[str, ...]:
    """VMs that a doorbell of this VM's end reaches. In a `between` channel the first VM counts as the writer."""
    names = [name for name, _ in channel.ends]
    first, others = names[0], names[1:]
    if vm == first:
        return tuple(others) if channel.doorbell in ("to", "both") else ()
    return (first,) if vm in others and channel.doorbell in ("from", "both") else ()


def numbers(system: System, vm: Vm, sources: tuple[tuple[int, str, Given], ...], arch: Arch,
            always: tuple[Line, ...] = (), spares: list[int] | None = None) -> Numbers:
    """Interrupts of devices keep their number; then fixed ones of channels, the UART's, and the lowest free for the
    rest. `always`: those that every VM has. `spares`: sources for the virtual lines of a VM that has its interrupts
    itself, which are used up; IndexError: there are too few."""
    lines = [*always,
             *(Line(number, number, trigger, f"devices: {g.name}", g.span.line) for number, trigger, g in sources)]
    used = {line.guest for line in lines}
    fixed = {o.name: o for o in vm.channels if o.interrupt is not None}
    used.update(o.interrupt for o in fixed.values() if o.interrupt is not None)
    uart = 0
    if vm.console == "virtual":
        if spares is not None:
            uart = spares.pop(0)
        else:
            uart = arch.uart_interrupt if arch.uart_interrupt not in used else _free(used, arch.interrupts)
        used.add(uart)
        lines.append(Line(uart, uart if spares is not None else 0, "level-high", "console"))
    rung: dict[str, int] = {}
    for channel in ends(system, vm):
        if not any(vm.name in rung_by(channel, other) for other, _ in channel.ends):
            continue
        override = fixed.get(channel.name)
        if override and override.interrupt is not None:
            number = override.interrupt
        else:
            number = spares.pop(0) if spares is not None else _free(used, arch.interrupts)
        used.add(number)
        rung[channel.name] = number
        line = override.span.line if override else channel.span.line
        lines.append(Line(number, number if spares is not None else 0, "edge-rising", f"channels.{channel.name}", line))
    return Numbers(tuple(sorted(lines, key=lambda x: x.guest)), uart, rung)


def _free(used: set[int], start: int) -> int:
    number = start
    while number in used:
        number += 1
    return number


def surround(system: System, vm: Vm, layout: Layout, devices: tuple[Mapping, ...], given: tuple[Given, ...], arch: Arch,
             chip: Virtual, problems: Problems) -> Outer:
    """Place what stands round the VM's memory; report what is fixed and overlaps."""
    claims = [_Claim(a.ipa, a.end, f"memory.{a.region.name}", a.region.at_span or a.region.span) for a in layout.areas]
    spans = {g.span.line: g.span for g in given}
    claims += [_Claim(m.ipa, m.end, m.name, spans[m.line]) for m in devices]
    sizes = {c.name: pages(c.size) for c in ends(system, vm)}
    for override in vm.channels:
        if override.at is not None and override.name in sizes:
            claims.append(_Claim(override.at, override.at + sizes[override.name], f"channels.{override.name}",
                                 override.at_span or override.span))
    claims.sort(key=lambda c: (c.start, c.end, c.name))
    _overlaps(vm, claims, problems)

    used = sorted((c.start, c.end) for c in claims)
    windows = [Window(_place(used, chip.at, chip.room, chip.align), chip.window, chip.kind, 0,
                      "interrupt controller")]
    if vm.console == "virtual":
        windows.append(Window(_place(used, arch.uart, arch.uart_size, arch.uart_size), arch.uart_size, "uart", 0,
                              "console"))
    files = _place(used, chip.files_at, chip.files, chip.files_align) if chip.files else 0
    memory: dict[str, int] = {o.name: o.at for o in vm.channels if o.at is not None}
    mine = ends(system, vm)
    superpage = arch.stage2[0].leaves[1]
    for channel in mine:
        if channel.name not in memory:
            size = sizes[channel.name]
            memory[channel.name] = _place(used, arch.channels, size, superpage if size >= superpage else PAGE)
    doorbells: dict[str, int] = {}
    for index, channel in enumerate(mine):
        if rung_by(channel, vm.name):
            at = _place(used, max((memory[c.name] + sizes[c.name] for c in mine if memory[c.name] >= arch.channels),
                                  default=arch.channels), PAGE, PAGE)
            doorbells[channel.name] = at
            windows.append(Window(at, PAGE, "doorbell", index, f"channels.{channel.name}", channel.span.line))
    return Outer(tuple(sorted(windows, key=lambda w: w.ipa)), memory, doorbells, files)


def _overlaps(vm: Vm, claims: list[_Claim], problems: Problems) -> None:
    highest: _Claim | None = None
    for claim in claims:
        if highest is not None and claim.start < highest.end:
            movable = claim if claim.name.startswith("memory.") or not highest.name.startswith("memory.") else highest
            other = highest if movable is claim else claim
            problems.report(
                "BH0307",
                f"{spoken(movable.name)} and {spoken(other.name)} overlap in the address space of VM '{vm.name}'",
                movable.span, f"{movable.start:#x} to {movable.end:#x}",
                related=(Label(other.span, f"{other.start:#x} to {other.end:#x}"),),
                help=(f"write `at: {pages(max(claim.end, highest.end)):#x}` for {movable.name}, or leave `at:` out",))
        if highest is None or claim.end > highest.end:
            highest = claim


def _place(used: list[tuple[int, int]], start: int, size: int, align: int) -> int:
    """The first multiple of `align` from `start` on with `size` bytes of room; it is then used."""
    at = start + -start % align
    for low, high in used:
        if at + size <= low:
            break
        if high > at:
            at = high + -high % align
    used.append((at, at + size))
    used.sort()
    return at


def channel_end(channel: Channel, vm: Vm, outer: Outer, own: Numbers, others: dict[str, Numbers], index: dict[str, int],
                ) -> ChannelEnd:
    """This VM's end. `others`: the interrupt numbers of every VM; `index`: its position in the plan."""
    none, whole = Range(0, 0), Range(0, channel.size)
    if channel.between:
        half = channel.size // 2
        first, second = Range(0, half), Range(half, half)
        read, write = (second, first) if channel.between[0][0] == vm.name else (first, second)
    elif channel.writer and channel.writer[0] == vm.name:
        read, write = none, whole
    else:
        read, write = whole, none
    rings = tuple((index[name], others[name].channels[channel.name]) for name in rung_by(channel, vm.name))
    override = next((o for o in vm.channels if o.name == channel.name), None)
    return ChannelEnd(channel.name, outer.channels[channel.name], channel.size, read, write,
                      outer.doorbells.get(channel.name, 0), own.channels.get(channel.name, 0), rings,
                      override.span.line if override else channel.span.line)


def channel_mappings(end: ChannelEnd, stripes: tuple[Stripe, ...]) -> tuple[Mapping, ...]:
    """What can be written and what can be read: whoever only reads cannot write."""
    name = f"channels.{end.channel}"
    parts = [(end.read, "r"), (end.write, "rw")]
    if not (end.read.size and end.write.size):
        parts = [(Range(0, pages(end.size)), "rw" if end.write.size else "r")]
    return tuple(sorted((m for part, access in parts
                         for m in mapped(end.ipa + part.base, cut(stripes, part.base, part.size), access, "channel",
                                         name, end.line)), key=lambda m: m.ipa))
