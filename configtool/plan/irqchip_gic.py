# SPDX-License-Identifier: Apache-2.0
"""The GIC of an Arm board, and the one that its guests see.

Sources: Arm GIC Architecture Specifications IHI 0048B (v2), section 4.1.2 (the CPU interface has 8 KiB) and IHI 0069H
(v3), sections 12.7 and 12.9 (frames of 64 KiB: one distributor; two for each redistributor); the kernel's bindings
interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml for `reg`, timer/arm,arch_timer.yaml for the timer's interrupts.
"""
from __future__ import annotations

from typing import Collection

from ..board.model import Board, Cpu, InterruptController
from .failure import InternalError
from .layout import pages
from .model import PAGE, Irqchip, Line, Mapping

KINDS = ("gicv2", "gicv3")

SPI = 32                            # the first shared interrupt; those below are each CPU's own
_LAST = 1019                        # INTIDs above are special
_FRAME = 0x1_0000
_REDISTRIBUTOR = 2 * _FRAME
_DISTRIBUTOR_V2 = 0x1000
INTERFACE_SIZE = 0x2000             # GICv2: GICC, and GICV alike
_HYPERVISOR_V2 = 0x1000             # GICH
INTERFACE_AT = 0x1_0000             # of the guest's GICC from its GICD; the redistributors of a GICv3 begin there, too


def window_size(kind: str, vcpus: int) -> int:
    """Bytes that trap, from the guest's distributor on: with a GICv3 the redistributors, too."""
    return _FRAME + vcpus * _REDISTRIBUTOR if kind == "gicv3" else _DISTRIBUTOR_V2


def room(kind: str, vcpus: int) -> int:
    """Bytes of guest addresses that the whole takes, a GICv2's CPU interface included."""
    return window_size(kind, vcpus) if kind == "gicv3" else INTERFACE_AT + INTERFACE_SIZE


def guest_maps(board: Board, distributor: int) -> tuple[Mapping, ...]:
    """What a guest has of the controller itself: with a GICv2 the hardware's virtual CPU interface in place of GICC."""
    controller = _controller(board)
    if controller.kind != "gicv2":
        return ()
    return (Mapping(distributor + INTERFACE_AT, _interface(controller, 3), INTERFACE_SIZE, "rw", "device",
                    "interrupt controller, CPU interface"),)


def own_maps(board: Board, cpus: list[Cpu]) -> list[Mapping]:
    """What the hypervisor maps: the distributor, and for each CPU that it runs on what that CPU reaches."""
    controller = _controller(board)
    distributor = controller.registers[0][0]
    if controller.kind == "gicv2":
        parts = [(distributor, _DISTRIBUTOR_V2, "distributor"),
                 (_interface(controller, 1), INTERFACE_SIZE, "CPU interface"),
                 (controller.registers[2][0], _HYPERVISOR_V2, "virtual interface control")]
    else:
        frames = redistributors(board)
        parts = [(distributor, _FRAME, "distributor")]
        parts += [(frames[cpu.id], _REDISTRIBUTOR, f"redistributor of {cpu.name}") for cpu in cpus]
    return [Mapping(base, base, pages(size), "rw", "device", f"interrupt controller, {what}")
            for base, size, what in parts]


def _numbers(board: Board) -> set[int]:
    """INTIDs that anything of the board has."""
    path = _controller(board).path
    return {i.number for d in board.devices for i in d.interrupts if i.controller == path and i.number <= _LAST}


def spares(board: Board) -> list[int]:
    """Shared interrupts that the controller has and no device of the board, lowest first: it has them by 32, and so up
    to the end of the 32 in which the last is that a device has (IHI 0069H, GICD_TYPER.ITLinesNumber)."""
    taken = _numbers(board)
    return [n for n in range(SPI, min(max(taken, default=0) // 32 * 32 + 32, _LAST + 1)) if n not in taken]


def physical(board: Board, edges: tuple[int, ...], timer: bool, virtual: Collection[int] = ()) -> Irqchip:
    """`sources` is the highest INTID that anything of the board has, or one of `virtual`: those that stand for virtual
    lines; `timer`: the hypervisor uses one of its own."""
    controller = _controller(board)
    numbers = _numbers(board)
    maintenance = [i.number for d in board.devices if d.path == controller.path for i in d.interrupts]
    if not maintenance:
        raise InternalError(f"{controller.path} has no maintenance interrupt")
    v2 = controller.kind == "gicv2"
    return Irqchip(controller.kind, *controller.registers[0], max([SPI - 1, *numbers, *virtual]), edges=edges,
                   maintenance=maintenance[0], gicc=_interface(controller, 1) if v2 else 0,
                   gich=controller.registers[2][0] if v2 else 0, timer=own_timer(board) if timer else 0,
                   one_security_state=not v2 and board.security_states == 1)


def state_size(vcpus: int, words: int) -> int:
    """At most what struct virq of hypervisor/vdev/vgic.h takes."""
    word = 6 * 4 + 32
    return 64 + vcpus * (word + 4 * words + 16 * 8 + 16 * 3 + 5) + words * (word + 32)


def timer_line(board: Board) -> Line:
    """The virtual timer of each vCPU: the CPU's own, passed on at the number that it has."""
    number = _timer(board, "virt", 2)
    if not number:
        raise InternalError("the board has no virtual timer, and no rule said so")
    return Line(number, number, "level-high", "virtual timer")


def own_timer(board: Board) -> int:
    """INTID of the hypervisor's own timer, 0: the device tree does not tell of it."""
    return _timer(board, "hyp-phys", 3)


def _timer(board: Board, name: str, place: int) -> int:
    """INTID of one of the CPU's own timers, by its name or its place: secure, non-secure, virtual, hypervisor. 0: the
    device tree does not tell of it."""
    timers = [d for d in board.devices if d.kind == "timer" and "arm,armv8-timer" in d.compatible]
    names = timers[0].node.strings("interrupt-names") if timers and timers[0].node is not None else ()
    at = names.index(name) if name in names else place
    return timers[0].interrupts[at].number if timers and at < len(timers[0].interrupts) else 0


def order(board: Board) -> dict[int, int]:
    """Position of each CPU at the controller: its CPU interface (GICv2), its redistributor (GICv3). They are wired in
    the order of MPIDR; the hypervisor compares at boot what a redistributor says of itself."""
    return {id: position for position, id in enumerate(sorted(cpu.id for cpu in board.cpus))}


def redistributors(board: Board) -> dict[int, int]:
    """Physical address of each CPU's redistributor, by CPU id; {} on a GICv2."""
    controller = _controller(board)
    if controller.kind != "gicv3":
        return {}
    node = controller.node
    regions = (node.u32("#redistributor-regions", 1) or 1) if node is not None else 1
    stride = (node.number("redistributor-stride", 0) or 0) if node is not None else 0
    stride = stride or _REDISTRIBUTOR
    frames = [base + i * stride for base, size in controller.registers[1:1 + regions] for i in range(size // stride)]
    return {id: frames[position] for id, position in order(board).items() if position < len(frames)}


def _controller(board: Board) -> InterruptController:
    if board.controller is None:
        raise InternalError("the board has no interrupt controller, and no rule said so")
    return board.controller


def _interface(controller: InterruptController, index: int) -> int:
    """Address of GICC (1) or GICV (3). Where each of its two pages fills 64 KiB with copies of itself, as the Server
    Base System Architecture has it (DEN 0029, appendix on GICv2m), the last copy of the first is followed by the
    second."""
    base, size = controller.registers[index]
    return base + _FRAME - PAGE if size >= 2 * _FRAME else base
