# SPDX-License-Identifier: Apache-2.0
"""The report as one page of HTML that needs nothing else: for an assessor to keep."""
from __future__ import annotations

from html import escape
from typing import Iterable

from .case import plural, size_text
from .report import Check, Report
from .show import heading, result

_STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #222;
  background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } h3 { font-size: 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { border: 1px solid #ccc; padding: .2rem .6rem; text-align: left; vertical-align: top; }
th { background: #f3f3f3; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
code, td.n { font-family: ui-monospace, monospace; font-size: .9em; }
summary { cursor: pointer; }
.good { color: #14691b; } .bad { color: #b00020; }
.result { font-size: 1.1rem; font-weight: 600; }
"""


def page(report: Report) -> str:
    state = "good" if report.isolated else "bad"
    out = [
        "<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Isolation of {escape(report.system)}</title>", f"<style>\n{_STYLE}</style></head><body>",
        f"<h1>Isolation of {escape(report.system)} on {escape(report.board)}</h1>",
        f'<p class="result {state}">{escape(result(report))}</p>',
        *_table((), [("Image", report.image), ("Description", report.yaml), ("Architecture", report.arch),
                     ("Build id", report.build_id or "none"), ("SHA-256 of the ELF file", report.elf_sha256)]),
    ]
    if report.vms:
        out += ["<h2>VMs</h2>", *_table(("VM", "CPUs", "memory", "devices", "interrupts", "table nodes", "leaves"), [
            (vm.name, ", ".join(vm.cpus), size_text(vm.memory), ", ".join(vm.devices) or "none",
             ", ".join(map(str, vm.interrupts)) or "none", f"{vm.tables}",
             ", ".join(f"{n:,} of {size_text(size)}" for size, n in vm.leaves)) for vm in report.vms])]
    if report.pairs:
        out += ["<h2>Between each two VMs</h2>", *_table(("VMs", "memory", "doorbells", "devices"), [
            (f"{pair.one}, {pair.other}", "\n".join(pair.shares) or "nothing", "\n".join(pair.rings) or "none",
             "\n".join(pair.devices) or "none") for pair in report.pairs])]
    out.append("<h2>Checks</h2>")
    for check in report.checks:
        out += _check(check)
    if report.assumptions:
        out += ["<h2>What this rests on</h2>", "<ul>", *(f"<li>{escape(a)}</li>" for a in report.assumptions), "</ul>"]
    if report.vms:
        out.append("<h2>Address spaces</h2>")
    for vm in report.vms:
        out += [f"<h3>{escape(vm.name)}: {plural(vm.pages, 'page')}</h3>", *_table(
            ("guest-physical", "physical", "size", "access", "what"),
            [(f"{p.ipa:#x}", "-" if p.phys is None else f"{p.phys:#x}", size_text(p.size), p.access, p.what)
             for p in vm.pieces],
            numbers=3)]
    return "\n".join(out + ["</body></html>", ""])


def _check(check: Check) -> Iterable[str]:
    state, word = ("good", "passed") if check.passed else ("bad", "FAILED")
    yield f'<details{"" if check.passed else " open"}><summary><span class="{state}">{word}</span> ' \
          f"<code>{escape(check.name)}</code> {escape(heading(check))}</summary>"
    for finding in check.findings:
        yield f'<p class="bad">{escape(finding.message)}</p><ul>'
        for label in (finding.primary, *finding.related):
            place = f"{label.span.file}:{label.span.line}" if label.span.line else label.span.file
            yield f"<li><code>{escape(place)}</code> {escape(label.text)}</li>"
        yield from (f"<li>{escape(line)}</li>" for line in (*finding.notes, *finding.help))
        yield "</ul>"
    if check.more:
        yield f"<p>{plural(check.more, 'more finding')}</p>"
    if check.evidence:
        yield "<ul>"
        yield from (f"<li>{escape(line)}</li>" for line in check.evidence)
        yield "</ul>"
    yield "</details>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: int = 0) -> Iterable[str]:
    """The first `numbers` columns are set to the right."""
    yield "<table>"
    if head:
        yield "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f'<td{" class=n" if i < numbers else ""}>' + escape(cell).replace("\n", "<br>") + "</td>"
                               for i, cell in enumerate(row)) + "</tr>"
    yield "</table>"
