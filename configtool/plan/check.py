# SPDX-License-Identifier: Apache-2.0
"""A plan against itself, from its numbers alone. What fails here is a bug of configtool, never of the user."""
from __future__ import annotations

from ..board.model import Board
from .failure import InternalError
from .model import PAGE, Plan


def check(plan: Plan, board: Board) -> None:
    """Physical memory has one owner (channels: those with an end), lies in RAM and not in reserved memory; address
    spaces do not overlap themselves; everything is page aligned. Raises InternalError."""
    own = plan.hypervisor
    extents: list[tuple[int, int, str, str]] = [(own.load, own.window_end, "hypervisor", "")]
    extents += [(m.phys, m.phys + m.size, f"pristine copy of {m.name}", "") for m in own.copies]
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
                extents.append((m.phys, m.phys + m.size, f"VM {vm.name}: {m.name}", m.name if m.kind == "channel"
                                else ""))
        if not any(m.ipa <= vm.entry < m.end and "x" in m.access for m in vm.maps):
            raise InternalError(f"VM {vm.name}: entry {vm.entry:#x} is not executable memory of it")

    extents.sort()
    for i, (base, end, name, channel) in enumerate(extents):
        if not any(b.base <= base and end <= b.end for b in _joined(board)):
            raise InternalError(f"{name} at {base:#x} to {end:#x} is not RAM")
        for other in extents[i + 1:]:
            if other[0] >= end:
                break
            if not channel or channel != other[3]:
                raise InternalError(f"{name} and {other[2]} overlap at physical {other[0]:#x}")
        for reserved in board.reserved:
            if reserved.base < end and base < reserved.end:
                raise InternalError(f"{name} at {base:#x} overlaps {reserved.name}")
    for payload in plan.payloads:
        if len(payload.data) % PAGE or not any(base <= payload.phys and payload.phys + len(payload.data) <= end
                                               for base, end, _, _ in extents):
            raise InternalError(f"payload {payload.name} at {payload.phys:#x} is in nobody's memory")
    for device in own.devices:
        for vm in plan.vms:
            files = {plan.cpus[cpu].guest_file for cpu in vm.cpus}
            if device.size == PAGE and device.phys in files:
                continue                    # both send to an interrupt file
            if any(m.phys < device.end and device.phys < m.phys + m.size for m in vm.maps):
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
