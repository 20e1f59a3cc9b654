# SPDX-License-Identifier: Apache-2.0
"""What differs between architectures when an image is read: registers, tables, and where the code has their values."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from . import code_aarch64, code_riscv, walk_aarch64, walk_riscv
from .elf import MACHINES, Elf, NotAnImage
from .walk import Walk


@dataclass(frozen=True)
class Tree:
    """The tables that a register names. `problem`: why it names none, else ''."""
    register: int
    id: int                     # VMID; 0 for the hypervisor's own
    walk: Walk
    problem: str = ""


class Machine(Protocol):
    arch: str                   # as Board.arch

    def own(self) -> Tree:
        """The hypervisor's tables."""

    def guest(self, value: int) -> Tree:
        """A VM's, by vm_config.stage2."""

    def restart(self, value: int) -> Tree | None:
        """Those that are active while a VM is restarted, by vm_config.restore_table; None: its own as ever."""


class _Riscv:
    def __init__(self, elf: Elf) -> None:
        self.elf = elf
        self.arch = f"riscv{elf.bits}"

    def own(self) -> Tree:
        return self._tree(code_riscv.satp(self.elf), guest=False)

    def guest(self, value: int) -> Tree:
        return self._tree(value, guest=True)

    def restart(self, value: int) -> Tree | None:
        return None

    def _tree(self, value: int, guest: bool) -> Tree:
        root = walk_riscv.root(value, self.elf.bits, guest)
        return Tree(value, root.id, walk_riscv.walk(root, self.elf.read), root.problem)


class _Aarch64:
    def __init__(self, elf: Elf) -> None:
        self.elf = elf
        self.arch = "aarch64"
        self.constants = code_aarch64.constants(elf)
        self.stage1 = walk_aarch64.stage1(self.constants.tcr, self.constants.mair)
        self.stage2 = walk_aarch64.stage2(self.constants.vtcr)

    def own(self) -> Tree:
        return self._tree(self.stage1, self.constants.ttbr0)

    def guest(self, value: int) -> Tree:
        return self._tree(self.stage2, value)

    def restart(self, value: int) -> Tree | None:
        return self._tree(self.stage1, value) if value else None

    def _tree(self, regime: walk_aarch64.Regime, value: int) -> Tree:
        root = walk_aarch64.root(regime, value)
        return Tree(value, root.id, walk_aarch64.walk(root, self.elf.read), root.problem)


def machine(elf: Elf) -> Machine:
    """Raises NotAnImage."""
    name = MACHINES[elf.machine]
    if name == "RISC-V":
        return _Riscv(elf)
    if name == "AArch64" and elf.bits == 64:
        return _Aarch64(elf)
    raise NotAnImage(f"it is made for {name}, for which there is no Bulkhead yet")
