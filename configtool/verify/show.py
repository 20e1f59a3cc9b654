# SPDX-License-Identifier: Apache-2.0
"""The report for people in a terminal, and for programs."""
from __future__ import annotations

from typing import Any, Mapping

from ..diagnostics import Diagnostic, Label
from ..render.text import Renderer
from .case import plural, size_text
from .report import Check, Report

DOCUMENT = "docs/verify.md"


def text(report: Report, evidence: bool = False) -> str:
    """The table of VMs, that of pairs, the checks, and one line with the result. `evidence`: what each check saw."""
    out = [f"{report.image}: {report.system} for {report.board}, build {report.build_id[:16] or 'unknown'}", ""]
    if report.vms:
        rows: list[tuple[str, ...]] = [("VM", "CPUs", "memory", "devices")]
        rows += [(vm.name, ", ".join(vm.cpus), size_text(vm.memory), ", ".join(vm.devices) or "-") for vm in report.vms]
        out += _table(rows) + [""]
    if report.pairs:
        rows = [("between", "", "shared by the description")]
        for pair in report.pairs:
            lines = [*pair.shares, *pair.rings, *(f"device {name}" for name in pair.devices)] or ["nothing"]
            rows += [(pair.one, pair.other, lines[0])] + [("", "", line) for line in lines[1:]]
        out += _table(rows) + [""]
    width = max(len(check.name) for check in report.checks)
    for check in report.checks:
        state = "ok" if check.passed else "FAILED"
        out.append(f"  {state.ljust(6)}  {check.name.ljust(width)}  {check.title} ({plural(check.count, check.unit)})")
        out += [f"          {' ' * width}  - {line}" for line in check.evidence] if evidence else []
    out += ["", result(report), ""]
    return "\n".join(out)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))).rstrip() for row in rows]


def result(report: Report) -> str:
    """One line: '2 VMs, 19 checks, 8,257 pages walked: isolated'."""
    failed = [check for check in report.checks if not check.passed]
    counts = ((len(report.vms), "VM"), (len(report.checks), "check"), (report.pages, "page"))
    start = ", ".join(plural(count, unit) for count, unit in counts) + " walked: "
    if not failed:
        return start + "isolated"
    names = ", ".join(check.name for check in failed)
    rest = "" if report.vms else ", and the others build on it"
    return f"{start}NOT isolated: {plural(len(failed), 'check')} failed ({names}){rest}"


def findings(report: Report, texts: Mapping[str, str], color: bool) -> str:
    """The diagnostics, with the lines of YAML that they speak of."""
    renderer = Renderer(texts, color)
    out = []
    for check in report.checks:
        for finding in check.findings:
            lines = renderer.one(finding).rstrip("\n").split("\n")
            explain = lines[-1].rpartition("explain:")[0]       # where a rule's code would be explained
            out.append("\n".join([*lines[:-1], f"{explain}see: {DOCUMENT}, {finding.code}"]) + "\n")
        if check.more:
            out.append(f"{check.name}: {plural(check.more, 'more finding')}\n")
    return "\n".join(out)


def to_json(report: Report) -> str:
    import json

    return json.dumps({
        "isolated": report.isolated, "system": report.system, "board": report.board, "arch": report.arch,
        "description": report.yaml, "image": report.image, "build_id": report.build_id, "elf_sha256": report.elf_sha256,
        "vms": [{
            "name": vm.name, "cpus": list(vm.cpus), "memory": vm.memory, "devices": list(vm.devices),
            "interrupts": list(vm.interrupts), "tables": vm.tables, "pages": vm.pages,
            "leaves": [{"size": size, "entries": entries} for size, entries in vm.leaves],
            "map": [{"ipa": p.ipa, "phys": p.phys, "size": p.size, "access": p.access, "what": p.what}
                    for p in vm.pieces],
            "trusted_dma": [{"device": name, "because": why} for name, why in vm.trusted],
        } for vm in report.vms],
        "pairs": [{"vms": [pair.one, pair.other], "memory": list(pair.shares), "doorbells": list(pair.rings),
                   "devices": list(pair.devices)} for pair in report.pairs],
        "checks": [{"name": check.name, "title": check.title, "passed": check.passed, "count": check.count,
                    "unit": check.unit,
                    "evidence": check.evidence, "findings": [_finding(f) for f in check.findings], "more": check.more}
                   for check in report.checks],
        "assumptions": list(report.assumptions),
    }, indent=2) + "\n"


def _finding(finding: Diagnostic) -> dict[str, Any]:
    return {"message": finding.message, **_label(finding.primary), "related": [_label(r) for r in finding.related],
            "notes": list(finding.notes), "help": list(finding.help)}


def _label(label: Label) -> dict[str, Any]:
    return {"file": label.span.file, "line": label.span.line, "column": label.span.column, "text": label.text}


def heading(check: Check) -> str:
    return f"{check.title} ({plural(check.count, check.unit)})"
