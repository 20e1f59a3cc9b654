# SPDX-License-Identifier: Apache-2.0
"""What the image says: `struct config` as compiled, and the tables that it and the entry code name, walked.

Nothing is believed here but the ELF file's form: a pointer that leads out of read-only data, or a count that does, is a
flaw of the configuration (Malformed).
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import dwarf
from .dwarf import Array, Pointer, Record, Scalar, Type
from .elf import Elf, NotAnImage
from .machine import Machine, Tree, machine
from .walk import Ranges, Walk, union

_LONGEST = 4096                 # of a string


class Malformed(Exception):
    """The configuration leads somewhere that it cannot; the text says what does."""


@dataclass(frozen=True)
class Window:
    ipa: int
    size: int
    kind: str                   # 'WINDOW_UART': the C name
    index: int

    @property
    def end(self) -> int:
        return self.ipa + self.size


@dataclass(frozen=True)
class Place:
    ipa: int
    size: int
    name: str
    access: str

    @property
    def end(self) -> int:
        return self.ipa + self.size


@dataclass(frozen=True)
class ChannelEnd:
    name: str
    rings: tuple[tuple[int, int], ...]      # (VM index, guest interrupt)


@dataclass(frozen=True)
class Restore:
    ipa: int
    size: int
    source: int                 # where the hypervisor reads the copy, 0: zeros
    to: int                     # AArch64: where it reaches the memory itself, by restore_table


@dataclass(frozen=True)
class Policy:
    action: str                 # 'ACTION_STOP': the C name
    at_most: int
    within: int                 # ticks
    then: str


@dataclass(frozen=True)
class FirmwareRow:
    function: int
    ranges: tuple[tuple[int, int], ...]     # of w1, h1, w2, ...; both ends included


@dataclass(frozen=True)
class VmFacts:
    index: int
    name: str
    tables: Tree
    restart: Tree | None        # the hypervisor's tables while the VM is restarted, where they are not its own
    entry: int
    dtb: int
    cpus: tuple[int, ...]
    windows: tuple[Window, ...]
    places: tuple[Place, ...]
    channels: tuple[ChannelEnd, ...]
    irq_physical: tuple[int, ...]
    uart_irq: int
    direct: bool                # GICv3
    line: int
    criticality: int
    policies: tuple[tuple[str, Policy], ...]        # 'on_fault', ...
    watchdog: tuple[int, int, Policy]               # timeout and start in ticks
    managed: tuple[int, ...]                        # indices of the VMs that it may steer
    restores: tuple[Restore, ...]
    restore_table: int
    firmware: tuple[FirmwareRow, ...]

    @property
    def walk(self) -> Walk:
        return self.tables.walk


@dataclass(frozen=True)
class CpuFacts:
    id: int
    stack: int
    name: str
    context: int                # of the PLIC
    hart_index: int             # at an APLIC, an IMSIC, a GIC
    guest_file: int             # physical page of an interrupt file, 0: none
    hstateen0: int              # RISC-V
    gicr: int                   # GICv3: its redistributor
    release: int                # spin table: its release word, 0: none
    vm: int
    vcpu: int


@dataclass(frozen=True)
class ConsoleFacts:
    base: int
    reg_shift: int
    reg_width: int
    irq: int
    cpu: int


@dataclass(frozen=True)
class BudgetFacts:
    """What a CPU's vCPU may take from memory; period 0: it has no budget."""
    period: int
    own: int
    grain: int
    passing: int
    event: int
    event_data: int
    claim: int
    pool: int
    bytes: int
    passes: tuple[int, ...]


@dataclass(frozen=True)
class Facts:
    elf: Elf
    arch: str                   # 'riscv64', 'riscv32'
    name: str
    file: str
    board: str
    on_panic: str                                   # 'power-off', 'halt', 'reset'
    irqchip: int
    henvcfg: int
    sstc: bool
    gicc: int                   # GICv2
    gich: int                   # GICv2
    maintenance: int            # GIC
    timer: int                  # GIC: INTID of the hypervisor's own timer, 0: it uses none
    one_security_state: bool    # GICv3
    events: int                 # physical address of the event ring, 0: none
    irq_edges: tuple[int, ...]  # GIC: a bit for each source
    probes: tuple[int, ...]
    boot_ids: tuple[int, ...]   # of each CPU, as the first instructions know them; empty: they do not
    console: ConsoleFacts | None
    cpus: tuple[CpuFacts, ...]
    vms: tuple[VmFacts, ...]
    irq_owner: tuple[tuple[int, int], ...]      # by physical source: (VM index, NOBODY or HYPERVISOR; guest number)
    own_tables: Tree
    build_id: bytes
    budgets: tuple[BudgetFacts, ...] = ()       # of each CPU; empty: the image keeps no budgets
    pools: tuple[tuple[int, int], ...] = ()     # (period, grains)
    overflow: int = 0           # GIC: INTID of the performance monitors' interrupt, 0: the hypervisor uses none
    sections: dict[str, tuple[int, int]] = field(default_factory=dict)      # of the hypervisor: name -> (base, end) by
                                # virtual address, of .tables where they are linked
    ranges: dict[str, Ranges] = field(default_factory=dict)     # the same by physical address
    scattered: bool = False     # cache colours: virtual is not physical, and no section is in one piece

    @property
    def own(self) -> Walk:
        return self.own_tables.walk


NOBODY, HYPERVISOR = 0xffff, 0xfffe     # hypervisor/include/config.h: IRQ_NOBODY, IRQ_HYPERVISOR
SECTIONS = (".text", ".rodata", ".data", ".tables")


@dataclass(frozen=True)
class Layout:
    """What of an image does not depend on its contents: worth keeping where one image is judged again and again."""
    config: dwarf.Variable
    arrays: dict[int, Array]    # of config.c, by address


def layout(elf: Elf) -> Layout:
    """Raises NotAnImage."""
    made = dwarf.unit(elf, "config.c", "config")
    symbol = elf.symbol("config")
    if symbol is None or symbol.value != made.variable.address:
        raise NotAnImage("its symbol 'config' and its debug information differ about where the configuration lies")
    return Layout(made.variable, made.arrays)


def gather(elf: Elf, known: Layout | None = None) -> Facts:
    """Raises NotAnImage, Malformed."""
    known = known or layout(elf)
    sections = {}
    for name in SECTIONS:
        section = elf.section(name)
        if section is None or not section.size:
            raise NotAnImage(f"it has no section {name}: it is no image of Bulkhead")
        sections[name] = (section.base, section.end)
    memory = _Memory(elf, sections[".rodata"], known.arrays)
    try:
        return _facts(elf, memory, machine(elf), memory.value(known.config.type, known.config.address, "config"),
                      sections)
    except (AttributeError, KeyError) as error:
        raise NotAnImage(f"its configuration is laid out for another version of Bulkhead ({error})") from None


class _Memory:
    """Constants of the image. All lie in .rodata, which the hypervisor cannot write."""

    def __init__(self, elf: Elf, rodata: tuple[int, int], arrays: dict[int, Array]) -> None:
        self.elf, self.rodata, self.arrays = elf, rodata, arrays

    def bytes(self, address: int, size: int, what: str) -> bytes:
        low, high = self.rodata
        data = self.elf.read_linked(address, size) if low <= address and address + size <= high else None
        if data is None:
            raise Malformed(f"{what} lies at {address:#x} to {address + size:#x}, outside .rodata")
        return data

    def value(self, type_: Type, address: int, what: str) -> Any:
        return dwarf.decode(type_, self.bytes(address, type_.size, what))

    def array(self, pointer: Pointer, count: int, what: str) -> tuple[Any, ...]:
        """What a pointer and a count describe together: one of the arrays that config.c defines, as a whole."""
        if not count:
            if pointer.address:
                raise Malformed(f"{what} has no entries, but a place: {pointer.address:#x}")
            return ()
        if pointer.target is None:
            raise NotAnImage(f"the type of {what} is not in its debug information")
        array = self.arrays.get(pointer.address)
        if array is None or array.count != count or array.element != pointer.target:
            raise Malformed(f"{what}, at {pointer.address:#x} and of {count} entries, is none of its tables")
        found: tuple[Any, ...] = self.value(array, pointer.address, what)
        return found

    def text(self, pointer: Pointer, what: str) -> str:
        if not isinstance(pointer.target, Scalar) or pointer.target.size != 1:
            raise NotAnImage(f"{what} is no string")
        high = self.rodata[1]
        data = self.bytes(pointer.address, max(min(_LONGEST, high - pointer.address), 1), what)
        end = data.find(b"\0")
        if end < 0:
            raise Malformed(f"{what} at {pointer.address:#x} has no end")
        return data[:end].decode("utf-8", "backslashreplace")


def _facts(elf: Elf, memory: _Memory, made_for: Machine, config: Record, sections: dict[str, tuple[int, int]]) -> Facts:
    c: Any = config
    for name in ("sstc", "has_console"):
        if getattr(c, name) not in (0, 1):
            raise Malformed(f"config.{name} is {getattr(c, name)}, which is no truth value")
    console = c.console if c.has_console else None
    return Facts(
        elf=elf, arch=made_for.arch, name=memory.text(c.system, "config.system"),
        file=memory.text(c.file, "config.file"),
        board=memory.text(c.board, "config.board"), on_panic=_on_panic(c.on_panic), irqchip=c.irqchip_base,
        henvcfg=c.henvcfg, sstc=bool(c.sstc),
        gicc=c.gicc_base, gich=c.gich_base, maintenance=c.maintenance_irq, timer=c.timer_irq, events=c.events,
        irq_edges=c.irq_edges, one_security_state=_truth(c.one_security_state, "config.one_security_state"),
        boot_ids=_words(elf, memory, "boot_ids", len(c.cpus)) if elf.symbol("boot_ids") else (),
        probes=_words(elf, memory, "boot_probes"),
        console=ConsoleFacts(console.base, console.reg_shift, console.reg_width, console.irq, console.cpu) if console
        else None,
        cpus=tuple(CpuFacts(p.id, p.stack, memory.text(p.name, f"config.cpus[{i}].name"), p.context,
                            p.hart_index, p.guest_file, p.hstateen0, p.gicr, p.release, p.vm, p.vcpu)
                   for i, p in enumerate(c.cpus)),
        vms=tuple(_vm(made_for, memory, i, vm) for i, vm in enumerate(c.vms)),
        irq_owner=tuple((o.vm, o.guest) for o in c.irq_owner),
        own_tables=made_for.own(), build_id=_build_id(elf), sections=sections,
        budgets=tuple(_budget(memory, i, budget) for i, budget in enumerate(getattr(c, "budgets", ()))),
        pools=tuple((pool.period, pool.grains) for pool in getattr(c, "pools", ())), overflow=c.overflow_irq,
        ranges={name: _physical(elf, name) for name in sections},
        scattered=not any(s.name == ".tables" and s.in_memory for s in elf.sections))

def _budget(memory: _Memory, index: int, own: Any) -> BudgetFacts:
    return BudgetFacts(own.period, own.own, own.grain, own.passing, own.event, own.event_data, own.claim, own.pool,
                       own.bytes, memory.array(own.passes, own.pass_count, f"config.budgets[{index}].passes"))


def _physical(elf: Elf, name: str) -> Ranges:
    """Where the bytes of a section are loaded."""
    section = elf.section(name)
    assert section is not None
    start, end = section.offset, section.offset + section.size
    return union((s.base + max(start, s.offset) - s.offset, s.base + min(end, s.offset + s.file_size) - s.offset)
                 for s in elf.segments if s.offset < end and start < s.offset + s.file_size)


def _on_panic(value: object) -> str:
    """As the description calls it."""
    return str(value).removeprefix("PANIC_").lower().replace("_", "-")


def _words(elf: Elf, memory: _Memory, name: str, count: int = 0) -> tuple[int, ...]:
    """A table of 64-bit words that the first instructions read: `count` of them, or all up to a 0."""
    symbol = elf.symbol(name)
    if symbol is None:
        raise NotAnImage(f"it has no symbol '{name}': it is no image of Bulkhead")
    found: list[int] = []
    while not count or len(found) < count:
        at = symbol.value + 8 * len(found)
        data = elf.read_linked(at, 8) if name == "boot_probes" else memory.bytes(at, 8, name)   # it lies in .text
        word = int.from_bytes(data or b"", "little")
        if not count and not word:
            break
        found.append(word)
    return tuple(found)


def _truth(value: int, what: str) -> bool:
    if value not in (0, 1):
        raise Malformed(f"{what} is {value}, which is no truth value")
    return bool(value)


def _vm(made_for: Machine, memory: _Memory, index: int, vm: Any) -> VmFacts:
    what = f"config.vms[{index}]"
    policies = []
    for name in ("on_fault", "on_reset", "on_poweroff"):
        policies.append((name, _policy(getattr(vm, name))))
    return VmFacts(
        index=index, name=memory.text(vm.name, f"{what}.name"), tables=made_for.guest(vm.stage2),
        restart=made_for.restart(vm.restore_table), entry=vm.entry, dtb=vm.dtb,
        cpus=memory.array(vm.cpus, vm.vcpu_count, f"{what}.cpus"),
        windows=tuple(Window(w.ipa, w.size, str(w.kind), w.index)
                      for w in memory.array(vm.windows, vm.window_count, f"{what}.windows")),
        places=tuple(Place(p.ipa, p.size, memory.text(p.name, f"{what}.places[{i}].name"),
                           memory.text(p.access, f"{what}.places[{i}].access"))
                     for i, p in enumerate(memory.array(vm.places, vm.place_count, f"{what}.places"))),
        channels=tuple(ChannelEnd(memory.text(end.name, f"{what}.channels[{i}].name"),
                                  tuple((r.vm, r.guest) for r in memory.array(end.rings, end.ring_count,
                                                                              f"{what}.channels[{i}].rings")))
                       for i, end in enumerate(memory.array(vm.channels, vm.channel_count, f"{what}.channels"))),
        irq_physical=memory.array(vm.irq_physical, vm.irq_count, f"{what}.irq_physical"),
        uart_irq=vm.uart_irq, direct=_truth(vm.direct, f"{what}.direct"),
        line=vm.line, criticality=vm.criticality, policies=tuple(policies),
        watchdog=(vm.watchdog.timeout, vm.watchdog.start, _policy(vm.watchdog.policy)),
        managed=memory.array(vm.managed, vm.managed_count, f"{what}.managed"),
        restores=tuple(Restore(r.ipa, r.size, r.source, r.to)
                       for r in memory.array(vm.restores, vm.restore_count, f"{what}.restores")),
        restore_table=vm.restore_table,
        firmware=tuple(FirmwareRow(r.function, tuple(zip(r.low, r.high)))
                       for r in memory.array(vm.firmware, vm.firmware_count, f"{what}.firmware")))


def _policy(policy: Any) -> Policy:
    return Policy(str(policy.action), policy.at_most, policy.within, str(policy.then))


def _build_id(elf: Elf) -> bytes:
    """As the hypervisor prints it. Empty where there is none."""
    start, end = elf.symbol("__build_id_start"), elf.symbol("__build_id_end")
    if start is None or end is None or end.value - start.value != 20:
        return b""
    return elf.read_linked(start.value, 20) or b""
