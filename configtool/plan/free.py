# SPDX-License-Identifier: Apache-2.0
"""`configtool free`: memory, CPUs, devices and interrupts of the board that nobody has."""
from __future__ import annotations

from dataclasses import dataclass

from ..board.model import Board, Cpu, Device
from ..rules.cpus import lacks
from ..units import size_text
from .model import Plan, Range


@dataclass(frozen=True)
class Free:
    memory: tuple[Range, ...]
    cpus: tuple[Cpu, ...]
    unusable: tuple[tuple[Cpu, str], ...]       # and why
    devices: tuple[Device, ...]
    interrupts: tuple[int, ...]                 # sources of the board's controller that are some free device's


def free(plan: Plan, board: Board) -> Free:
    """What the plan leaves of the board."""
    used_cpus = {c.name for c in plan.cpus}
    mapped = [(m.phys, m.phys + m.size) for vm in plan.vms for m in vm.maps if m.kind == "device"]
    mapped += [(m.phys, m.phys + m.size) for m in plan.hypervisor.devices]
    owned = {source for source, _, _ in plan.irq_owner}
    path = board.controller.path if board.controller else None
    devices = tuple(d for d in board.devices if d.kind == "device" and d.enabled and d.registers
                    and not any(low < base + size and base < high for base, size in d.registers for low, high in mapped))
    sources = sorted({i.number for d in devices for i in d.interrupts if i.controller == path} - owned)
    return Free(tuple(Range(u.base, u.size) for u in plan.uses if u.owner == "free"),
                tuple(c for c in board.cpus if c.name not in used_cpus and lacks(c, board.arch) is None),
                tuple((c, reason) for c in board.cpus if (reason := lacks(c, board.arch)) is not None),
                devices, tuple(sources))


def render(plan: Plan, board: Board) -> str:
    """The same, to read."""
    left = free(plan, board)
    total = sum(r.size for r in left.memory)
    lines = [f"memory: {size_text(total)}" + (f" in {len(left.memory)} pieces" if len(left.memory) > 1 else "")]
    lines += [f"  {r.base:#x} to {r.end:#x}  {size_text(r.size)}" for r in left.memory]
    lines.append("CPUs: " + (", ".join(c.name for c in left.cpus) or "none"))
    lines += [f"  {c.name} {reason}" for c, reason in left.unusable]
    lines.append(f"devices: {len(left.devices) or 'none'}")
    path = board.controller.path if board.controller else None
    for d in left.devices:
        numbers = ", ".join(str(i.number) for i in d.interrupts if i.controller == path)
        text = f"  {d.name}  {d.compatible[0] if d.compatible else ''}".rstrip()
        lines.append(text + (f"  interrupt {numbers}" if numbers else ""))
    return "\n".join(lines) + "\n"
