# SPDX-License-Identifier: Apache-2.0
"""Channels: the same memory at every end, each with its own access; and who rings whom."""
from __future__ import annotations

from ..system import Channel
from .case import Case, VmCase, size_text, span_text
from .report import Check
from .walk import PAGE, Extent, joined


def memory(case: Case) -> Check:
    """Every end has the channel's memory where its VM thinks that it is, with the YAML's direction."""
    check = Check("channels", "channels join whom the description says, in its direction", unit="channel end")
    for channel in case.system.channels:
        bases: dict[Pieces, str] = {}
        for vm in case.vms:
            if not any(name == vm.name for name, _ in channel.ends):
                continue
            check.look()
            found = _end(vm, channel, case.facts.scattered, check)
            if found is not None:
                bases.setdefault(found, vm.name)
        if len(bases) > 1:
            (one, first), (other, second) = list(bases.items())[:2]
            check.fail(f"the ends of channel '{channel.name}' are different memory", channel.span,
                       notes=(f"VM '{first}' has physical {_where(one)}, VM '{second}' {_where(other)}",))
        elif bases:
            pieces = next(iter(bases))
            base = pieces[0][1] if len(pieces) == 1 else 0
            if channel.phys is not None and channel.phys != base:
                check.fail(f"channel '{channel.name}' lies at physical {base:#x}", channel.phys_span or channel.span,
                           f"wanted at {channel.phys:#x}")
            check.evidence.append(f"{channel.name}: {size_text(channel.size)} at physical {_where(pieces)}, "
                                  + direction(channel))
    return check


def direction(channel: Channel) -> str:
    if channel.between:
        (a, _), (b, _) = channel.between
        return f"{a} writes the first half, {b} the second, each reads the other's"
    writer = channel.writer[0] if channel.writer else "nobody"
    readers = ", ".join(name for name, _ in channel.readers)
    return f"{writer} writes, {readers} read{'s' if len(channel.readers) == 1 else ''}"


Pieces = tuple[tuple[int, int, int], ...]      # (offset in a channel, physical address, bytes)


def _where(pieces: Pieces) -> str:
    return f"{pieces[0][1]:#x}" + (f" and {len(pieces) - 1} further pieces" if len(pieces) > 1 else "")


def _end(vm: VmCase, channel: Channel, scattered: bool, check: Check) -> Pieces | None:
    """Where the channel's memory is, where this end is as it should be."""
    claim = next((c for c in vm.claimed if c.end.channel is channel), None)
    if claim is None:
        check.fail(f"VM '{vm.name}' has no memory of channel '{channel.name}'", channel.span,
                   notes=("none is in the image's list of places, or it is in several pieces",))
        return None
    override = next((o for o in vm.vm.channels if o.name == channel.name), None)
    if override and override.at is not None and override.at != claim.ipa:
        check.fail(f"VM '{vm.name}' has channel '{channel.name}' at IPA {claim.ipa:#x}",
                   override.at_span or override.span, f"wanted at {override.at:#x}")
    got = vm.facts.walk.within(claim.ipa, claim.size)
    memory = got[0].memory if got else ""
    pieces: list[tuple[int, int, int]] = []
    for e in got:
        last = pieces[-1] if pieces else (0, 0, 0)
        if pieces and (last[0] + last[2], last[1] + last[2]) == (e.ipa - claim.ipa, e.phys):
            pieces[-1] = (*last[:2], last[2] + e.size)
        else:
            pieces.append((e.ipa - claim.ipa, e.phys, e.size))
    if not scattered:                           # it is in one piece
        pieces = [(0, got[0].phys if got else 0, claim.size)]
    want = joined((claim.ipa + max(offset, at), phys + max(offset, at) - at,
                   min(offset + size, at + length) - max(offset, at), access, memory)
                  for offset, size, access in claim.end.parts for at, phys, length in pieces
                  if offset < at + length and at < offset + size)
    if got != want or sum(e.size for e in got) != claim.size:
        expected = _show(want) if got else f"{size_text(channel.size)} at IPA {claim.ipa:#x}"
        check.fail(f"VM '{vm.name}' does not have channel '{channel.name}' as it should", channel.span,
                   direction(channel), notes=(f"in the tables: {_show(got)}", f"expected: {expected}"))
        return None
    return tuple(pieces)


def _show(extents: list[Extent]) -> str:
    return ", ".join(f"IPA {span_text(e.ipa, e.end)} -> {e.phys:#x} {e.access}" for e in extents) or "nothing"


def doorbells(case: Case) -> Check:
    """A doorbell reaches the VMs that the YAML says, each by an interrupt that is nothing else's."""
    check = Check("doorbells", "doorbells reach whom the description says, and nothing else", unit="doorbell")
    raised = _raised(case)
    rung: dict[tuple[str, str], set[int]] = {}     # (VM, channel) -> interrupts
    for vm in case.vms:
        names = [end.channel.name for end in vm.ends]
        if [end.name for end in vm.facts.channels] != names:
            check.fail(f"VM '{vm.name}' has other channels than its description says", vm.span, notes=(
                f"in the image: {', '.join(e.name for e in vm.facts.channels) or 'none'}",
                f"in the description: {', '.join(names) or 'none'}"))
            continue
        for end, found in zip(vm.ends, vm.facts.channels):
            check.look(len(found.rings))
            who = f"the doorbell of channel '{found.name}' of VM '{vm.name}'"
            reached = []
            for target, number in found.rings:
                other = next((v for v in case.vms if v.facts.index == target), None)
                if other is None:
                    check.fail(f"{who} reaches VM {target}, which there is not", end.channel.span)
                    continue
                reached.append(other.name)
                rung.setdefault((other.name, found.name), set()).add(number)
                what = raised.setdefault((other.name, number), f"channel '{found.name}'")
                if not 0 < number < len(other.facts.irq_physical):
                    check.fail(f"{who} raises interrupt {number} of VM '{other.name}'", end.channel.span,
                               f"the highest there is {len(other.facts.irq_physical) - 1}")
                elif what != f"channel '{found.name}'":
                    check.fail(f"{who} raises interrupt {number} of VM '{other.name}'", end.channel.span,
                               f"that is the one of {what}")
            if sorted(reached) != sorted(end.rings):
                check.fail(f"{who} reaches {_list(reached)} instead of {_list(sorted(end.rings))}", end.channel.span)
            elif reached:
                check.evidence.append(f"{found.name}: {vm.name} rings {_list(reached)}")
    for (name, channel), numbers in rung.items():
        if len(numbers) > 1:
            check.fail(f"channel '{channel}' raises several interrupts of VM '{name}': {sorted(numbers)}",
                       case.expected.vm(name).span)
        override = next((o for o in case.expected.vm(name).channels if o.name == channel), None)
        if override and override.interrupt is not None and numbers != {override.interrupt}:
            check.fail(f"channel '{channel}' raises interrupt {min(numbers)} of VM '{name}'",
                       override.interrupt_span or override.span, f"wanted: {override.interrupt}")
    return check


def _raised(case: Case) -> dict[tuple[str, int], str]:
    """(VM, guest interrupt) -> what raises it, channels left out."""
    found = {(vm.name, vm.facts.uart_irq): "its console" for vm in case.vms if vm.facts.uart_irq}
    for vm in case.vms:
        wired = case.expected.gic.wired if vm.facts.direct and case.expected.gic else None
        for number, source in enumerate(vm.facts.irq_physical):
            if source and (wired is None or source in wired):       # the others stand for virtual lines there
                found[(vm.name, number)] = f"physical interrupt {source}"
    return found


def rung_number(case: Case, vm: VmCase, channel: str) -> int:
    """Guest interrupt that a channel raises in a VM; 0: none."""
    return next((number for other in case.facts.vms for end in other.channels if end.name == channel
                 for target, number in end.rings if target == vm.facts.index), 0)


def _list(names: list[str]) -> str:
    return ", ".join(names) or "nobody"


def windows(case: Case) -> Check:
    """Virtual devices trap, and are those that the VM should have."""
    check = Check("virtual-devices", "virtual devices trap to the hypervisor and are those of the description",
                  unit="window")
    for vm in case.vms:
        check.look(len(vm.facts.windows))
        wanted = [("WINDOW_IRQCHIP", 0)] + ([("WINDOW_UART", 0)] if vm.vm.console == "virtual" else [])
        wanted += [("WINDOW_DOORBELL", i) for i, end in enumerate(vm.ends) if end.rings]
        have = [(w.kind, w.index) for w in vm.facts.windows]
        if sorted(have) != sorted(wanted):
            check.fail(f"VM '{vm.name}' has other virtual devices than its description says", vm.span, notes=(
                f"in the image: {_kinds(have)}", f"expected: {_kinds(wanted)}"))
        if (vm.facts.uart_irq != 0) != (vm.vm.console == "virtual"):
            check.fail(f"the virtual UART of VM '{vm.name}' has interrupt {vm.facts.uart_irq}", vm.span,
                       f"console: {vm.vm.console}")
        end = 0
        for window in sorted(vm.facts.windows, key=lambda w: w.ipa):
            who = f"a virtual device of VM '{vm.name}'"
            if window.ipa % PAGE or window.size % PAGE or not window.size:
                check.fail(f"{who} at IPA {span_text(window.ipa, window.end)} is not whole pages", vm.span)
            for e in vm.facts.walk.within(window.ipa, window.size)[:1]:
                check.fail(f"{who} does not trap at IPA {span_text(e.ipa, e.end)}", vm.span,
                           f"it is mapped to physical {e.phys:#x}, {case.owner(e.phys, vm.name)}")
            if window.ipa < end:
                check.fail(f"{who} lies over another one at IPA {window.ipa:#x}", vm.span)
            end = window.end
        check.evidence.append(f"{vm.name}: {_kinds(sorted(have))}")
    return check


def _kinds(found: list[tuple[str, int]]) -> str:
    text = {"WINDOW_IRQCHIP": "interrupt controller", "WINDOW_UART": "UART"}
    return ", ".join(text.get(kind, f"doorbell {index}" if kind == "WINDOW_DOORBELL" else f"{kind} {index}")
                     for kind, index in found) or "none"
