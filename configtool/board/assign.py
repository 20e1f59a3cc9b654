# SPDX-License-Identifier: Apache-2.0
"""Which devices can be given to a VM at all, and what giving one means for memory."""
from __future__ import annotations

from .model import Board, Device

# Kinds that the hypervisor keeps or that act on the whole machine, and why no VM can have them.
KEPT = {
    "interrupt-controller": "the hypervisor keeps it: whoever programs it takes any interrupt",
    "iommu": "the hypervisor keeps it: whoever programs it lets devices reach all memory",
    "timer": "each VM has a timer of its own; this one is the CPUs'",
    "pmu": "it counts on the CPUs themselves, and comes with them",
    "clint": "it belongs to the firmware: whoever programs it interrupts any CPU",
    "power": "it powers off or resets the whole board; a guest's own reset and power-off go through firmware calls and "
             "act on its VM alone",
}

# IOMMUs that the hypervisor has a driver for, by compatible. A device behind another one is as good as unguarded.
DRIVEN_IOMMUS: frozenset[str] = frozenset()


def guarded(board: Board, device: Device) -> bool:
    """Whether an IOMMU that the hypervisor drives stands between the device and memory."""
    paths = {path for path, _ in device.iommus}
    return bool(paths) and all(any(c in DRIVEN_IOMMUS for c in d.compatible) for d in board.devices if d.path in paths)


def reaches_all_memory(board: Board, device: Device) -> bool | None:
    """Whether the device can read and write memory that is not its VM's. None: nobody knows."""
    return False if guarded(board, device) else device.dma_master


def in_rest(board: Board, device: Device) -> bool:
    """Whether `devices: {rest: true}` may give it. One that reaches all memory has to be listed, with `dma: trusted`.
    """
    return (device.kind == "device" and device.enabled and bool(device.registers) and not device.problems
            and reaches_all_memory(board, device) is not True)
