# SPDX-License-Identifier: Apache-2.0
"""What a board's device tree says of its GIC and of the CPUs' places at it.

Sources: Arm GIC Architecture Specifications IHI 0048B, section 4.1.2, and IHI 0069H, sections 12.7 and 12.9; Server
Base System Architecture 2.2, section 4.1.2, for interfaces of 128 KiB; the kernel's bindings arm,gic.yaml,
arm,gic-v3.yaml and arm,arch_timer.yaml.
"""
from __future__ import annotations

from dataclasses import dataclass

from ..board.model import Board, InterruptController

SPI = 32                        # the first interrupt that is not each CPU's own
_SPECIAL = 1020                 # the first INTID that is no interrupt
_FRAMES = 0x2_0000              # of a redistributor


@dataclass(frozen=True)
class Gic:
    version: int
    distributor: tuple[int, int]                # (base, end)
    interface: tuple[int, int] | None           # GICv2: GICC
    control: tuple[int, int] | None             # GICv2: GICH
    virtual: tuple[int, int] | None             # GICv2: GICV, which guests have themselves
    maintenance: int
    timer: int                                  # the virtual timer's, which every VM has
    own_timer: int                              # the hypervisor's
    order: dict[int, int]                       # CPU id -> its position
    redistributors: dict[int, int]              # GICv3: CPU id -> base
    highest: int                                # INTID that the device tree tells of
    edges: frozenset[int]                       # INTIDs that are edge-triggered
    wired: frozenset[int]                       # INTIDs that a device has
    one_security_state: bool                    # GICv3: as board.yaml says

    @property
    def own(self) -> list[tuple[tuple[int, int], str]]:
        """What the hypervisor may map: its ranges and their names."""
        parts = [(self.distributor, "distributor"), (self.interface, "CPU interface"), (self.control, "GICH")]
        frames = [((base, base + _FRAMES), "redistributors") for base in self.redistributors.values()]
        return [(where, name) for where, name in parts if where is not None] + frames


def gic(board: Board) -> Gic | None:
    controller = board.controller
    if controller is None or not controller.kind.startswith("gic") or not controller.registers:
        return None
    version = int(controller.kind[-1])
    interrupts = [i for d in board.devices for i in d.interrupts if i.controller == controller.path
                  and i.number < _SPECIAL]
    order = {id: at for at, id in enumerate(sorted(cpu.id for cpu in board.cpus))}
    second = version == 2 and len(controller.registers) >= 4
    base, size = controller.registers[0]
    return Gic(
        version=version, distributor=(base, base + (0x1_0000 if version == 3 else 0x1000)),
        interface=_interface(*controller.registers[1]) if second else None,
        control=(controller.registers[2][0], controller.registers[2][0] + 0x1000) if second else None,
        virtual=_interface(*controller.registers[3]) if second else None,
        maintenance=next((i.number for d in board.devices if d.path == controller.path for i in d.interrupts), 0),
        timer=_timer(board, "virt", 2), own_timer=_timer(board, "hyp-phys", 3), order=order,
        redistributors=_redistributors(controller, order) if version == 3 else {},
        highest=max([SPI - 1, *(i.number for i in interrupts)]),
        edges=frozenset(i.number for i in interrupts if i.trigger.startswith("edge")),
        wired=frozenset(i.number for i in interrupts),
        one_security_state=version == 3 and board.security_states == 1)


def _interface(base: int, size: int) -> tuple[int, int]:
    if size >= 0x2_0000:        # each of two pages fills 64 KiB with copies of itself
        base += 0xf000
    return base, base + 0x2000


def _timer(board: Board, name: str, position: int) -> int:
    for device in board.devices:
        if device.kind == "timer" and "arm,armv8-timer" in device.compatible:
            names = device.node.strings("interrupt-names") if device.node else ()
            at = names.index(name) if name in names else position
            return device.interrupts[at].number if at < len(device.interrupts) else 0
    return 0


def _redistributors(controller: InterruptController, order: dict[int, int]) -> dict[int, int]:
    node = controller.node
    regions = (node.u32("#redistributor-regions", 1) or 1) if node else 1
    stride = ((node.number("redistributor-stride", 0) or 0) if node else 0) or _FRAMES
    frames = [base + at for base, size in controller.registers[1:1 + regions] for at in range(0, size - stride + 1,
                                                                                              stride)]
    return {id: frames[at] for id, at in order.items() if at < len(frames)}
