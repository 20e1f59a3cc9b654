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


@dataclass(frozen=True)
class Pair:
    """What two VMs have in common: what the YAML shares between them."""
    one: str
    other: str
    shares: tuple[str, ...]     # '64KiB of commands: control writes, worker reads'
    rings: tuple[str, ...]      # 'control rings worker (commands, interrupt 32)'
    devices: tuple[str, ...]    # shared on purpose


@dataclass(frozen=True)
class Report:
    system: str
    board: str
    arch: str
    build_id: str               # hexadecimal
    elf_sha256: str
    yaml: str                   # path as given
    image: str                  # path as given
    vms: tuple[VmSummary, ...]
    pairs: tuple[Pair, ...]
    checks: tuple[Check, ...]
    assumptions: tuple[str, ...]    # what this system's isolation rests on beside the tables

    @property
    def isolated(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def pages(self) -> int:
        return sum(vm.pages for vm in self.vms)

    @property
    def findings(self) -> list[Diagnostic]:
        return [finding for check in self.checks for finding in check.findings]
