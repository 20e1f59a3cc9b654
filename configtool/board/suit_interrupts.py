# SPDX-License-Identifier: Apache-2.0
"""Whether a board's interrupt controller, and on Arm its timer, have all that the hypervisor works with."""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic, error
from ..source import Span
from .dts import Node
from .model import Board, Cpu, InterruptController

# Windows of registers that a controller has at the least (the kernel's bindings arm,gic.yaml, arm,gic-v3.yaml).
_REGISTERS = {"gicv3": 2, "gicv2": 4}
_REDISTRIBUTOR = 0x2_0000       # bytes of one (IHI 0069H, section 12.10)
_TIMERS = {"arm,armv8-timer", "arm,armv7-timer"}
_VIRTUAL_TIMER = 2              # its place in the timer's interrupts without names (arm,arch_timer.yaml)


def incomplete(board: Board, controller: InterruptController) -> Iterator[Diagnostic]:
    """What lacks. Nothing is said of CPUs that run no VM."""
    wanted = _REGISTERS.get(controller.kind, 1)
    found = sum(size > 0 for _, size in controller.registers)
    if found < wanted:
        yield error("BH0811", "the interrupt controller lacks registers", controller.span,
                    notes=[f"a CPU can reach {found} window{'' if found == 1 else 's'} of it, and a "
                           f"{controller.kind.upper()} has {wanted}"],
                    help=["correct its reg, and the ranges of the buses above it"])
        return
    windows = (*controller.registers, *controller.its, *controller.imsic)
    crooked = [base for base, size in windows if size and base % 4096]
    if crooked:
        yield error("BH0811", f"registers of the interrupt controller at {crooked[0]:#x} are on no page of their own",
                    controller.span, notes=["the hypervisor maps them page by page, 4KiB each"],
                    help=["correct its reg, and the ranges of the buses above it"])
        return
    cpus = [cpu for cpu in board.cpus if cpu.enabled and cpu.virtualisation]
    if controller.kind == "gicv2" or controller.kind == "gicv3":
        yield from _gic(board, controller, cpus)
        return
    for cpu in cpus:
        if cpu.id not in controller.contexts:
            yield error("BH0811", f"the interrupt controller has no S-mode context for {cpu.name}", controller.span,
                        help=["correct its interrupts-extended (9 is S-mode's), or disable the CPU"])


def _gic(board: Board, controller: InterruptController, cpus: list[Cpu]) -> Iterator[Diagnostic]:
    own = next((d for d in board.devices if d.path == controller.path), None)
    if own is None or not own.interrupts:
        yield error("BH0811", "the interrupt controller has no maintenance interrupt", controller.span,
                    notes=["a hypervisor learns by it that a virtual interrupt is done"],
                    help=["give the GIC its interrupts, as its binding has them: <1 9 4>"])
    timer = next((d for d in board.devices if d.kind == "timer" and _TIMERS.intersection(d.compatible)), None)
    names = timer.node.strings("interrupt-names") if timer is not None and timer.node is not None else ()
    at = names.index("virt") if "virt" in names else _VIRTUAL_TIMER
    if timer is None or not timer.enabled or len(timer.interrupts) <= at:
        yield error("BH0813", "the device tree has no virtual timer" if timer is None or not timer.enabled else
                    "the timer has no interrupt of the virtual timer", timer.span if timer is not None
                    else Span(board.dts),
                    help=["add the node timer, as arm,arch_timer.yaml has it: secure, non-secure, virtual and "
                          "hypervisor timer"])
    if controller.kind == "gicv3":
        yield from _redistributors(board, controller, cpus)


def _redistributors(board: Board, controller: InterruptController, cpus: list[Cpu]) -> Iterator[Diagnostic]:
    node: Node | None = controller.node
    regions = (node.u32("#redistributor-regions", 1) or 1) if node is not None else 1
    stride = (node.number("redistributor-stride", 0) or 0) if node is not None else 0
    room = sum(size // (stride or _REDISTRIBUTOR) for _, size in controller.registers[1:1 + regions])
    order = sorted(cpu.id for cpu in board.cpus)
    without = [cpu.name for cpu in cpus if order.index(cpu.id) >= room]
    if without:
        yield error("BH0811", f"the interrupt controller has no redistributor for {without[0]}", controller.span,
                    notes=[f"its redistributor windows have room for {room} of {len(order)} CPUs"],
                    help=["correct its reg, #redistributor-regions or redistributor-stride"])
