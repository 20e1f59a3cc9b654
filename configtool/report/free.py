# SPDX-License-Identifier: Apache-2.0
"""What of a board a plan leaves to nobody."""
from __future__ import annotations

from ..board.model import Board
from ..plan.colors import text
from ..plan.devices import console_device, given
from ..plan.model import Plan
from ..rules.cpus import lacks
from ..system import System
from ..units import size_text


def free(system: System, board: Board, plan: Plan) -> str:
    """Four sections of lines, each sorted as the board has it."""
    lines: list[str] = []
    banks = [use for use in plan.uses if use.owner == "free"]
    total = sum(use.size for use in banks)
    lines.append(f"Memory: {total / (1 << 20):.1f} MiB")
    lines += [f"  {use.base:#x} to {use.end or use.base + use.size:#x}  {size_text(use.size)}"
              + (f", colors {text(use.colors)}" if use.colors else "") for use in banks]

    used = {cpu.id for cpu in plan.cpus}
    idle = [cpu for cpu in board.cpus if cpu.id not in used]
    lines += ["", f"CPUs: {len(idle)} of {len(board.cpus)}"]
    lines += [f"  {cpu.name}" + (f" ({reason})" if (reason := lacks(cpu, board.arch)) else "") for cpu in idle]

    taken = {g.device.path for devices in given(system, board).values() for g in devices}
    console = console_device(system, board)
    if console:
        taken.add(console.path)
    devices = [d for d in board.devices if d.kind == "device" and d.enabled and d.registers and d.path not in taken]
    lines += ["", f"Devices: {len(devices)}"]
    path = board.controller.path if board.controller else ""
    for device in devices:
        numbers = [str(i.number) for i in device.interrupts if i.controller == path]
        base, size = device.registers[0]
        what = f", interrupt{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}" if numbers else ""
        label = f" ({device.label})" if device.label else ""
        lines.append(f"  {device.name}{label}: {base:#x}, {size_text(size)}{what}")

    wired = {i.number for d in board.devices for i in d.interrupts if i.controller == path}
    owned = {source for source, _, _ in plan.irq_owner}
    left = sorted(wired - owned)
    lines += ["", f"Interrupts that a device raises: {len(left)}"]
    if left:
        lines.append("  " + _ranges(left))
    return "\n".join(lines) + "\n"


def _ranges(numbers: list[int]) -> str:
    """'1-8, 10, 32-35'"""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
