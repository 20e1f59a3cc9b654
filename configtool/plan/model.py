# SPDX-License-Identifier: Apache-2.0
"""The plan: every number of a system, decided. Emitters read this and nothing else; `configtool plan --json` prints it.

All values are frozen. Addresses and sizes are bytes: `ipa` is guest-physical, `phys` host-physical. Tuples are sorted
as their comments say, so that equal input gives equal output. `line` is the line in the system's YAML that a thing
comes from (0: nothing in the YAML, it is a default), for the comments in config.c and for fault reports.
"""
from __future__ import annotations

from dataclasses import dataclass

PAGE = 4096


@dataclass(frozen=True)
class Range:
    base: int
    size: int

    @property
    def end(self) -> int:
        return self.base + self.size


@dataclass(frozen=True)
class Payload:
    """Bytes that lie in the image: a guest image, an initrd, a DTB. `data` is padded to whole pages; JSON shows its
    hash."""
    name: str                       # 'control-image0', 'linux-dtb', 'linux-initrd': a file name and symbol, unique
    phys: int                       # page aligned
    data: bytes
    source: str = ""                # file it was made from, as the user wrote it
    line: int = 0


@dataclass(frozen=True)
class Mapping:
    """One extent of a VM's stage-2 address space. Page aligned, never overlapping another of the same VM."""
    ipa: int
    phys: int
    size: int
    access: str                     # 'r', 'rw', 'rx', 'rwx'
    kind: str                       # 'ram', 'image', 'dtb', 'initrd', 'device', 'channel'
    name: str                       # in the YAML's words: 'memory.ram', 'devices: rtc@101000', 'channels.telemetry'
    line: int = 0

    @property
    def end(self) -> int:
        return self.ipa + self.size


@dataclass(frozen=True)
class Window:
    """Guest addresses that trap to a virtual device; page aligned, unmapped in stage 2."""
    ipa: int
    size: int
    kind: str                       # 'plic', 'gic', 'uart', 'doorbell'
    index: int                      # doorbell: index of the channel end in the VM; else 0
    name: str
    line: int = 0


@dataclass(frozen=True)
class Line:
    """An interrupt of a VM's virtual controller."""
    guest: int                      # number in the virtual controller
    physical: int                   # source of the physical controller, 0: raised by the hypervisor
    trigger: str                    # 'level-high', 'edge-rising', ...
    name: str                       # 'devices: rtc@101000', 'console', 'channels.telemetry'
    line: int = 0


@dataclass(frozen=True)
class ChannelEnd:
    """One VM's end of a channel. Its position in VmPlan.channels is the IPC index of the hypercall."""
    channel: str
    ipa: int                        # of the whole shared memory
    size: int
    read: Range                     # offset and size of what this VM reads; size 0: nothing
    write: Range                    # offset and size of what this VM may write; size 0: nothing
    doorbell_ipa: int               # doorbell page, 0: this end does not ring
    interrupt: int                  # guest interrupt number raised here, 0: this end is never rung
    rings: tuple[tuple[int, int], ...]   # (vm index, guest interrupt) of those that a doorbell of this end raises
    line: int = 0


@dataclass(frozen=True)
class Property:
    """A device-tree property: name and its big-endian bytes; `text` is how the DTS shows it (`<0x1 0x2>`, `"okay"`)."""
    name: str
    value: bytes
    text: str


@dataclass(frozen=True)
class TreeNode:
    name: str                       # '' for the root, 'cpu@0'
    properties: tuple[Property, ...]
    children: tuple["TreeNode", ...]


@dataclass(frozen=True)
class CpuPlan:
    """A physical CPU that the plan uses; its position in Plan.cpus is its index."""
    id: int                         # hart id or MPIDR
    name: str                       # 'cpu@3'
    vm: int                         # index of the VM that owns it
    vcpu: int
    stack: Range                    # of the hypervisor; the page below is unmapped
    context: int = 0                # S-mode context at the PLIC
    hart_index: int = 0             # at the APLIC and IMSIC; on a GICv2 the number of its CPU interface
    guest_file: int = 0             # physical page of the interrupt file that the vCPU owns, 0: no IMSIC
    gicr: int = 0                   # GICv3: physical address of its redistributor
    hstateen0: int = 0              # RISC-V: what its guest may use of guarded state, 0: the CPU has no such register
    release: int = 0                # physical address of its word in the spin table, 0: firmware starts it


@dataclass(frozen=True)
class Policy:
    """What follows a fault, a reset or a power-off of a VM's own."""
    action: str = "stop"            # 'stop', 'restart', 'halt-system'
    at_most: int = 0                # restarts within `within`, 0: any number
    within: int = 0                 # ticks of the time counter
    then: str = "stop"              # what follows the last of them


@dataclass(frozen=True)
class Restore:
    """Memory that a restart puts back; whole pages."""
    ipa: int
    size: int
    source: int                     # physical address of the pristine copy (a Payload of its own), 0: zeros
    phys: int = 0                   # of the memory itself


@dataclass(frozen=True)
class Extent:
    """A region of a VM as its YAML has it, whatever the mappings that make it up."""
    name: str                       # 'ram'
    ipa: int
    size: int
    access: str
    line: int

    @property
    def end(self) -> int:
        return self.ipa + self.size


@dataclass(frozen=True)
class VmPlan:
    name: str
    index: int
    vmid: int                       # index + 1
    criticality: int
    line: int
    cpus: tuple[int, ...]           # CPU index of vCPU 0, 1, ...
    entry: int                      # IPA
    dtb: int                        # IPA of the device tree, 0: none
    console: str                    # 'virtual' or 'none'
    maps: tuple[Mapping, ...]       # sorted by ipa
    windows: tuple[Window, ...]     # sorted by ipa
    lines: tuple[Line, ...]         # sorted by guest number
    channels: tuple[ChannelEnd, ...]     # sorted by the channel's order in the YAML
    isa: tuple[str, ...]            # extensions that the guest sees
    tree: TreeNode | None           # the guest's device tree; None: `devicetree: none` or its own
    table: int                      # physical address of the stage-2 root
    uart_line: int = 0              # guest interrupt of the virtual UART
    on_fault: Policy = Policy()
    on_reset: Policy = Policy()
    on_poweroff: Policy = Policy()
    restores: tuple[Restore, ...] = ()   # sorted by ipa; empty unless a policy restarts the VM
    regions: tuple[Extent, ...] = ()     # in the order of the YAML
    left_out: tuple[str, ...] = ()       # what its devices have on the board and not in `tree`, a line for each
    direct: bool = False            # GICv3: its interrupts reach it without the hypervisor
    restore_table: int = 0          # AArch64: physical address of the tables that the hypervisor restarts it with


@dataclass(frozen=True)
class Console:
    driver: str                     # 'ns16550a', 'sifive-uart': a file of hypervisor/drivers
    base: int
    size: int
    interrupt: int                  # physical source, 0: output only
    reg_shift: int
    reg_width: int                  # bytes: 1, 2, 4
    cpu: int                        # CPU index that takes its interrupt
    name: str
    line: int = 0


@dataclass(frozen=True)
class HypervisorPlan:
    """The hypervisor's own memory, in this order from the load address; each range is whole pages."""
    load: int
    text: Range                     # header, code: R X
    rodata: Range                   # constants, config: R
    data: Range                     # data and bss: R W
    stacks: Range                   # per CPU an unmapped page, then its stack
    tables: Range                   # the blob: the hypervisor's own tables, then each VM's; mapped nowhere
    root: int                       # physical address of the root of its own tables
    window_end: int                 # end of all that (tables.end)
    devices: tuple[Mapping, ...]    # device pages that the hypervisor maps for itself (ipa == phys): UART, PLIC
    copies: tuple[Mapping, ...] = ()    # pristine copies of images that it maps to read them, likewise; by address


@dataclass(frozen=True)
class Irqchip:
    kind: str                       # 'plic', 'aplic' (direct), 'aplic-imsic' (MSIs), 'gicv2', 'gicv3'
    base: int                       # of a GIC: the distributor
    size: int
    sources: int                    # highest source number
    msis: int = 0                   # identities of an interrupt file, 0 included; 0: no IMSIC
    edges: tuple[int, ...] = ()     # GIC: sources in use that are edge-triggered, sorted
    maintenance: int = 0            # GIC: INTID of the maintenance interrupt
    timer: int = 0                  # GIC: INTID of the hypervisor's timer; 0: it uses none
    gicc: int = 0                   # GICv2: physical address of the CPU interface
    gich: int = 0                   # GICv2: of the virtual interface control
    one_security_state: bool = False    # GICv3: Group 0 is the hypervisor's


@dataclass(frozen=True)
class Bank:
    base: int
    size: int
    probe: int                      # last word of it that the plan uses: the hypervisor reads it at boot; 0: unused


@dataclass(frozen=True)
class Use:
    """Who has which physical memory: the whole of every bank, in order, without holes."""
    base: int
    size: int
    owner: str                      # 'OpenSBI', 'hypervisor', 'control: memory.ram', 'free'


@dataclass(frozen=True)
class Plan:
    name: str                       # of the system
    file: str                       # base name of the YAML file
    board: str
    arch: str                       # 'riscv64'
    stage2: str                     # 'sv39x4', 'sv48x4'
    stage1: str                     # of the hypervisor: 'sv39'
    timebase: int                   # Hz
    sstc: bool                      # every CPU used has it
    henvcfg: int                    # value for each CPU
    hypervisor: HypervisorPlan
    cpus: tuple[CpuPlan, ...]       # sorted by id
    vms: tuple[VmPlan, ...]         # in the order of the YAML
    payloads: tuple[Payload, ...]   # sorted by phys
    console: Console | None
    irqchip: Irqchip
    irq_owner: tuple[tuple[int, int, int],
                     ...]   # (physical source, vm index or -1 for the hypervisor, guest number), sorted
    banks: tuple[Bank, ...]
    uses: tuple[Use, ...]
    run: tuple[str, ...]            # board's run command
    parts: tuple[str, ...] = ()     # files of hypervisor/parts that the system needs, sorted
    stats: bool = False             # the hypervisor prints its exit counters at the end
