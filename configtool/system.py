# SPDX-License-Identifier: Apache-2.0
"""The typed form of a system description: what the user wrote, checked by the schema, in units of bytes and Python
ints.

Nothing is decided here. A value that the user left out is None (or an empty tuple); the plan decides it. Every object
carries the span of YAML that it came from, so that a rule can point at it.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from .source import Span


@dataclass(frozen=True)
class Colors:
    """`colors:` as written. `share`: percent; None and no `ranges`: `auto`."""
    span: Span
    ranges: tuple[tuple[int, int, Span], ...] = ()     # first and last color of each, as written
    share: int | None = None

    @property
    def listed(self) -> tuple[int, ...]:
        """The colors that it names, each once, ascending; empty for a share or `auto`."""
        return tuple(sorted({c for low, high, _ in self.ranges for c in range(low, high + 1)}))


@dataclass(frozen=True)
class Region:
    """One entry of `vms.<vm>.memory`. Sizes and addresses in bytes."""
    name: str                       # the key: 'ram', 'scratch', ...
    span: Span                      # of the value
    size: int
    size_span: Span
    at: int | str | None = None     # guest-physical address (IPA); 'identity'; None: the plan decides
    at_span: Span | None = None
    phys: int | None = None         # host-physical address, for the rare fixed place
    phys_span: Span | None = None
    access: str = "rwx"             # 'r', 'rw', 'rx', 'rwx'
    colors: Colors | None = None    # None: the VM's


@dataclass(frozen=True)
class ImageRef:
    """One entry of `image:` or `images:`."""
    file: str                       # as the user wrote it
    path: str                       # resolved against the YAML file that names it
    span: Span                      # of the file name
    at: int | None = None           # IPA of a raw file (or override for a Linux Image)
    at_span: Span | None = None
    entry: int | None = None        # IPA of the first instruction, where the file does not say
    entry_span: Span | None = None
    looked: tuple[str, ...] = ()    # the places where it was looked for, when it is at none of them


@dataclass(frozen=True)
class LinuxOptions:
    """`linux:`; all optional."""
    span: Span
    initrd: str | None = None       # as written
    initrd_path: str | None = None  # resolved
    initrd_span: Span | None = None
    cmdline: str | None = None
    cmdline_span: Span | None = None
    initrd_looked: tuple[str, ...] = ()     # as ImageRef.looked


@dataclass(frozen=True)
class DeviceRef:
    """One entry of `vms.<vm>.devices`: a DTS label, alias, path or node name (`serial0`, `/soc/rtc@101000`,
    `rtc@101000`)."""
    name: str
    span: Span                      # of the name
    dma: str | None = None          # 'trusted' or None
    dma_span: Span | None = None
    because: str | None = None
    shared: bool = False            # given to several VMs on purpose
    at: int | None = None           # IPA, when it is not to be the physical address


@dataclass(frozen=True)
class DevicesRest:
    """`devices: {rest: true, except: [...]}`: every device that nobody else has."""
    span: Span
    excluded: tuple[tuple[str, Span], ...] = ()


@dataclass(frozen=True)
class ChannelOverride:
    """`vms.<vm>.channels.<channel>`: fixed numbers for one VM's end of a channel."""
    name: str
    span: Span
    at: int | None = None
    at_span: Span | None = None
    interrupt: int | None = None
    interrupt_span: Span | None = None


@dataclass(frozen=True)
class CpuRequest:
    """`vcpus:` or `cpus:`. Exactly one of count and names is set."""
    span: Span
    count: int | None = None
    cluster: str | None = None      # with count: only CPUs of this cluster
    names: tuple[tuple[str, Span], ...] = ()   # physical CPUs by DTS name or label, in vCPU order


@dataclass(frozen=True)
class Action:
    """`on_fault`, `on_reset`, `on_poweroff`."""
    span: Span
    action: str                     # 'stop', 'restart', 'halt-system'
    at_most: int | None = None
    within_us: int | None = None
    then: str | None = None


@dataclass(frozen=True)
class CriticalInterrupts:
    """`bandwidth.critical`."""
    span: Span
    interrupts: tuple[tuple[str, Span], ...]    # device names, 'channels.NAME', 'timer'
    cost: int                       # bytes
    cost_span: Span


@dataclass(frozen=True)
class Bandwidth:
    """`vms.<vm>.bandwidth`. Rates in bytes in a second."""
    span: Span                      # of the key
    budget: int
    budget_span: Span
    period_us: int = 100
    period_span: Span | None = None
    per_vcpu: str = "even"          # 'even', 'shared', or 'listed': shares
    shares: tuple[tuple[int, Span], ...] = ()   # percentages, in vCPU order
    per_vcpu_span: Span | None = None
    critical: CriticalInterrupts | None = None
    lend: int = 0                   # percent
    lend_span: Span | None = None
    borrow: bool = False
    borrow_span: Span | None = None


@dataclass(frozen=True)
class Watchdog:
    """`watchdog`: how long the VM may give no sign of life, and what follows."""
    span: Span
    timeout_us: int
    action: Action
    start_us: int | None = None     # from its start to its first sign; None: the timeout


@dataclass(frozen=True)
class Argument:
    """An argument of a firmware call: the ranges of which it may be in one."""
    register: str                   # 'x1', or its low or high half: 'w1', 'h1'
    span: Span                      # of the key
    ranges: tuple[tuple[int, int, Span], ...]


@dataclass(frozen=True)
class FirmwareCall:
    """An entry of `firmware`."""
    span: Span                      # of `call`
    call: int | str                 # function id, or a name
    arguments: tuple[Argument, ...] # empty: any
    shared: bool = False


@dataclass(frozen=True)
class Vm:
    name: str
    span: Span                      # of the key
    cpus: CpuRequest | None         # None: `vcpus` and `cpus` both missing (a rule reports it)
    memory: tuple[Region, ...]
    images: tuple[ImageRef, ...]
    criticality: int = 0
    console: str = "virtual"        # 'virtual' or 'none'
    linux: LinuxOptions | None = None
    devices: tuple[DeviceRef, ...] = ()
    devices_rest: DevicesRest | None = None
    channels: tuple[ChannelOverride, ...] = ()
    devicetree: str = "generated"   # 'generated', 'none' or 'file'
    devicetree_span: Span | None = None
    devicetree_file: tuple[str, Span] | None = None    # resolved path
    devicetree_extra: tuple[str, Span] | None = None   # resolved path of an overlay
    devicetree_at: int | str | None = None      # IPA of the tree, or the region that it begins; None: the plan decides
    devicetree_at_span: Span | None = None
    on_fault: Action | None = None
    on_reset: Action | None = None
    on_poweroff: Action | None = None
    watchdog: Watchdog | None = None
    restartable: Span | None = None             # of `restartable: true`: a copy is kept, whatever its actions say
    manager: tuple[tuple[str, Span], ...] | None = None     # VMs that it may steer, as written; (): all others
    manager_span: Span | None = None
    colors: Colors | None = None
    bandwidth: Bandwidth | None = None
    interrupts: str = "virtual"     # 'virtual' or 'direct'
    interrupts_span: Span | None = None
    firmware: tuple[FirmwareCall, ...] = ()

    @property
    def direct(self) -> bool:
        """Its interrupts reach it without the hypervisor."""
        return self.interrupts == "direct"

    def region(self, name: str) -> Region | None:
        return next((r for r in self.memory if r.name == name), None)


@dataclass(frozen=True)
class Channel:
    """Shared memory with doorbells.

    `from: a, to: [b, c]`: a writes, the others read. `between: [a, b]`: the first half is written by a and read by b,
    the second half the other way. `doorbell`: who may ring: 'to' (the writer rings the readers), 'from' (readers ring
    the writer), 'both', 'none'.
    """
    name: str
    span: Span                      # of the key
    size: int
    size_span: Span
    writer: tuple[str, Span] | None = None
    readers: tuple[tuple[str, Span], ...] = ()
    between: tuple[tuple[str, Span], ...] = ()
    doorbell: str = "both"
    phys: int | None = None
    phys_span: Span | None = None
    because: str | None = None      # why a more critical VM may depend on a less critical one here
    colors: Colors | None = None

    @property
    def ends(self) -> tuple[tuple[str, Span], ...]:
        """All VMs that have an end of it, writer first."""
        if self.between:
            return self.between
        return ((self.writer,) if self.writer else ()) + self.readers


@dataclass(frozen=True)
class System:
    file: str                       # path of the YAML as given on the command line
    name: str
    name_span: Span
    board: str                      # as written
    board_span: Span
    vms: tuple[Vm, ...]
    channels: tuple[Channel, ...] = ()
    console: str | None = None      # hypervisor.console: a device name, 'none', or None: the board's stdout-path
    console_span: Span | None = None
    on_panic: str = "power-off"     # hypervisor.on_panic: 'power-off', 'halt', 'reset'
    on_panic_span: Span | None = None
    events: int = 0                 # bytes of the event ring, 0: none
    events_span: Span | None = None
    monitor: bool = False           # a person at the console can look at VMs and steer them
    monitor_span: Span | None = None
    sources: tuple[str, ...] = field(default=())   # every YAML file read (extends)
    run: tuple[str, ...] = ()       # arguments added to the board's run command; '{dir}' is the build folder
    colors: Colors | None = None    # of the hypervisor
    reserve: int = 0                # hypervisor.bandwidth.reserve: bytes in a second
    reserve_span: Span | None = None

    def vm(self, name: str) -> Vm | None:
        return next((v for v in self.vms if v.name == name), None)

    def managed(self, vm: Vm) -> tuple[str, ...]:
        """The VMs that a manager may steer, in the file's order; of a VM that is none: ()."""
        if vm.manager is None:
            return ()
        listed = {name for name, _ in vm.manager}
        return tuple(v.name for v in self.vms if v.name != vm.name and (not listed or v.name in listed))

    @cached_property
    def channels_of(self) -> dict[str, tuple[Channel, ...]]:
        """The channels that each VM has an end of, in the file's order; absent: it has none. Made once, as a search for
        each VM through all channels would grow with the square of the system."""
        found: dict[str, list[Channel]] = {}
        for channel in self.channels:
            for name in dict.fromkeys(name for name, _ in channel.ends):
                found.setdefault(name, []).append(channel)
        return {name: tuple(mine) for name, mine in found.items()}
