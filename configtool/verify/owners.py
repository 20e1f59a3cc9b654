# SPDX-License-Identifier: Apache-2.0
"""Whose each piece of physical memory and each device is, for the report's picture and its list of devices."""
from __future__ import annotations

from typing import Iterator

from ..board.model import Device
from .case import Case
from .reach import holder
from .report import Block, Use
from .walk import PAGE, Ranges, common, union

FREE = "free"
_MOST = 72                      # blocks of a picture that can be read


def blocks(case: Case) -> tuple[Block, ...]:
    """All RAM, bank by bank. Where owners lie page by page among one another (cache colors), a block has several."""
    claims = [(start, end, name) for name, ranges in _claims(case) for start, end in common(union(ranges), case.banks)]
    claims += [(start, end, FREE) for start, end in case.banks]
    found = _sweep(claims)
    grain = 16 * PAGE
    while len(found) > _MOST and grain < 1 << 40:
        found = _coarser(found, grain)
        grain *= 4
    return tuple(found)


def _claims(case: Case) -> Iterator[tuple[str, Ranges]]:
    tables = [*case.ranges[".tables"], *(
        (at, at + size) for vm in case.vms for tree in (vm.facts.tables, vm.facts.restart) if tree is not None
        for at, size in tree.walk.tables)]
    yield "hypervisor", case.own
    yield "translation tables", tables
    yield "pristine copies", case.copies
    for start, end, name in case.expected.reserved:
        yield name, [(start, end)]
    for vm in case.vms:
        yield vm.name, [(e.phys, e.phys_end) for e in vm.of("memory")]
    for channel in case.system.channels:
        yield f"channel {channel.name}", [(p.extent.phys, p.extent.phys_end) for vm in case.vms for p in vm.pieces
                                          if p.channel == channel.name]


def _sweep(claims: list[tuple[int, int, str]]) -> list[Block]:
    edges: dict[int, list[tuple[str, int]]] = {}
    for start, end, name in claims:
        edges.setdefault(start, []).append((name, 1))
        edges.setdefault(end, []).append((name, -1))
    here: dict[str, int] = {}
    found: list[Block] = []
    at = 0
    for edge in sorted(edges):
        owners = _owners({name for name, count in here.items() if count})
        if owners:
            _add(found, Block(at, edge, owners))
        for name, step in edges[edge]:
            here[name] = here.get(name, 0) + step
        at = edge
    return found


def _owners(names: set[str]) -> tuple[str, ...]:
    """Of one place. Tables lie in the hypervisor's memory, and what somebody has is not free."""
    if names & {"translation tables", "pristine copies"}:
        names.discard("hypervisor")
    return tuple(sorted(names - {FREE} or names))


def _add(found: list[Block], block: Block) -> None:
    last = found[-1] if found else None
    if last is not None and last.end == block.start and last.owners == block.owners:
        found[-1] = Block(last.start, block.end, block.owners)
    else:
        found.append(block)


def _coarser(fine: list[Block], grain: int) -> list[Block]:
    """The same with pieces below `grain` bytes put together."""
    found: list[Block] = []
    for block in fine:
        last = found[-1] if found else None
        if last is not None and last.end == block.start and (
                block.start % grain and block.end - last.start <= grain
                or len(last.owners) > 1 and set(block.owners) <= set(last.owners) and block.end - block.start < grain):
            found[-1] = Block(last.start, block.end, tuple(sorted({*last.owners, *block.owners})))
        else:
            _add(found, block)
    merged: list[Block] = []
    for block in found:
        _add(merged, block)
    return merged


def uses(case: Case) -> tuple[Use, ...]:
    """Devices with registers, in the order of their addresses; those that somebody has first."""
    path = case.board.controller.path if case.board.controller else ""
    found = []
    for device in case.board.devices:
        who, grant = holder(case, device)
        if not who and (not device.registers or device.kind in ("bus", "power") or not device.enabled):
            continue
        found.append(Use(
            device.name, tuple((base, base + size) for base, size in device.registers + device.windows),
            tuple(i.number for i in device.interrupts if i.controller == path), who, grant.span if grant else None,
            _dma(device, grant.trusted if grant else None)))
    return tuple(sorted(found, key=lambda use: (not use.holder, use.registers, use.name)))


def _dma(device: Device, trusted: str | None) -> str:
    if trusted is not None:
        return f"trusted: {trusted}"
    return {True: "masters memory", False: "none", None: "not known"}[device.dma_master]
