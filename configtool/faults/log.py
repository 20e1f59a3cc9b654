# SPDX-License-Identifier: Apache-2.0
"""A console log, read line by line: the faults and panics that the hypervisor reported.

The forms are those of hypervisor/core/fault.c and core/panic.c. Whatever else is in the file is passed over: time
stamps of a terminal program before a line, colours, damaged and cut lines, what guests print. A line of a guest that
looks like one of the hypervisor's is not taken for one: it carries the guest's label.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO, Iterator

_LINE = 4096                    # bytes of a line that are looked at
_CHUNK = 1 << 20
MOST = 200                      # different events that are kept

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_OWN = re.compile(r"^[\s\d:.,+\-TZ/|()\[\]]*\[bulkhead\] (.*)$")
_HEX = "[0-9a-f]{1,16}"
_BOOT = re.compile(r"(\S+) on (\S+), build ([0-9a-f]{16})$")
_FAULT = re.compile(rf"vm '([^']*)' vcpu ([0-9]{{1,4}}): (.*) \(pc 0x({_HEX})\)$")
_ACCESS = re.compile(rf"(load|store|instruction fetch)(?: of ([0-9]{{1,3}}) bytes?)? at 0x({_HEX}): "
                     r"(?:nothing is mapped there|'(.*)' is (\S+))$")
_PLACE = re.compile(rf"  (nearest|place): '(.*)' 0x({_HEX})-0x({_HEX}) (\S+), (?:(.+):([0-9]{{1,9}})|a default)$")
_PANIC = re.compile(r"hypervisor panic on (.+?)(?:, running for vm '([^']*)' vcpu ([0-9]{1,4}))?: (.*)$")
_STATE = re.compile(rf"    ((?:[a-z][a-z0-9_]* {_HEX})(?: [a-z][a-z0-9_]* {_HEX})*)$")
_REGISTERS = re.compile(rf"    x(0|8|16|24):((?: {_HEX}){{8}})$")
_CALLERS = re.compile(rf"    called from:((?: {_HEX})+)$")
_EXITS = re.compile(r"    exits: (.*)$")
_END = re.compile(r"vm '([^']*)' (stopped.*|restarted.*)$")


@dataclass
class Place:
    """What is at, or nearest to, an address, as the report words it. `line` 0: a default of configtool."""
    near: bool
    name: str
    first: int
    last: int
    access: str
    file: str
    line: int


@dataclass
class Report:
    """One fault of a VM, or a panic of the hypervisor (`panic`). Addresses and registers are as printed; what a damaged
    log lost is empty or None. `count`: how often the same came."""
    what: str
    at_line: int                                # in the log, from 1
    vm: str = ""
    vcpu: int = 0
    pc: int | None = None
    access: str = ""                            # 'load', 'store', 'instruction fetch'
    width: int = 0
    address: int | None = None
    place: Place | None = None
    state: dict[str, int] = field(default_factory=dict)
    registers: dict[int, int] = field(default_factory=dict)
    callers: list[int] = field(default_factory=list)
    exits: str = ""
    end: str = ""                               # 'stopped, restarts'
    panic: bool = False
    cpu: str = ""
    count: int = 1

    @property
    def key(self) -> tuple[object, ...]:
        return self.panic, self.cpu if self.panic else "", self.vm, self.vcpu, self.what, self.pc, self.address


@dataclass
class Log:
    reports: list[Report]
    builds: list[tuple[str, str, str]]          # system, board, build id: once for each boot
    lines: int
    left_out: int = 0                           # different reports beyond MOST


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Lines of any file, the first _LINE bytes of each, in memory that does not grow with it."""
    rest = b""
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        pieces = (rest + chunk).split(b"\n")
        rest = pieces.pop()
        if len(rest) > _LINE:
            rest = rest[:_LINE]
        yield from pieces
    if rest:
        yield rest


def read(file: BinaryIO) -> Log:
    log = Log([], [], 0)
    seen: dict[tuple[object, ...], Report] = {}
    current: Report | None = None

    def finish() -> None:
        nonlocal current
        if current is not None:
            known = seen.get(current.key)
            if known is not None:
                known.count += 1
                known.end = current.end or known.end
            elif len(seen) < MOST:
                seen[current.key] = current
            else:
                log.left_out += 1
        current = None

    for raw in lines_of(file):
        log.lines += 1
        if b"[bulkhead]" not in raw:
            continue
        text = _own(raw[:_LINE])
        if text is None:
            continue
        if text.startswith("  "):
            if current is not None:
                _detail(current, text)
            continue
        end = _END.match(text)
        if end and current is not None and end[1] == current.vm:
            current.end = end[2]
        finish()
        current = _headline(text, log.lines)
        boot = _BOOT.match(text)
        if boot and len(log.builds) < MOST:
            log.builds.append((boot[1], boot[2], boot[3]))
    finish()
    log.reports = list(seen.values())
    return log


def _own(raw: bytes) -> str | None:
    """What the hypervisor says in a line; None where it is not its own."""
    text = _ESCAPES.sub("", raw.decode("utf-8", "replace"))
    text = text.replace("\x00", "").strip("\r").rsplit("\r", 1)[-1]
    found = _OWN.match(text)
    return found[1].rstrip() if found else None


def _headline(text: str, number: int) -> Report | None:
    fault = _FAULT.match(text)
    if fault:
        made = Report(fault[3], number, fault[1], int(fault[2]), int(fault[4], 16))
        access = _ACCESS.match(fault[3])
        if access:
            made.access, made.width, made.address = access[1], int(access[2] or 0), int(access[3], 16)
        return made
    panic = _PANIC.match(text)
    if panic:
        return Report(panic[4], number, panic[2] or "", int(panic[3] or 0), panic=True, cpu=panic[1])
    return None


def _detail(report: Report, text: str) -> None:
    place = _PLACE.match(text)
    if place:
        report.place = Place(place[1] == "nearest", place[2], int(place[3], 16), int(place[4], 16), place[5],
                             place[6] or "", int(place[7] or 0))
    elif registers := _REGISTERS.match(text):
        report.registers.update(enumerate((int(w, 16) for w in registers[2].split()), int(registers[1])))
    elif callers := _CALLERS.match(text):
        report.callers.extend(int(w, 16) for w in callers[1].split()[:32])
    elif exits := _EXITS.match(text):
        report.exits = exits[1]
    elif state := _STATE.match(text):
        words = state[1].split()
        report.state.update({name: int(value, 16) for name, value in zip(words[::2], words[1::2])})
        if report.panic:
            report.pc = report.state.get("sepc", report.state.get("elr", report.pc))
