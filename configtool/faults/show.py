# SPDX-License-Identifier: Apache-2.0
"""Faults for people: as diagnostics, with the source line of the guest first and that of the description below."""
from __future__ import annotations

from ..diagnostics import Diagnostic, Label
from ..source import Span
from .causes import advise
from .known import Known
from .log import Report
from .symbols import Symbols, Where, is_call, locate

_VERBS = {"load": "loads", "store": "stores", "instruction fetch": "fetches an instruction"}
_NAMES = {"riscv": {1: "ra", 2: "sp", 8: "fp"}, "aarch64": {30: "lr", 31: "sp", 29: "fp"}}


def explained(report: Report, known: Known, log: str) -> Diagnostic:
    """As a diagnostic without a code. `log`: name of the file that it was read from."""
    labels, path = _path(report, known)
    advice = advise(report, known)
    labels += [Label(span, text) for span, text in advice.places]
    if not labels:
        labels = [Label(Span(log, report.at_line, 1, report.at_line, 1), "")]
    notes = [*path, *advice.notes, *_state(report, known)]
    if report.count > 1:
        notes.append(f"the same was reported {report.count:,} times; this is the first, in line {report.at_line} of the "
                     "log")
    if report.end:
        notes.append(f"then: vm '{report.vm}' {report.end}")
    return Diagnostic("", "panic" if report.panic else "fault", _message(report), labels[0], tuple(labels[1:]),
                      tuple(notes), tuple(advice.help))


def _message(report: Report) -> str:
    if report.panic:
        running = f", running for VM '{report.vm}' vCPU {report.vcpu}" if report.vm else ""
        return f"the hypervisor stopped on {report.cpu}{running}: {report.what}"
    who = f"VM '{report.vm}' vCPU {report.vcpu}"
    if report.address is None:
        return f"{who}: {report.what}"
    width = f" {report.width} byte{'s' * (report.width != 1)}" if report.width else ""
    what = f"{_VERBS[report.access]}{width} at {report.address:#x}"
    place = report.place
    if place is None or place.near:
        return f"{who} {what}, where it has nothing"
    return f"{who} {what}, in {place.name}, which is {place.access}"


def frames(report: Report, known: Known) -> list[dict[str, object]]:
    """pc and return addresses, the innermost first, with what is known of each."""
    return [{"address": address, "function": where.function if where else "", "offset": where.offset if where else 0,
             "file": where.file if where else "", "line": where.line if where else 0}
            for address, where in _frames(report, known)]


def _frames(report: Report, known: Known) -> list[tuple[int, Where | None]]:
    found: list[tuple[int, Where | None]] = []

    def symbols(address: int) -> Symbols | None:
        return known.hypervisor if report.panic else known.symbols_of(report.vm, address)

    if report.pc is not None:
        own = symbols(report.pc)
        found.append((report.pc, own.where(report.pc) if own is not None else None))
    for number, address in enumerate(report.callers):
        own = symbols(address)
        where = own.where(address, 1) if own is not None else None
        if own is not None and not is_call(known.arch, own.code(address - 4, 4)):
            continue                    # an old value, or no return address at all
        inner = found[0][1] if found else None
        if number == 0 and len(report.callers) > 1 and where and inner and where.function == inner.function \
                and not report.panic:
            continue                    # left over from a call that this function made
        found.append((address, where))
    return found


def _path(report: Report, known: Known) -> tuple[list[Label], list[str]]:
    """Places in the source, the innermost first, and the same as a note with all that is known of them."""
    labels: list[Label] = []
    rows = []
    for number, (address, where) in enumerate(_frames(report, known)):
        innermost = number == 0 and report.pc is not None
        rows.append(f"{'at' if innermost else 'called from'} {_row(address, where)}")
        if len(labels) < 4:
            _add(labels, known, where, "here" if innermost else "called from here")
    return labels, ["\n".join(rows)] if rows else []


def _row(address: int, where: Where | None) -> str:
    if where is None:
        return f"{address:#x}"
    line = f", {where.file}:{where.line}" if where.line else ""
    return f"{address:#x}: {where.function}+{where.offset:#x}{line}"


def _add(labels: list[Label], known: Known, where: Where | None, text: str) -> None:
    if where is None or not where.line:
        return
    path = locate(where.file, known.sources)
    if path is None:
        labels.append(Label(Span(where.file, where.line, 1, where.line, 1), f"{text}, in {where.function}"))
        return
    first, last = _extent(path, where.line)
    labels.append(Label(Span(path, where.line, first, where.line, last), f"{text}, in {where.function}"))


def _extent(path: str, line: int) -> tuple[int, int]:
    """Columns of a line's text without its indentation and comment."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = next((row for number, row in enumerate(file, 1) if number == line), "")
    except OSError:
        return 1, 1
    code = text.split("//")[0].split("/*")[0].rstrip()
    return len(code) - len(code.lstrip()) + 1, max(len(code), 1) + 1


def _state(report: Report, known: Known) -> list[str]:
    found = []
    state = report.state
    if "sstatus" in state and not report.panic:
        mode = "the guest's kernel" if state["sstatus"] & 0x100 else "the guest's user space"
        on = "on" if state.get("vsatp") else "off"
        found.append(f"{mode} was running, its address translation was {on}")
    elif "spsr" in state and not report.panic:
        mode = {0: "EL0", 4: "EL1", 5: "EL1"}.get(state["spsr"] & 0xf, "an unknown mode")
        on = "on" if state.get("sctlr", 0) & 1 else "off"
        found.append(f"the guest was at {mode}, its MMU was {on}")
    virtual = state.get("stval", state.get("far"))
    if report.address is not None and virtual is not None and virtual != report.address:
        found.append(f"the virtual address of the access: {virtual:#x}")
    names = _NAMES["aarch64" if "spsr" in state else "riscv"]
    held = [f"{names[n]} (x{n})" if n in names else f"x{n}" for n, value in sorted(report.registers.items())
            if virtual is not None and value == virtual and value]
    if held:
        found.append(f"the address stands in {' and '.join(held)}")
    if report.exits:
        found.append(f"exits of this vCPU up to then: {report.exits}")
    return found
