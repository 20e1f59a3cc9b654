# SPDX-License-Identifier: Apache-2.0
"""A plan against itself, from its numbers alone. What fails here is a bug of configtool, never of the user."""
from __future__ import annotations

from bisect import bisect_right

from ..board.model import Board
from .failure import InternalError
from .model import PAGE, Plan


def check(plan: Plan, board: Board) -> None:
    """Physical memory has one owner (channels: those with an end), lies in RAM and not in reserved memory; address
    spaces do not overlap themselves; everything is page aligned. Raises InternalError."""
    own = plan.hypervisor
    extents: list[tuple[int, int, str, str]] = [(own.load, own.window_end, "hypervisor", "")]
    if own.parts:
        extents = [(phys, phys + size, f"hypervisor: {m.name}", "") for m in own.parts for _, phys, size in m.pieces()]
        extents += [(base, base + size, "tables", "") for tree in own.trees for s in tree for base, size in s.runs()]
    extents += [(phys, phys + size, f"pristine copy of {m.name}", "") for m in own.copies for _, phys, size in m.pieces()]
    if own.events.size:
        extents.append((own.events.base, own.events.end, "event ring", ""))
    for vm in plan.vms:
        before = None
        for place in sorted([(m.ipa, m.size, m.name) for m in vm.maps] + [(w.ipa, w.size, w.name) for w in vm.windows]):
            if place[0] % PAGE or place[1] % PAGE or place[1] <= 0:
                raise InternalError(f"VM {vm.name}: {place[2]}, {place[1]:#x} at {place[0]:#x}, is not whole pages")
            if before and before[0] + before[1] > place[0]:
                raise InternalError(f"VM {vm.name}: {before[2]} and {place[2]} overlap at {place[0]:#x}")
            before = place
        for m in vm.maps:
            if m.phys % PAGE:
                raise InternalError(f"VM {vm.name}: {m.name} at physical {m.phys:#x} is not page aligned")
            if m.kind != "device":
                extents += [(phys, phys + size, f"VM {vm.name}: {m.name}", m.name if m.kind == "channel" else "")
                            for _, phys, size in m.pieces()]
        if not any(m.ipa <= vm.entry < m.end and "x" in m.access for m in vm.maps):
            raise InternalError(f"VM {vm.name}: entry {vm.entry:#x} is not executable memory of it")

    extents.sort()
    banks = _joined(board)
    reaching: list[tuple[int, int, str, str]] = []      # those that may reach into what follows
    for extent in extents:
        base, end, name, channel = extent
        if not any(b.base <= base and end <= b.end for b in banks):
            raise InternalError(f"{name} at {base:#x} to {end:#x} is not RAM")
        reaching = [other for other in reaching if other[1] > base]
        for other in reaching:
            if not channel or channel != other[3]:
                raise InternalError(f"{other[2]} and {name} overlap at physical {base:#x}")
        reaching.append(extent)
        for reserved in board.reserved:
            if reserved.base < end and base < reserved.end:
                raise InternalError(f"{name} at {base:#x} overlaps {reserved.name}")
    bases = [base for base, _, _, _ in extents]
    for payload in plan.payloads:
        where = [run for stripe in payload.places for run in stripe.runs()]
        if len(payload.data) % PAGE or sum(size for _, size in where) != len(payload.data):
            raise InternalError(f"payload {payload.name} has {len(payload.data)} bytes, its place another number")
        for base, size in where:
            at = bisect_right(bases, base) - 1
            if at < 0 or base + size > extents[at][1]:
                raise InternalError(f"payload {payload.name} at {base:#x} is in nobody's memory")
    for device in own.devices:
        for vm in plan.vms:
            files = {plan.cpus[cpu].guest_file for cpu in vm.cpus}
            if device.size == PAGE and device.phys in files:
                continue                    # both send to an interrupt file
            if any(m.phys < device.end and device.phys < m.phys_end for m in vm.maps if not m.colors):
                raise InternalError(f"VM {vm.name} maps the hypervisor's {device.name}")
    if sum(u.size for u in plan.uses) != sum(b.size for b in plan.banks):
        raise InternalError("the uses of memory do not add up")


def _joined(board: Board) -> list["_Piece"]:
    pieces: list[_Piece] = []
    for bank in sorted(board.memory, key=lambda b: b.base):
        if pieces and pieces[-1].end == bank.base:
            pieces[-1] = _Piece(pieces[-1].base, bank.end)
        else:
            pieces.append(_Piece(bank.base, bank.end))
    return pieces


class _Piece:
    def __init__(self, base: int, end: int) -> None:
        self.base, self.end = base, end
