# SPDX-License-Identifier: Apache-2.0
"""The report for people in a terminal, and for programs."""
from __future__ import annotations

from typing import Any, Iterable, Mapping

from ..diagnostics import Diagnostic, Label
from ..render.text import Renderer
from .case import plural, size_text
from .reach import pair_text, place, reached_text
from .report import Check, Pair, Reached, Report, Share

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
            lines = [*map(_share, pair.shares), *pair.rings] or ["nothing"]
            rows += [(pair.one, pair.other, lines[0])] + [("", "", line) for line in lines[1:]]
        out += _table(rows) + [""]
    if evidence:
        out += _statements(report)
    width = max(len(check.name) for check in report.checks)
    for check in report.checks:
        state = "ok" if check.passed else "FAILED"
        out.append(f"  {state.ljust(6)}  {check.name.ljust(width)}  {check.title} ({plural(check.count, check.unit)})")
        out += [f"          {' ' * width}  - {line}" for line in check.evidence] if evidence else []
    out += ["", result(report), ""]
    return "\n".join(out)


def _share(share: Share) -> str:
    return f"{share.name} {size_text(share.size)}: {share.how} ({place(share.span)})"


def _statements(report: Report) -> list[str]:
    """Who reaches what, one line for each, and the inputs."""
    out = ["  statements"]
    for pair in report.pairs:
        first, *more = pair_text(pair)
        out += [f"  - {first}", *(f"      {line}" for line in more)]
    for vm, reached in zip(report.vms, report.reached):
        out += [f"  - {reached_text(vm.name, found)}" for found in reached]
    out += ["", f"  {report.tool}, build {report.build_id or 'unknown'}, {report.arch}, interrupt controller "
                f"{report.controller}", "", "  SHA-256"]
    rows: list[tuple[str, ...]] = [(report.elf_sha256, "image", report.image)]
    rows += [(report.flat_sha256, "the same as a flat file", "")] if report.flat_sha256 else []
    rows += [(i.sha256 or f"not read: {i.problem}", i.role, i.path) for i in report.inputs]
    return out + _table(rows) + [""]


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))).rstrip() for row in rows]


def result(report: Report) -> str:
    """One line: '2 VMs, 19 checks, 8,257 pages walked: isolated'."""
    failed = [check for check in report.checks if not check.passed]
    counts = ((len(report.vms), "VM"), (len(report.checks), "check"), (report.pages, "page"))
    start = ", ".join(plural(count, unit) for count, unit in counts) + " walked: "
    if report.isolated:
        return start + "isolated"
    if not failed:
        return f"{start}NOT isolated: {strays(report)[0]}"
    names = ", ".join(check.name for check in failed)
    rest = "" if report.vms else ", and the others build on it"
    return f"{start}NOT isolated: {plural(len(failed), 'check')} failed ({names}){rest}"


def strays(report: Report) -> list[str]:
    """What is reached without a reason, as statements."""
    found = [line for pair in report.pairs if pair.stray for line in pair_text(pair)]
    return found + [reached_text(vm.name, r) for vm, reached in zip(report.vms, report.reached) for r in reached if r.stray]


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
        "interrupt_controller": report.controller, "tool": report.tool, "description": report.yaml,
        "image": report.image, "build_id": report.build_id, "elf_sha256": report.elf_sha256,
        "flat_sha256": report.flat_sha256,
        "inputs": [{"role": i.role, "file": i.path, "size": i.size, "sha256": i.sha256,
                    **({"problem": i.problem} if i.problem else {})} for i in report.inputs],
        "vms": [{
            "name": vm.name, "cpus": list(vm.cpus), "memory": vm.memory, "devices": list(vm.devices),
            "interrupts": list(vm.interrupts), "tables": vm.tables, "pages": vm.pages,
            "leaves": [{"size": size, "entries": entries} for size, entries in vm.leaves],
            "map": [{"ipa": p.ipa, "phys": p.phys, "size": p.size, "access": p.access, "what": p.what}
                    for p in vm.pieces],
            "trusted_dma": [{"device": name, "because": why} for name, why in vm.trusted],
        } for vm in report.vms],
        "pairs": [_pair(pair) for pair in report.pairs],
        "reach": [{"vm": vm.name, "targets": [_reached(found) for found in reached]}
                  for vm, reached in zip(report.vms, report.reached)],
        "devices": [{"name": use.name, "registers": _ranges(use.registers), "interrupts": list(use.interrupts),
                     "holder": use.holder, "dma": use.dma,
                     **({"file": use.place.file, "line": use.place.line} if use.place else {})} for use in report.uses],
        "memory": [{"from": block.start, "to": block.end, "owners": list(block.owners)} for block in report.physical],
        "checks": [{"name": check.name, "title": check.title, "passed": check.passed, "count": check.count,
                    "unit": check.unit,
                    "evidence": check.evidence, "findings": [_finding(f) for f in check.findings], "more": check.more}
                   for check in report.checks],
        "assumptions": list(report.assumptions),
    }, indent=2) + "\n"


def _pair(pair: Pair) -> dict[str, Any]:
    first, *more = pair_text(pair)
    return {
        "vms": [pair.one, pair.other], "isolated": not pair.stray,
        "statement": first + (f" {'; '.join(more)}" if more else ""),
        "pages": [pair.one_pages, pair.other_pages], "common": pair.common,
        "shared": [{"what": share.name, "how": share.how, "size": share.size, "physical": _ranges(share.where),
                    "access": list(share.access),
                    "file": share.span.file, "line": share.span.line} for share in pair.shares],
        "doorbells": list(pair.rings), "powers": list(pair.powers), "stray": _ranges(pair.stray)}


def _reached(found: Reached) -> dict[str, Any]:
    return {"what": found.what, "count": found.count, "unit": found.unit, "pages": found.pages,
            "reached": _ranges(found.allowed), "because": found.why, "stray": _ranges(found.stray)}


def _ranges(ranges: Iterable[tuple[int, int]]) -> list[list[int]]:
    return [[start, end] for start, end in ranges]


def _finding(finding: Diagnostic) -> dict[str, Any]:
    return {"message": finding.message, **_label(finding.primary), "related": [_label(r) for r in finding.related],
            "notes": list(finding.notes), "help": list(finding.help)}


def _label(label: Label) -> dict[str, Any]:
    return {"file": label.span.file, "line": label.span.line, "column": label.span.column, "text": label.text}


def heading(check: Check) -> str:
    return f"{check.title} ({plural(check.count, check.unit)})"
