# SPDX-License-Identifier: Apache-2.0
"""The APLIC of a RISC-V board, with or without IMSICs, and the one that its guests see.

Sources: RISC-V Advanced Interrupt Architecture 1.0, sections 3.6 (where interrupt files lie: a hart's own, behind it those
of its guests), 4.5 (an interrupt domain's registers), 4.9.1 (what a hart index is); the kernel's bindings
interrupt-controller/riscv,aplic.yaml and riscv,imsics.yaml.
"""
from __future__ import annotations

from typing import Sequence

from ..board.model import Board, Cpu, InterruptController
from .failure import InternalError
from .layout import pages
from .model import PAGE, Irqchip, Mapping

KINDS = ("aplic", "aplic-imsic")

WINDOW = 0x8000                     # of the guest's APLIC: registers, then delivery control of up to 512 harts
WINDOW_AT = 0x0D00_0000             # where a guest for QEMU's `virt` looks for it,
FILES_AT = 0x2800_0000              # and for its harts' interrupt files, a page each
_GUEST_FILE = 1                     # which of a hart's guest files is its vCPU's (hstatus.VGEIN)


def lack(board: Board) -> str:
    """What the controller lacks, in words; '' for nothing."""
    controller = _controller(board)
    if controller.kind == "aplic-imsic" and not controller.guest_index_bits:
        return "the IMSICs have no interrupt files for guests (riscv,guest-index-bits)"
    return ""


def files_size(board: Board, vcpus: int) -> int:
    """Bytes of guest addresses that the interrupt files of a VM take; 0: there are none."""
    return vcpus * PAGE if _controller(board).kind == "aplic-imsic" else 0


def files_align(vcpus: int) -> int:
    """The first file lies at a multiple of what a hart index can name (section 3.6)."""
    return PAGE << (vcpus - 1).bit_length()


def guest_files(board: Board, cpus: Sequence[Cpu], ipa: int) -> tuple[Mapping, ...]:
    """The interrupt files of a VM's vCPUs, one behind the other from `ipa`. A VM that has them needs no hypervisor to send
    itself messages."""
    where = files(board)
    return tuple(Mapping(ipa + vcpu * PAGE, where[cpu.id], PAGE, "rw", "device", "interrupt files")
                 for vcpu, cpu in enumerate(cpus) if ipa)


def own_maps(board: Board, cpus: Sequence[Cpu]) -> list[Mapping]:
    """The S-level domain, and the guests' files: a doorbell is a write to one."""
    base, size = _controller(board).registers[0]
    where = files(board)
    return [Mapping(base, base, pages(size), "rw", "device", "interrupt controller"),
            *(Mapping(where[cpu.id], where[cpu.id], PAGE, "rw", "device", f"interrupt file for the guest of {cpu.name}")
              for cpu in cpus if cpu.id in where)]


def physical(board: Board) -> Irqchip:
    controller = _controller(board)
    msis = controller.ids + 1 if controller.kind == "aplic-imsic" else 0
    return Irqchip(controller.kind, *controller.registers[0], controller.sources, msis=msis)


def order(board: Board) -> dict[int, int]:
    """Hart index of each CPU at the APLIC, by CPU id."""
    controller = _controller(board)
    if controller.kind == "aplic":
        indexes = controller.node.cells("riscv,hart-indexes") if controller.node is not None else ()
        return {id: indexes[at] if at < len(indexes) else at for id, at in controller.contexts.items()}
    group_shift, group_bits, hart_bits = _index(controller)
    first, file_bits = min(base for base, _ in controller.imsic), 12 + controller.guest_index_bits
    found = {}
    for id, file in _own_files(controller).items():
        group = file >> group_shift & (1 << group_bits) - 1
        found[id] = group << hart_bits | (file - first) >> file_bits & (1 << hart_bits) - 1
    return found


def files(board: Board) -> dict[int, int]:
    """Physical address of the interrupt file for the guest of each CPU, by CPU id; {} without IMSICs."""
    controller = _controller(board)
    return {id: file + _GUEST_FILE * PAGE for id, file in _own_files(controller).items()}


def _own_files(controller: InterruptController) -> dict[int, int]:
    """Physical address of the S-level interrupt file of each CPU."""
    step = PAGE << controller.guest_index_bits
    starts = [base + at for base, size in controller.imsic for at in range(0, size // step * step, step)]
    return {id: starts[at] for id, at in controller.contexts.items() if at < len(starts)}


def _index(controller: InterruptController) -> tuple[int, int, int]:
    """(riscv,group-index-shift, riscv,group-index-bits, riscv,hart-index-bits), with the binding's defaults."""
    node = controller.imsic_node
    fallback = max(len(controller.contexts) - 1, 0).bit_length()
    if node is None:
        return 24, 0, fallback
    return (node.u32("riscv,group-index-shift", 24) or 24, node.u32("riscv,group-index-bits", 0) or 0,
            node.u32("riscv,hart-index-bits", fallback) or 0)


def _controller(board: Board) -> InterruptController:
    if board.controller is None:
        raise InternalError("the board has no interrupt controller, and no rule said so")
    return board.controller
