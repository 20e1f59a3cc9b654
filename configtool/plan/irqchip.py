# SPDX-License-Identifier: Apache-2.0
"""Interrupt controllers, by the kind that the board has: what the hypervisor drives, and what its guests see."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Collection, Sequence

from ..board.model import Board, Cpu
from . import irqchip_aplic as aplic, irqchip_gic as gic
from .arch import Arch
from .layout import pages
from .model import PAGE, Irqchip, Line, Mapping

KINDS = ("plic", *aplic.KINDS, *gic.KINDS)            # those that a plan can be made for


@dataclass(frozen=True)
class Virtual:
    """The controller of a VM, wherever it will be."""
    kind: str                           # of its Window
    window: int                         # bytes that trap
    room: int                           # bytes of guest addresses that it takes in all
    align: int
    at: int                             # where a guest looks for it
    files: int = 0                      # bytes of guest addresses for the vCPUs' interrupt files, 0: it has none
    files_align: int = PAGE
    files_at: int = aplic.FILES_AT


def virtual(board: Board, arch: Arch, vcpus: int) -> Virtual:
    kind = _kind(board)
    if kind in gic.KINDS:
        return Virtual("gic", gic.window_size(kind, vcpus), gic.room(kind, vcpus), arch.irqchip_size,
                       arch.irqchip)
    if kind in aplic.KINDS:
        return Virtual("aplic", aplic.WINDOW, aplic.WINDOW, aplic.WINDOW, aplic.WINDOW_AT, aplic.files_size(board, vcpus),
                       aplic.files_align(vcpus))
    return Virtual("plic", arch.irqchip_size, arch.irqchip_size, arch.irqchip_size & -arch.irqchip_size, arch.irqchip)


def guest_maps(board: Board, cpus: Sequence[Cpu], ipa: int, files: int) -> tuple[Mapping, ...]:
    """Registers of the hardware that a VM has itself, where its controller is at `ipa` and its interrupt files are at
    `files`. `cpus`: the VM's, in vCPU order."""
    if _kind(board) in aplic.KINDS:
        return aplic.guest_files(board, cpus, files)
    return gic.guest_maps(board, ipa) if _kind(board) in gic.KINDS else ()


def has_files(board: Board) -> bool:
    """Whether vCPUs have interrupt files of their own."""
    return _kind(board) in aplic.KINDS and aplic.files_size(board, 1) != 0


def lack(board: Board) -> str:
    """What the board's controller lacks for guests, in words; '' for nothing."""
    return aplic.lack(board) if _kind(board) in aplic.KINDS else ""


def fixed_lines(board: Board) -> tuple[Line, ...]:
    """Interrupts that every VM has."""
    return (gic.timer_line(board),) if _kind(board) in gic.KINDS else ()


def own_maps(board: Board, cpus: Sequence[Cpu]) -> list[Mapping]:
    """Pages that the hypervisor maps for itself. `cpus`: those that it runs on."""
    if _kind(board) in gic.KINDS:
        return gic.own_maps(board, list(cpus))
    if _kind(board) in aplic.KINDS:
        return aplic.own_maps(board, cpus)
    registers = board.controller.registers[:1] if board.controller is not None else ()
    return [Mapping(base, base, pages(size), "rw", "device", "interrupt controller") for base, size in registers]


def spares(board: Board) -> list[int]:
    """Sources that no device of the board has, for the virtual lines of VMs that have their interrupts themselves."""
    return gic.spares(board) if _kind(board) == "gicv3" else []


def physical(board: Board, edges: tuple[int, ...], timer: bool, virtual: Collection[int] = ()) -> Irqchip:
    """`edges`: sources in use that are edge-triggered; `timer`: the hypervisor uses a timer of its own. `virtual`:
    sources that stand for virtual lines."""
    if _kind(board) in gic.KINDS:
        return gic.physical(board, edges, timer, virtual)
    if _kind(board) in aplic.KINDS:
        return aplic.physical(board)
    controller = board.controller
    base, size = controller.registers[0] if controller is not None else (0, 0)
    return Irqchip(_kind(board), base, size, controller.sources if controller is not None else 0)


def state_size(board: Board, vcpus: int, words: int) -> int:
    """Bytes of a VM's controller in the hypervisor, at most, where layout.DATA_VM does not hold it. `vcpus`: of the
    largest VM; `words`: of 32 guest interrupts each."""
    return gic.state_size(vcpus, words) if _kind(board) in gic.KINDS else 0


def has_owner(board: Board, source: int) -> bool:
    """Whether a physical source belongs to one VM: not those that each CPU has for itself."""
    return _kind(board) not in gic.KINDS or source >= gic.SPI


@dataclass(frozen=True)
class Places:
    """What the controller calls each CPU, by CPU id."""
    contexts: dict[int, int] = field(default_factory=dict)          # at the PLIC
    order: dict[int, int] = field(default_factory=dict)             # GIC: CPU interface; APLIC: hart index
    redistributors: dict[int, int] = field(default_factory=dict)    # GICv3: address
    files: dict[int, int] = field(default_factory=dict)             # IMSIC: address of the file for its guest


def places(board: Board) -> Places:
    if _kind(board) in gic.KINDS:
        return Places(order=gic.order(board), redistributors=gic.redistributors(board))
    if _kind(board) in aplic.KINDS:
        return Places(order=aplic.order(board), files=aplic.files(board))
    return Places(contexts=dict(board.controller.contexts) if board.controller is not None else {})


def _kind(board: Board) -> str:
    return board.controller.kind if board.controller is not None else ""
