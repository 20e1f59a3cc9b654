# SPDX-License-Identifier: Apache-2.0
"""configtool explain-fault: what a console log tells of faults, with symbols, the lines of the description and causes."""
from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from ..diagnostics import UsageError
from .common import color, parser

if TYPE_CHECKING:
    from ..faults.known import Known
    from ..faults.log import Log


def main(arguments: list[str]) -> int:
    made = parser("explain-fault", "Find the faults and panics in a console log; show where in the guest's source and "
                  "in the description each belongs, what it may come from and what mends it. Exit code 1: there is one.")
    made.add_argument("log", metavar="LOG", help="the console's output; - reads standard input")
    made.add_argument("--system", metavar="FILE", help="the system description")
    made.add_argument("--built", metavar="DIR", help="where the system was built (default: build/<name>)")
    made.add_argument("--guests", metavar="DIR", help="where images are looked for that do not lie beside FILE")
    made.add_argument("--elf", metavar="VM=ELF[+OFFSET]", type=elf_argument, action="append", default=[], help="symbols of a "
                      "VM whose image has none (vmlinux of a kernel); OFFSET: how far it runs from where it is linked")
    made.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    made.add_argument("--color", choices=("auto", "always", "never"), default="auto",
                      help="colour (default: auto: on a terminal, unless NO_COLOR is set)")
    given = made.parse_args(arguments)

    from ..faults.known import gather
    from ..faults.log import read

    if given.system is not None and not os.path.exists(given.system):
        raise UsageError(f"cannot read {given.system}: there is no such file")
    try:
        if given.log == "-":
            log = read(sys.stdin.buffer)
        else:
            with open(given.log, "rb") as file:
                log = read(file)
    except OSError as problem:
        raise UsageError(f"cannot read {given.log}: {(problem.strerror or str(problem)).lower()}") from None
    name = "standard input" if given.log == "-" else given.log
    known = gather(given.system, given.built, given.guests, given.elf)
    remarks = known.remarks + _remarks(log, known)
    if given.format == "json":
        sys.stdout.write(_json(log, known, remarks, name))
    else:
        sys.stdout.write(_text(log, known, remarks, name, color(given.color, sys.stdout)))
    return 1 if log.reports else 0


def elf_argument(text: str) -> tuple[str, str, int]:
    """VM, path and offset of 'VM=ELF+OFFSET'. Raises argparse.ArgumentTypeError."""
    vm, equals, path = text.partition("=")
    path, _, offset = path.partition("+") if not os.path.exists(path) else (path, "", "")
    try:
        moved = int(offset, 0) if offset else 0
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{offset}' is no offset") from None
    if not equals or not vm or not path:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form VM=ELF or VM=ELF+OFFSET")
    return vm, path, moved


def _remarks(log: "Log", known: "Known") -> list[str]:
    found = []
    builds = [build for _, _, build in log.builds]
    if known.build_id and builds and known.build_id not in builds:
        found.append(f"the log is of build {builds[-1]}, and {known.folder} holds build {known.build_id}: lines and "
                     "symbols may be wrong")
    if log.left_out:
        found.append(f"{log.left_out:,} more reports differ from these and are left out")
    if log.reports and known.system is None and not known.plan:
        found.append("--system FILE shows the lines of the description, the symbols of its guests, and more of the causes")
    return found


def _text(log: "Log", known: "Known", remarks: list[str], name: str, colored: bool) -> str:
    from ..faults.show import explained
    from ..render.text import Renderer, count

    renderer = Renderer({}, colored)
    shown = [renderer.one(explained(report, known, name)) for report in log.reports]
    shown += [f"note: {remark}\n" for remark in remarks]
    if not log.reports:
        shown.append(f"no fault in {count(log.lines, 'line')}\n")
    return "\n".join(shown)


def _json(log: "Log", known: "Known", remarks: list[str], name: str) -> str:
    from ..faults.show import explained, frames

    reports = []
    for report in log.reports:
        text = explained(report, known, name)
        reports.append({
            "kind": text.severity, "message": text.message, "vm": report.vm, "vcpu": report.vcpu, "cpu": report.cpu,
            "line": report.at_line, "count": report.count, "access": report.access, "width": report.width,
            "address": report.address, "pc": report.pc, "frames": frames(report, known),
            "place": report.place and {"name": report.place.name, "first": report.place.first, "last": report.place.last,
                                       "access": report.place.access, "near": report.place.near,
                                       "file": report.place.file, "line": report.place.line},
            "state": report.state, "registers": [report.registers.get(n) for n in range(32)], "exits": report.exits,
            "end": report.end, "notes": list(text.notes), "help": list(text.help)})
    return json.dumps({"builds": [{"system": s, "board": b, "build": i} for s, b, i in log.builds], "reports": reports,
                       "remarks": remarks}, indent=2) + "\n"
