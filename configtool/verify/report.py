# SPDX-License-Identifier: Apache-2.0
"""What verify found: checks with what they looked at, and what was wrong."""
from __future__ import annotations

from dataclasses import dataclass, field

from ..diagnostics import Diagnostic, Label
from ..source import Span

MOST = 20                       # findings of one check that are kept


@dataclass
class Check:
    """One thing that is shown, with its evidence. `name` is its heading in docs/verify.md and its diagnostics' code."""
    name: str
    title: str                  # 'memory of each VM is its own'
    count: int = 0              # what was looked at, in `unit`s
    unit: str = ""              # singular: 'page'
    evidence: list[str] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    more: int = 0               # findings that were not kept

    @property
    def passed(self) -> bool:
        return not self.findings

    def look(self, count: int = 1) -> None:
        self.count += count

    def fail(self, message: str, span: Span, text: str = "", *, related: tuple[Label, ...] = (),
             notes: tuple[str, ...] = (), help: tuple[str, ...] = ()) -> None:
        if len(self.findings) >= MOST:
            self.more += 1
            return
        self.findings.append(Diagnostic(self.name, "error", message, Label(span, text), related, notes, help))


@dataclass(frozen=True)
class Piece:
    """A part of a VM's address space, for the map in the report."""
    ipa: int
    phys: int | None            # None: it traps to the hypervisor
    size: int
    access: str
    what: str                   # in the YAML's words


@dataclass(frozen=True)
class VmSummary:
    name: str
    cpus: tuple[str, ...]
    memory: int                 # bytes of its own RAM
    devices: tuple[str, ...]
    interrupts: tuple[int, ...]     # physical sources
    tables: int                 # table nodes
    pages: int                  # 4 KiB pages mapped
    leaves: tuple[tuple[int, int], ...]     # (page size, entries), largest first
    pieces: tuple[Piece, ...]
    trusted: tuple[tuple[str, str], ...]    # devices whose DMA the YAML trusts, and why


Ranges = tuple[tuple[int, int], ...]        # (start, end) of physical addresses


@dataclass(frozen=True)
class Share:
    """What the description gives to two VMs."""
    name: str                   # 'channel commands', 'device rtc@101000'
    how: str                    # 'control writes, worker reads'
    size: int
    where: Ranges
    span: Span
    access: tuple[str, str]     # of each of the two, as their tables have it: 'rw', 'r', 'r and rw'


@dataclass(frozen=True)
class Pair:
    """Two VMs: what each reaches, what both do, and what of that the description shares."""
    one: str
    other: str
    shares: tuple[Share, ...]
    rings: tuple[str, ...]      # 'control rings worker (commands, interrupt 32)'
    one_pages: int              # physical pages that each reaches
    other_pages: int
    common: int                 # pages that both reach
    stray: Ranges               # what both reach and the description does not share
    powers: tuple[str, ...]     # who may steer whom; devices of theirs that master all memory


@dataclass(frozen=True)
class Reached:
    """What a VM reaches of something that is no VM's memory."""
    what: str                   # "the hypervisor's code and data", 'devices of nobody'
    count: int                  # of `unit`s: 'range', 'device'
    unit: str
    pages: int
    allowed: Ranges             # what it reaches with a reason
    why: str
    stray: Ranges               # and without


@dataclass(frozen=True)
class Use:
    """A device of the board and who has it."""
    name: str
    registers: Ranges
    interrupts: tuple[int, ...]
    holder: str                 # 'alpha', 'hypervisor: console', '' nobody
    place: Span | None          # where the description gives it
    dma: str                    # 'none', 'trusted: ...', 'masters memory', 'not known'


@dataclass(frozen=True)
class Block:
    """A run of physical memory that is one owner's, or that several have by turns (cache colors)."""
    start: int
    end: int
    owners: tuple[str, ...]     # 'alpha', 'channel news', 'hypervisor', 'firmware: OpenSBI', 'free'


@dataclass(frozen=True)
class Input:
    """A file that was read. `problem`: why it could not be."""
    role: str                   # 'description', 'board', 'image of alpha'
    path: str
    size: int
    sha256: str
    problem: str = ""


@dataclass(frozen=True)
class Report:
    system: str
    board: str
    arch: str
    controller: str             # 'gicv3', 'plic', ...
    tool: str                   # 'configtool 0.1.0'
    build_id: str               # hexadecimal
    elf_sha256: str
    flat_sha256: str            # of bulkhead.bin as the segments give it
    yaml: str                   # path as given
    image: str                  # path as given
    vms: tuple[VmSummary, ...]
    pairs: tuple[Pair, ...]
    reached: tuple[tuple[Reached, ...], ...]    # by VM
    uses: tuple[Use, ...]
    physical: tuple[Block, ...]
    checks: tuple[Check, ...]
    inputs: tuple[Input, ...]
    assumptions: tuple[str, ...]    # what this system's isolation rests on beside the tables

    @property
    def isolated(self) -> bool:
        return (all(check.passed for check in self.checks) and not any(pair.stray for pair in self.pairs)
                and not any(r.stray for found in self.reached for r in found))

    @property
    def pages(self) -> int:
        return sum(vm.pages for vm in self.vms)

    @property
    def findings(self) -> list[Diagnostic]:
        return [finding for check in self.checks for finding in check.findings]
