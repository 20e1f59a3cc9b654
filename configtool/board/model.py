# SPDX-License-Identifier: Apache-2.0
"""What configtool knows of a board: the meaning of its device tree and board.yaml, without their syntax.

Addresses and sizes are CPU-physical bytes, already translated through every `ranges` on the way. Interrupt numbers are
the controller's own: PLIC and APLIC sources; INTIDs on a GIC (SPI n is 32 + n, PPI n is 16 + n).
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from ..source import Span
from .dts import DeviceTree, Node


@dataclass(frozen=True)
class Cpu:
    index: int                      # position among the usable and unusable CPUs of the DTS, from 0
    name: str                       # 'cpu@3'
    path: str                       # '/cpus/cpu@3'
    label: str | None
    id: int                         # hart id, or MPIDR affinity bits
    span: Span
    enabled: bool                   # status okay
    compatible: tuple[str, ...]
    isa: tuple[str, ...] = ()       # RISC-V: lower-case extensions, 'i', 'm', ..., 'sstc'
    isa_base: str = ""              # 'rv64i', 'rv32i'
    mmu_type: str = ""              # 'riscv,sv57'
    cluster: str | None = None      # 'cluster0', from cpu-map
    enable_method: str = ""         # Arm: 'psci', 'spin-table'
    release_addr: int | None = None
    node: Node | None = None
    core: str = ""                  # 'cortex-a53'; RISC-V boards often say no more than 'riscv'
    virtualisation: bool = True     # has the H extension, EL2


@dataclass(frozen=True)
class MemoryBank:
    base: int
    size: int
    span: Span
    name: str = "memory"            # node name

    @property
    def end(self) -> int:
        return self.base + self.size


@dataclass(frozen=True)
class Reserved:
    """Memory that is RAM but nobody's: firmware, /reserved-memory, /memreserve/."""
    name: str                       # 'OpenSBI', 'mmode_resv0@80000000'
    base: int
    size: int
    span: Span
    kind: str = "reserved"          # 'firmware' or 'reserved'

    @property
    def end(self) -> int:
        return self.base + self.size


@dataclass(frozen=True)
class Interrupt:
    number: int                     # in the controller's numbering (see the module text)
    trigger: str                    # 'level-high', 'level-low', 'edge-rising', 'edge-falling', 'unknown'
    controller: str                 # path of the interrupt controller
    span: Span | None = None


@dataclass(frozen=True)
class Device:
    name: str                       # node name: 'rtc@101000'
    path: str
    label: str | None
    aliases: tuple[str, ...]
    span: Span                      # of the node
    compatible: tuple[str, ...]
    enabled: bool
    registers: tuple[tuple[int, int], ...]      # (base, size) CPU-physical
    interrupts: tuple[Interrupt, ...]
    kind: str = "device"            # 'device', 'interrupt-controller', 'iommu', 'timer', 'pmu', 'clint', 'pci',
                                    # 'bus', 'power'
    dma_master: bool | None = None  # True: masters memory; None: not known from its compatible
    iommus: tuple[tuple[str, int], ...] = ()    # (path of the IOMMU, stream id)
    depends: tuple[tuple[str, str], ...] = ()   # (what: 'clocks', 'resets', ..., path of the provider)
    node: Node | None = None
    problems: tuple[tuple[str, Span], ...] = ()  # what cannot be read in the node: it cannot be given to a VM
    windows: tuple[tuple[int, int], ...] = ()   # PCI host bridge: (base, size) through which the CPU reaches its bus


@dataclass(frozen=True)
class InterruptController:
    kind: str                       # 'plic', 'aplic', 'aplic-imsic', 'gicv2', 'gicv3'
    path: str
    span: Span
    registers: tuple[tuple[int, int], ...]
    sources: int                    # PLIC ndev, APLIC num-sources, GIC SPIs
    contexts: Mapping[int, int] = field(default_factory=dict)   # cpu id (hart) -> S-mode context, IDC or interrupt file
    its: tuple[tuple[int, int], ...] = ()
    node: Node | None = None
    imsic: tuple[tuple[int, int], ...] = ()     # S-level interrupt files, by group
    imsic_node: Node | None = None
    ids: int = 0                    # IMSIC: interrupt identities of each file
    guest_index_bits: int = 0       # IMSIC: log2 of the files (its own and the guests') of each hart
    virtual: bool = True            # GIC: has the registers of the virtual CPU interface


@dataclass(frozen=True)
class Cache:
    name: str
    level: int
    size: int
    line: int
    sets: int
    cpus: tuple[int, ...]           # indexes of Cpu that share it
    unified: bool
    span: Span
    index: str = "modulo"           # of its sets: 'modulo' (bits of the address) or 'hashed'
    model: bool = False             # board.yaml describes it for a machine that has none

    @property
    def ways(self) -> int:
        """0: not known."""
        return self.size // (self.sets * self.line) if self.sets and self.line else 0

    @property
    def holds_data(self) -> bool:
        return self.unified or not self.name.endswith(" instruction")

    @property
    def colors(self) -> int:
        """Groups of 4 KiB pages that cannot evict one another: the pages of one way. 0: not known."""
        return self.sets * self.line // 4096


@dataclass(frozen=True)
class Event:
    """What a kind of CPU counts of what it takes from memory, as board.yaml has it."""
    core: str                       # as Cpu.core; 'default' for all others
    span: Span                      # of the event's name or number
    name: str                       # as written
    code: int                       # Arm: the number of the event; RISC-V: event_idx of SBI's PMU extension
    data: int                       # RISC-V: the hart's event selector, where event_idx is a raw one
    bytes: int                      # one event takes so many bytes at most
    stand_in: bool                  # it is none of memory


@dataclass(frozen=True)
class BoardBandwidth:
    """`bandwidth:` of board.yaml."""
    span: Span
    capacity: int                   # bytes in a second
    capacity_span: Span
    events: tuple[Event, ...]
    guests_keep: bool               # a guest with a budget has the counters that the hypervisor does not take
    counter: int                    # RISC-V: number of the hpmcounter that it takes

    def event(self, core: str) -> Event | None:
        found = {event.core: event for event in self.events}
        return found.get(core) or found.get("default")


@dataclass(frozen=True)
class Board:
    name: str                       # 'qemu-riscv64-virt'
    directory: str | None           # folder of board.yaml
    dts: str                        # file read
    arch: str                       # 'riscv64', 'riscv32', 'aarch64', 'armv7'
    description: str
    load: int                       # address where the image is put, from board.yaml
    load_span: Span
    boot: str                       # 'sbi', 'linux-image', ...
    cpus: tuple[Cpu, ...]
    memory: tuple[MemoryBank, ...]
    reserved: tuple[Reserved, ...]  # firmware and reserved memory, sorted by base
    devices: tuple[Device, ...]     # every node with registers or interrupts, in tree order
    controller: InterruptController | None
    caches: tuple[Cache, ...]
    timebase: int                   # Hz: RISC-V timebase-frequency; 0 elsewhere
    console: str | None             # path of stdout-path's device
    console_options: str = ""       # '115200n8'
    run: tuple[str, ...] = ()       # command and arguments; '{bin}' and '{elf}' are replaced
    run_notes: str = ""
    keeps_ram: bool = False         # memory has what it had after a warm reset
    root: Node | None = None        # the whole tree
    yaml_span: Span | None = None
    tree: DeviceTree | None = None  # with look-up by phandle, label and alias
    psci: str = ""                  # Arm: 'smc' or 'hvc', '' where there is none
    clocks: tuple[tuple[str, tuple[int, ...], int], ...] = ()   # (path of the provider, its arguments, Hz) as
                                    # board.yaml states them; arguments () stand for all clocks of the provider
    security_states: int = 2        # of a GIC, as board.yaml says: with 1, Group 0 is the hypervisor's
    bandwidth: BoardBandwidth | None = None

    def device(self, name: str) -> "Device | None":
        """A device by label, alias, path or node name. None when there is none, or several with that node name."""
        for d in self.devices:
            if d.path == name or d.label == name or name in d.aliases:
                return d
        found = [d for d in self.devices if d.name == name]
        return found[0] if len(found) == 1 else None
