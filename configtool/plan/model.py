# SPDX-License-Identifier: Apache-2.0
"""The plan: every number of a system, decided. Emitters read this and nothing else; `configtool plan --json` prints it.

All values are frozen. Addresses and sizes are bytes: `ipa` is guest-physical, `phys` host-physical. Tuples are sorted
as their comments say, so that equal input gives equal output. `line` is the line in the system's YAML that a thing
comes from (0: nothing in the YAML, it is a default), for the comments in config.c and for fault reports.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator

PAGE = 4096


def _quiet(default: Any) -> Any:
    """A field that `plan --json` shows only where it differs from its default."""
    return field(default=default, metadata={"quiet": True})


@dataclass(frozen=True)
class Range:
    base: int
    size: int

    @property
    def end(self) -> int:
        return self.base + self.size


@dataclass(frozen=True)
class Stripe:
    """Pages in a row of certain colours: `size` bytes of them, from the page at `base` on. A page's colour is its number
    modulo `among`. Without colours: all pages."""
    base: int
    size: int
    colors: tuple[int, ...] = ()
    among: int = 0

    def runs(self) -> Iterator[tuple[int, int]]:
        """(base, size) of each piece of physical memory that is in one piece; by address."""
        if not self.colors:
            yield self.base, self.size
            return
        rows: list[list[int]] = []          # (first colour, how many in a row)
        for color in self.colors:
            if rows and rows[-1][0] + rows[-1][1] == color:
                rows[-1][1] += 1
            else:
                rows.append([color, 1])
        first, left = self.base // PAGE, self.size // PAGE
        period = first - first % self.among
        while left:
            for color, count in rows:
                start = max(period + color, first)
                length = min(period + color + count - start, left)
                if length > 0:
                    yield start * PAGE, length * PAGE
                    left -= length
            period += self.among

    def part(self, offset: int, size: int) -> "Stripe":
        """Of it the pages from a byte offset on."""
        if not self.colors:
            return Stripe(self.base + offset, size)
        return Stripe(Stripe(self.base, offset + PAGE, self.colors, self.among).end - PAGE, size, self.colors, self.among)

    @property
    def end(self) -> int:
        """Just above its last page."""
        if not self.colors:
            return self.base + self.size
        first, left = self.base // PAGE, self.size // PAGE
        before = sum(c < first % self.among for c in self.colors)      # of the first period
        periods, place = divmod(before + left - 1, len(self.colors))
        return (first - first % self.among + periods * self.among + self.colors[place] + 1) * PAGE


def cut(stripes: tuple[Stripe, ...], offset: int, size: int) -> tuple[Stripe, ...]:
    """Of stripes one behind the other the pages from a byte offset on."""
    found = []
    for stripe in stripes:
        low, high = max(offset, 0), min(offset + size, stripe.size)
        if low < high:
            found.append(stripe.part(low, high - low))
        offset -= stripe.size
    return tuple(found)


@dataclass(frozen=True)
class Payload:
    """Bytes that lie in the image: a guest image, an initrd, a DTB. `data` is padded to whole pages; JSON shows its
    hash."""
    name: str                       # 'control-image0', 'linux-dtb', 'linux-initrd': a file name and symbol, unique
    phys: int                       # page aligned
    data: bytes
    source: str = ""                # file it was made from, as the user wrote it
    line: int = 0
    stripes: tuple[Stripe, ...] = _quiet(())        # where it lies, if not in one piece at phys

    @property
    def places(self) -> tuple[Stripe, ...]:
        return self.stripes or (Stripe(self.phys, len(self.data)),)


@dataclass(frozen=True)
class Mapping:
    """One extent of a VM's stage-2 address space. Page aligned, never overlapping another of the same VM. With colours it
    is of pages of these colours alone, from `phys` on."""
    ipa: int
    phys: int
    size: int
    access: str                     # 'r', 'rw', 'rx', 'rwx'
    kind: str                       # 'ram', 'image', 'dtb', 'initrd', 'device', 'channel'
    name: str                       # in the YAML's words: 'memory.ram', 'devices: rtc@101000', 'channels.telemetry'
    line: int = 0
    colors: tuple[int, ...] = _quiet(())
    among: int = _quiet(0)

    @property
    def end(self) -> int:
        return self.ipa + self.size

    @property
    def stripe(self) -> Stripe:
        return Stripe(self.phys, self.size, self.colors, self.among)

    @property
    def phys_end(self) -> int:
        return self.stripe.end if self.colors else self.phys + self.size

    def pieces(self) -> Iterator[tuple[int, int, int]]:
        """(ipa, phys, size) of each part that is physically in one piece."""
        ipa = self.ipa
        for phys, size in self.stripe.runs():
            yield ipa, phys, size
            ipa += size


def mapped(ipa: int, stripes: tuple[Stripe, ...], access: str, kind: str, name: str, line: int = 0) -> list[Mapping]:
    """Stripes one behind the other from an address on."""
    found = []
    for s in stripes:
        found.append(Mapping(ipa, s.base, s.size, access, kind, name, line, s.colors, s.among))
        ipa += s.size
    return found


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
class WatchdogPlan:
    """What becomes of a VM that gives no sign of life; ticks of the time counter."""
    timeout: int
    start: int                      # from its start to its first sign
    policy: Policy


@dataclass(frozen=True)
class Restore:
    """Memory that a restart puts back; whole pages."""
    ipa: int
    size: int
    source: int                     # where the hypervisor reads the pristine copy (a Payload of its own), 0: zeros
    to: int = 0                     # AArch64: where it reaches the memory itself, by restore_table


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
class FirmwareRow:
    """Calls that go on to the board's firmware: one function, each half of x1 to x3 (w1, h1, w2, ...) in its range."""
    function: int
    low: tuple[int, ...]
    high: tuple[int, ...]           # inclusive
    line: int = 0


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
    watchdog: WatchdogPlan | None = None
    managed: tuple[int, ...] = ()        # indices of the VMs that this one may steer
    restores: tuple[Restore, ...] = ()   # sorted by ipa; empty unless the VM can be restarted
    regions: tuple[Extent, ...] = ()     # in the order of the YAML
    left_out: tuple[str, ...] = ()       # what its devices have on the board and not in `tree`, a line for each
    direct: bool = False            # GICv3: its interrupts reach it without the hypervisor
    restore_table: int = 0          # AArch64: physical address of the tables that the hypervisor restarts it with
    firmware: tuple[FirmwareRow, ...] = ()   # sorted by function


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
    parts: tuple[Mapping, ...] = _quiet(())     # with colours: its own memory, ipa is virtual; text to stacks
    trees: tuple[tuple[Stripe, ...], ...] = _quiet(())  # with colours: the pages of each tree of `tables`, root first
    events: Range = Range(0, 0)     # the event ring, outside the flat image; size 0: none


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
class CpuBudget:
    """What the vCPU of a CPU may take from memory, in events of its performance monitor."""
    cpu: int                        # index in Plan.cpus
    own: int                        # events in each period that are its own
    grain: int                      # events of one grain of its pool; 0: it has none
    claim: int                      # grains that it lends and may take back; 0: it lends nothing
    passing: int                    # events beyond that for a critical interrupt, once in each period
    code: int                       # what is counted: Event.code
    data: int
    bytes: int                      # of one event


@dataclass(frozen=True)
class Pool:
    """What several vCPUs draw from, beyond their own, first come, first served, anew in each period."""
    name: str                       # of the VM that shares it among its vCPUs; 'lent'
    grains: int


@dataclass(frozen=True)
class VmBudget:
    vm: int                         # index in Plan.vms
    rate: int                       # bytes in a second
    microseconds: int               # the period
    period: int                     # the same in ticks of the time counter
    pool: int                       # index in Bandwidth.pools; -1: none
    passes: tuple[int, ...]         # critical interrupts by guest number; 0: the VM's timer, where it is no interrupt
    cpus: tuple[CpuBudget, ...]     # by vCPU
    line: int


@dataclass(frozen=True)
class Bandwidth:
    """Budgets of memory bandwidth: those of the VMs that have one, in the order of the YAML."""
    capacity: int                   # of the board, bytes in a second
    reserve: int                    # of it for the hypervisor
    interrupt: int                  # Arm: INTID of the overflow interrupt
    guests_keep: bool               # guests have the counters that the hypervisor does not take
    cycles: bool                    # Arm: the cycle counter is the one that it takes, else the last event counter
    counter: int                    # RISC-V: number of the hpmcounter that it takes
    vms: tuple[VmBudget, ...]
    pools: tuple[Pool, ...]


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
    colors: tuple[int, ...] = _quiet(())    # if it is pages of these colours alone: `size` bytes of them, up to `end`
    end: int = _quiet(0)


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
    on_panic: str = "power-off"     # 'halt', 'reset'
    stats: bool = False             # the hypervisor prints its exit counters at the end
    colors: "ColorPlan | None" = _quiet(None)
    bandwidth: Bandwidth | None = _quiet(None)      # None: no VM has a budget

    @property
    def image_end(self) -> int:
        """Just above all memory that the image needs."""
        own = self.hypervisor
        ends = [p.end for payload in self.payloads for p in payload.places]
        if not own.parts:
            return max(ends + [own.window_end])
        return max(ends + [m.phys_end for m in own.parts] + [s.end for tree in own.trees for s in tree])


@dataclass(frozen=True)
class ColorPlan:
    """Who has which cache colours."""
    count: int                      # of the board
    how: str                        # they were computed
    hypervisor: tuple[int, ...]
    vms: tuple[tuple[str, tuple[int, ...]], ...]
    regions: tuple[tuple[str, str, tuple[int, ...]], ...]       # (VM, region): those of their own
    channels: tuple[tuple[str, tuple[int, ...]], ...]
