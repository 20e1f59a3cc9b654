# SPDX-License-Identifier: Apache-2.0
"""All checks on one image, in an order in which later ones may build on what earlier ones found."""
from __future__ import annotations

import hashlib

from ..board.model import Board
from ..source import Span
from ..system import System
from . import (checks_bandwidth, checks_channels, checks_colors, checks_cpus, checks_devices,
               checks_images, checks_interrupts,
               checks_management, checks_memory,
               checks_own,
               checks_places, checks_restart, checks_tables, checks_trees)
from .case import Case, VmCase, size_text
from .checks_memory import Held
from .elf import Elf, parse
from .expect import expect, physical_interrupts
from .facts import Layout, Malformed, gather
from .fdt import Node
from .report import Check, Pair, Piece, Report, VmSummary

_CONFIG = ("configuration", "the image was made from this description, for this board")


def verify(data: bytes, image: str, system: System, board: Board, layout: Layout | None = None) -> Report:
    """`data` is the ELF file, `image` its path for messages; `layout` saves its reading from the debug information.
    Raises NotAnImage."""
    elf = parse(data)
    expected = expect(system, board)
    try:
        facts = gather(elf, layout)
    except Malformed as error:
        check = Check(*_CONFIG, count=1, unit="value")
        check.fail(f"the configuration in the image is broken: {error}", Span(image))
        return _report(system, board, elf, image, "", (check,))
    first = checks_cpus.configuration(facts, expected)
    if [vm.name for vm in facts.vms] != [vm.name for vm in system.vms]:
        return _report(system, board, elf, image, facts.build_id.hex(), (first,))
    case = Case(facts, expected)
    return _report(system, board, elf, image, facts.build_id.hex(), (first, *_checks(case, Span(image))), case)


def _checks(case: Case, image: Span) -> list[Check]:
    held: dict[str, tuple[Held, ...]] = {}
    found: dict[str, tuple[Node, int]] = {}
    made = [checks_tables.file(case, image), checks_tables.tables(case, image), checks_memory.exclusive(case),
            checks_memory.reach(case), checks_memory.promised(case, held), checks_channels.memory(case),
            checks_channels.doorbells(case), checks_channels.windows(case), checks_devices.devices(case),
            checks_devices.dma(case), checks_interrupts.interrupts(case), checks_cpus.cpus(case),
            checks_own.own(case, image),
            checks_cpus.console(case), checks_trees.trees(case, held, found)]
    made.append(checks_images.images(case, held, found))
    if case.facts.budgets or any(vm.vm.bandwidth for vm in case.vms):
        made.append(checks_bandwidth.bandwidth(case))
    made += [checks_places.places(case, held), checks_restart.restart(case),
             checks_management.management(case, image), checks_cpus.environment(case)]
    given = [case.system.colors, *(vm.colors for vm in case.system.vms), *(c.colors for c in case.system.channels),
             *(region.colors for vm in case.system.vms for region in vm.memory)]
    if any(colors is not None for colors in given):
        made.append(checks_colors.colors(case))
    return made


def _report(system: System, board: Board, elf: Elf, image: str, build_id: str, checks: tuple[Check, ...],
            case: Case | None = None) -> Report:
    vms = tuple(_summary(case, vm) for vm in case.vms) if case else ()
    pairs = tuple(_pair(case, one, other) for i, one in enumerate(case.vms)
                  for other in case.vms[i + 1:]) if case else ()
    return Report(system.name, board.name, board.arch, build_id, hashlib.sha256(elf.data).hexdigest(), system.file,
                  image, vms,
                  pairs, checks, tuple(_assumptions(case)) if case else ())


def _summary(case: Case, vm: VmCase) -> VmSummary:
    pieces = [Piece(p.extent.ipa, p.extent.phys, p.extent.size, p.extent.access,
                    p.grant.name if p.grant else f"channel {p.channel}" if p.channel else p.kind) for p in vm.pieces]
    pieces += [Piece(w.ipa, None, w.size, "trapped", w.kind.removeprefix("WINDOW_").lower()) for w in vm.facts.windows]
    names = [case.facts.cpus[i].name for i in vm.facts.cpus if i < len(case.facts.cpus)]
    walk = vm.facts.walk
    return VmSummary(
        vm.name, tuple(names), sum(e.size for e in vm.of("memory")), tuple(g.name for g in vm.grants),
        tuple(sorted(physical_interrupts(vm.grants, case.board))), len(walk.tables), walk.pages,
        tuple(sorted(walk.leaves.items(), reverse=True)), tuple(sorted(pieces, key=lambda p: p.ipa)),
        tuple((g.name, g.trusted) for g in vm.grants if g.trusted is not None))


def _pair(case: Case, one: VmCase, other: VmCase) -> Pair:
    shares, rings = [], []
    for channel in case.system.channels:
        names = [name for name, _ in channel.ends]
        if one.name in names and other.name in names and (channel.between or channel.writer and channel.writer[0] in (
                one.name, other.name)):
            shares.append(f"{channel.name} {size_text(channel.size)}: {checks_channels.direction(channel)}")
        elif one.name in names and other.name in names:
            shares.append(f"{channel.name} {size_text(channel.size)}: both read")
    for a, b in ((one, other), (other, one)):
        for end in a.facts.channels:
            rings += [f"{a.name} rings {b.name} ({end.name}, interrupt {number})" for target, number in end.rings
                      if target == b.facts.index]
    devices = [g.name for g in one.grants if any(o.device is g.device for o in other.grants)]
    return Pair(one.name, other.name, tuple(shares), tuple(rings), tuple(devices))


def _assumptions(case: Case) -> list[str]:
    """What this system's isolation rests on beside its tables and its configuration."""
    found = ["the hypervisor's code does what its source says with this configuration"]
    for vm in case.vms:
        for grant in vm.grants:
            if grant.trusted is not None:
                found.append(f"the driver of {grant.name} in VM '{vm.name}' lets it reach that VM's memory alone: "
                             f"{grant.trusted}")
            elif grant.device.dma_master is None:
                found.append(f"{grant.name} of VM '{vm.name}' masters no memory: its compatible does not tell")
    return found
