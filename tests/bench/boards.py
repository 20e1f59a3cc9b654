# SPDX-License-Identifier: Apache-2.0
"""The boards that are measured: one for each interrupt controller."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Board:
    key: str                        # 'aia': of the command line, of names below build/, of bao.py
    title: str
    name: str                       # of boards/, or a path relative to the repository
    clock: str                      # its real-time clock, the device that interrupts the guest
    swaps: tuple[tuple[str, str], ...] = ()  # in the run command: what the bare machine has otherwise
    direct: bool = False            # the VMs have their interrupts without the hypervisor

    @property
    def controller(self) -> str:
        """Key of the board with this interrupt controller."""
        return self.key.removesuffix("-direct")

    @property
    def is_arm(self) -> bool:
        return "aarch64" in self.name

    @property
    def firmware(self) -> tuple[int, int] | None:
        """Address and size of the firmware that serves calls; None: QEMU does that itself."""
        return None if self.is_arm else (0x8000_0000, 512 << 10)


_RISCV_CLOCK = "rtc@101000"
_ARM_CLOCK = "pl031@9010000"
_ARM_BARE = (("virtualization=on,", ""),)

BOARDS = (
    Board("plic", "RISC-V, PLIC", "qemu-riscv64-virt", _RISCV_CLOCK),
    Board("aplic", "RISC-V, APLIC", "qemu-riscv64-virt-aplic", _RISCV_CLOCK),
    Board("aia", "RISC-V, APLIC and IMSIC", "qemu-riscv64-virt-aia", _RISCV_CLOCK, swaps=((",aia-guests=3", ""),)),
    Board("no-sstc", "RISC-V, PLIC, without Sstc", "tests/boards/qemu-riscv64-virt-no-sstc/board.yaml", _RISCV_CLOCK),
    Board("gicv2", "AArch64, GICv2", "qemu-aarch64-virt-gicv2", _ARM_CLOCK, swaps=_ARM_BARE),
    Board("gicv3", "AArch64, GICv3", "qemu-aarch64-virt-gicv3", _ARM_CLOCK, swaps=_ARM_BARE),
    Board("gicv3-direct", "AArch64, GICv3, direct interrupts", "qemu-aarch64-virt-gicv3", _ARM_CLOCK, swaps=_ARM_BARE,
          direct=True),
)
