# SPDX-License-Identifier: Apache-2.0
"""Facts of the architectures that the plan needs: one row each. Nothing else in plan/ tests for an architecture's name,
but plan/tree_<arch>.py, which writes its guests' device trees.

Sources: RISC-V Privileged Architecture, "Sv32", "Sv39", "Sv48", and "Two-Stage Address Translation" (Sv32x4, Sv39x4,
Sv48x4: the root is four times as large, 16 KiB, and aligned to its size); Arm Architecture Reference Manual (DDI 0487),
"Translation table walk", and "Concatenated translation tables" (a stage 2 may start at level 1 with several tables one
behind the other in place of a level above); QEMU's `virt` machines for the addresses that guests know.
"""
from __future__ import annotations

from dataclasses import dataclass

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class TableFormat:
    """A format of translation tables. Level 0 is the one of pages; the root is the last level."""
    name: str
    reach: int                      # first address that it cannot translate
    leaves: tuple[int, ...]         # bytes that an entry maps, by level: 4 KiB, 2 MiB, 1 GiB
    root_entries: int
    entries: int                    # of every other node
    entry_size: int                 # bytes
    bits: int                       # size of virtual or guest addresses that a CPU has to have for it

    @property
    def levels(self) -> int:
        return len(self.leaves)

    @property
    def root_size(self) -> int:
        return self.root_entries * self.entry_size

    @property
    def node_size(self) -> int:
        return self.entries * self.entry_size


@dataclass(frozen=True)
class Arch:
    name: str
    stage1: tuple[TableFormat, ...]     # of the hypervisor, smallest first
    stage2: tuple[TableFormat, ...]     # of guests, smallest first
    word: int                           # bytes of a register
    ram: int                            # IPA of a guest's RAM where nothing says otherwise
    irqchip: int                        # IPA of the virtual interrupt controller
    irqchip_size: int
    uart: int                           # IPA of the virtual UART
    uart_size: int
    uart_interrupt: int                 # guest interrupt of it, where no device has that number
    channels: int                       # IPA from where channels and their doorbell pages are placed
    interrupts: int                     # first number given to doorbells
    image_align: int                    # a Linux kernel lies at a multiple of this + text_offset
    elf_machine: int                    # e_machine
    elf_class: int                      # word size of an ELF image: 32 or 64
    code: int                           # bytes for the hypervisor's: header of the Linux Image form, entry, code
    fixed: int = 1                  # pages at the load address that run without the hypervisor's tables: the entry; Arm:
                                    # what reads a guest's word with the MMU off, and the vectors that it may fault to
    restore_tables: bool = False        # the hypervisor reaches guest memory only through a second table of its own


_SIZES64 = (4 * KIB, 2 * MIB, GIB, 512 * GIB)

# The hypervisor's tables map virtual = physical and so use the lower half only.
SV39 = TableFormat("sv39", 1 << 38, _SIZES64[:3], 512, 512, 8, 39)
SV48 = TableFormat("sv48", 1 << 47, _SIZES64, 512, 512, 8, 48)
SV39X4 = TableFormat("sv39x4", 1 << 41, _SIZES64[:3], 2048, 512, 8, 39)
SV48X4 = TableFormat("sv48x4", 1 << 50, _SIZES64, 2048, 512, 8, 48)
SV32 = TableFormat("sv32", 1 << 32, (4 * KIB, 4 * MIB), 1024, 1024, 4, 32)
SV32X4 = TableFormat("sv32x4", 1 << 34, (4 * KIB, 4 * MIB), 4096, 1024, 4, 32)

# Stage 1 of EL2 and stage 2, 4 KiB granule. Arm's level 1 is the third from below. The root of STAGE2_40 is two tables.
EL2_39 = TableFormat("el2-39bit", 1 << 39, _SIZES64[:3], 512, 512, 8, 39)
EL2_48 = TableFormat("el2-48bit", 1 << 48, _SIZES64, 512, 512, 8, 40)
STAGE2_39 = TableFormat("stage2-39bit", 1 << 39, _SIZES64[:3], 512, 512, 8, 39)
STAGE2_40 = TableFormat("stage2-40bit", 1 << 40, _SIZES64[:3], 1024, 512, 8, 40)

FORMATS = {f.name: f for f in (SV39, SV48, SV39X4, SV48X4, SV32, SV32X4, EL2_39, EL2_48, STAGE2_39, STAGE2_40)}

ARCHS = {a.name: a for a in (
    Arch("riscv64", (SV39, SV48), (SV39X4, SV48X4), 8, ram=0x8000_0000, irqchip=0x0c00_0000, irqchip_size=0x60_0000,
         uart=0x1000_0000, uart_size=0x1000, uart_interrupt=10, channels=0x7000_0000, interrupts=32,
         image_align=2 * MIB, elf_machine=243, elf_class=64, code=0x8000),
    Arch("riscv32", (SV32,), (SV32X4,), 4, ram=0x8000_0000, irqchip=0x0c00_0000, irqchip_size=0x60_0000,
         uart=0x1000_0000, uart_size=0x1000, uart_interrupt=10, channels=0x7000_0000, interrupts=32,
         image_align=4 * MIB, elf_machine=243, elf_class=32, code=0x8000),
    Arch("aarch64", (EL2_39, EL2_48), (STAGE2_39, STAGE2_40), 8, ram=0x4000_0000, irqchip=0x0800_0000,
         irqchip_size=0x1_0000, uart=0x0900_0000, uart_size=0x1000, uart_interrupt=33, channels=0x3000_0000,
         interrupts=32, image_align=2 * MIB, elf_machine=183, elf_class=64, code=0x1_0000,
         fixed=2, restore_tables=True),
)}
