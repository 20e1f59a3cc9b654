# SPDX-License-Identifier: Apache-2.0
"""All checks on one image, in an order in which later ones may build on what earlier ones found."""
from __future__ import annotations

import hashlib

from .. import __version__
from ..board.model import Board
from ..source import Span
from ..system import System
from . import (checks_bandwidth, checks_channels, checks_colors, checks_cpus, checks_devices, checks_firmware,
               checks_images, checks_interrupts,
               checks_management, checks_memory,
               checks_own,
               checks_places, checks_restart, checks_tables, checks_trees)
from .case import Case, VmCase
from .checks_memory import Held
from .elf import Elf, parse
from .expect import expect, physical_interrupts
from .facts import Layout, Malformed, gather
from .fdt import Node
from .inputs import flat
from .owners import blocks, uses
from .reach import against_all, pair
from .report import Check, Input, Piece, Report, VmSummary

_CONFIG = ("configuration", "the image was made from this description, for this board")


def verify(data: bytes, image: str, system: System, board: Board, layout: Layout | None = None,
           inputs: tuple[Input, ...] = ()) -> Report:
    """`data` is the ELF file, `image` its path for messages; `layout` saves its reading from the debug information;
    `inputs` are for the report alone. Raises NotAnImage."""
    elf = parse(data)
    expected = expect(system, board)
    try:
        facts = gather(elf, layout)
    except Malformed as error:
        check = Check(*_CONFIG, count=1, unit="value")
        check.fail(f"the configuration in the image is broken: {error}", Span(image))
        return _report(system, board, elf, image, "", (check,), inputs)
    first = checks_cpus.configuration(facts, expected)
    if [vm.name for vm in facts.vms] != [vm.name for vm in system.vms]:
        return _report(system, board, elf, image, facts.build_id.hex(), (first,), inputs)
    case = Case(facts, expected)
    return _report(system, board, elf, image, facts.build_id.hex(), (first, *_checks(case, Span(image))), inputs,
                   case)


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
    if any(vm.facts.firmware or vm.vm.firmware for vm in case.vms):
        made.append(checks_firmware.firmware(case))
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
            inputs: tuple[Input, ...], case: Case | None = None) -> Report:
    vms = case.vms if case else ()
    return Report(
        system=system.name, board=board.name, arch=board.arch,
        controller=board.controller.kind if board.controller else "none", tool=f"configtool {__version__}",
        build_id=build_id, elf_sha256=hashlib.sha256(elf.data).hexdigest(), flat_sha256=flat(elf), yaml=system.file,
        image=image, vms=tuple(_summary(case, vm) for vm in vms) if case else (),
        pairs=tuple(pair(case, one, other) for i, one in enumerate(vms) for other in vms[i + 1:]) if case else (),
        reached=tuple(against_all(case, vm) for vm in vms) if case else (), uses=uses(case) if case else (),
        physical=blocks(case) if case else (), checks=checks, inputs=inputs,
        assumptions=tuple(_assumptions(case)) if case else ())


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
