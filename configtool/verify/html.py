# SPDX-License-Identifier: Apache-2.0
"""The report as one page of HTML that needs nothing else, no script either: for an assessor to keep.

It holds no time and no path that was not given, so equal input makes equal bytes.
"""
from __future__ import annotations

from html import escape
from typing import Iterable

from . import picture
from .case import plural, size_text
from .reach import pair_text, place, reached_text
from .report import Check, Pair, Reached, Report
from .show import heading, result, strays

_STYLE = """\
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; margin: 0 auto; max-width: 76rem; padding: 1.5rem;
  color: #1d2329; background: #fff; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 2px solid #dfe3e8; }
p { max-width: 60rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { border: 1px solid #d3d8de; padding: .25rem .6rem; text-align: left; vertical-align: top; }
th { background: #f2f4f7; font-weight: 600; }
td.n { text-align: right; white-space: nowrap; }
code, td.n, td.h { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .85em; }
td.h { word-break: break-all; }
.scroll { overflow-x: auto; }
.matrix td { font-size: .87rem; min-width: 6.5rem; }
td.none { background: #eef7ee; color: #14591a; } td.share { background: #fff8dc; } td.self { background: #f2f4f7; color: #667; }
td.wrong { background: #fbdadd; color: #8c0019; font-weight: 600; }
.good { color: #14691b; } .bad { color: #b00020; font-weight: 600; }
.result { font-size: 1.1rem; font-weight: 600; padding: .7rem 1rem; border-left: .4rem solid; margin: 1rem 0; max-width: none; }
.result.good { background: #eef7ee; } .result.bad { background: #fbdadd; }
details { border: 1px solid #d3d8de; border-radius: 4px; padding: .3rem .7rem; margin: .35rem 0; }
details ul { columns: 30rem; font-size: .9rem; margin: .3rem 0; }
summary { cursor: pointer; }
.maps { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; }
figure { margin: .5rem 0; } figcaption { font-weight: 600; font-size: .95rem; margin-bottom: .2rem; }
svg { max-width: 100%; height: auto; }
svg text { font: 12px system-ui, "DejaVu Sans", sans-serif; } svg .size { font-size: 11px; }
svg .at { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; text-anchor: end; fill: #56606b; }
svg .frame { fill: none; stroke: #59636e; } svg .free { fill: #fff; }
svg .gap { stroke: #9aa4af; stroke-dasharray: 2 5; }
.key span { display: inline-block; border: 1px solid #59636e; padding: 0 .5rem; margin: 0 .3rem .3rem 0; font-size: .85rem; }
@media print { details::details-content { content-visibility: visible; block-size: auto; } h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; } }
"""


def page(report: Report) -> str:
    state = "good" if report.isolated else "bad"
    title = f"Isolation of {report.system} on {report.board}"
    out = [
        "<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>", f"<style>\n{_STYLE}</style></head><body>", f"<h1>{escape(title)}</h1>",
        f'<p class="result {state}">{escape(result(report))}</p>',
        *(f'<p class="bad">{escape(line)}</p>' for line in strays(report)),
        "<p>Read from the finished image: the translation tables as the hardware walks them, the configuration as it was "
        "compiled, each byte that the guests start with. Compared with the description, the board's device tree and the "
        "guests' files.</p>",
        *_table((), [("Image", report.image), ("Description", report.yaml),
                     ("Board", f"{report.board}, {report.arch}, interrupt controller {report.controller}"),
                     ("Build id", report.build_id or "none"), ("Verified by", report.tool)]),
    ]
    if report.vms:
        out += ["<h2>VMs</h2>", *_table(("VM", "CPUs", "memory", "devices", "interrupts", "table nodes", "leaves"), [
            (vm.name, ", ".join(vm.cpus), size_text(vm.memory), ", ".join(vm.devices) or "none",
             ", ".join(map(str, vm.interrupts)) or "none", f"{vm.tables}",
             ", ".join(f"{n:,} of {size_text(size)}" for size, n in vm.leaves)) for vm in report.vms])]
        out += ["<h2>Who reaches what</h2>",
                "<p>Each row: all that a VM reaches through its tables, intersected with what stands above the column. "
                "Green: nothing. Yellow: what the description shares, by name. Red: without a reason.</p>",
                *_matrix(report)]
    if report.pairs:
        out += ["<h2>Between each two VMs</h2>", "<ul>", *(line for pair in report.pairs for line in _pair(pair)), "</ul>"]
    if report.vms:
        out += ["<h2>Each VM and what is no VM's</h2>", "<ul>", *(
            f"<li{' class=bad' if found.stray else ''}>{escape(reached_text(vm.name, found))}</li>"
            for vm, reached in zip(report.vms, report.reached) for found in reached), "</ul>"]
        out += ["<h2>Memory</h2>", *_key(report), *picture.physical(report), '<div class="maps">',
                *(line for vm in report.vms for line in picture.guest(report, vm)), "</div>"]
    if report.uses:
        out += ["<h2>Devices of the board</h2>", *_table(("device", "registers", "interrupts", "who has it", "given at",
                                                          "DMA"), [
            (use.name, "\n".join(f"{start:#x} to {end:#x}" for start, end in use.registers),
             ", ".join(map(str, use.interrupts)), use.holder or "nobody", place(use.place) if use.place else "", use.dma)
            for use in report.uses])]
    out.append("<h2>Checks</h2>")
    for check in report.checks:
        out += _check(check)
    if report.assumptions:
        out += ["<h2>What this rests on</h2>", "<ul>", *(f"<li>{escape(a)}</li>" for a in report.assumptions), "</ul>"]
    if report.vms:
        out += ["<h2>Address spaces</h2>"]
    for vm in report.vms:
        out += [f"<h3>{escape(vm.name)}: {plural(vm.pages, 'page')}</h3>", *_table(
            ("guest-physical", "physical", "size", "access", "what"),
            [(f"{p.ipa:#x}", "-" if p.phys is None else f"{p.phys:#x}", size_text(p.size), p.access, p.what)
             for p in vm.pieces],
            numbers=3)]
    out += ["<h2>Files</h2>", *_table(("what", "file", "bytes", "SHA-256"), [
        ("image", report.image, "", report.elf_sha256),
        *([("the same as a flat file", "", "", report.flat_sha256)] if report.flat_sha256 else []),
        *((i.role, i.path, f"{i.size:,}", i.sha256 or f"not read: {i.problem}") for i in report.inputs)], hashes=True)]
    return "\n".join(out + ["</body></html>", ""])


def _matrix(report: Report) -> Iterable[str]:
    names = [vm.name for vm in report.vms]
    pairs = {(pair.one, pair.other): pair for pair in report.pairs}
    yield '<div class="scroll"><table class="matrix">'
    columns = [*names, *(found.what for found in report.reached[0])]
    yield "<tr><th>reaches</th>" + "".join(f"<th>{escape(name)}</th>" for name in columns) + "</tr>"
    for vm, reached in zip(names, report.reached):
        cells = [_pair_cell(vm, pairs.get((vm, other)) or pairs.get((other, vm))) for other in names]
        cells += [_cell(found) for found in reached]
        yield f"<tr><th>{escape(vm)}</th>" + "".join(
            f'<td class="{kind}">' + escape(text).replace("\n", "<br>") + "</td>" for kind, text in cells) + "</tr>"
    yield "</table></div>"


def _pair_cell(vm: str, pair: Pair | None) -> tuple[str, str]:
    if pair is None:
        return "self", "its own"
    if pair.stray:
        return "wrong", "\n".join(f"{start:#x} to {end:#x}" for start, end in pair.stray[:4])
    lines = [f"{share.name}, {size_text(share.size)}, {share.access[vm != pair.one]}" for share in pair.shares]
    lines += [f"rings {line.partition('(')[2].rstrip(')')}" for line in pair.rings if line.startswith(f"{vm} rings ")]
    return ("share", "\n".join(lines)) if lines else ("none", "nothing")


def _cell(found: Reached) -> tuple[str, str]:
    if found.stray:
        return "wrong", "\n".join(f"{start:#x} to {end:#x}" for start, end in found.stray[:4])
    if found.allowed:
        return "share", found.why
    return "none", f"nothing of {plural(found.pages, 'page')}"


def _pair(pair: Pair) -> Iterable[str]:
    first, *more = pair_text(pair)
    yield f"<li{' class=bad' if pair.stray else ''}>{escape(first)}"
    lines = [*more, *pair.rings]
    if lines:
        yield "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
    yield "</li>"


def _key(report: Report) -> Iterable[str]:
    fills = picture.colors(report)
    wanted = {owner for block in report.physical for owner in block.owners}
    yield '<p class="key">' + "".join(f'<span style="background:{fill}">{escape(name)}</span>'
                                      for name, fill in fills.items() if name in wanted) + \
        "<span style=\"background:#ffe97f\">channel</span><span style=\"background:#eeeeee\">device</span></p>"


def _check(check: Check) -> Iterable[str]:
    state, word = ("good", "passed") if check.passed else ("bad", "FAILED")
    short = len(check.evidence) <= 12
    yield f'<details{" open" if short or not check.passed else ""}><summary><span class="{state}">{word}</span> ' \
          f"<code>{escape(check.name)}</code> {escape(heading(check))}</summary>"
    for finding in check.findings:
        yield f'<p class="bad">{escape(finding.message)}</p><ul>'
        for label in (finding.primary, *finding.related):
            where = f"{label.span.file}:{label.span.line}" if label.span.line else label.span.file
            yield f"<li><code>{escape(where)}</code> {escape(label.text)}</li>"
        yield from (f"<li>{escape(line)}</li>" for line in (*finding.notes, *finding.help))
        yield "</ul>"
    if check.more:
        yield f"<p>{plural(check.more, 'more finding')}</p>"
    if check.evidence:
        yield "<ul>"
        yield from (f"<li>{escape(line)}</li>" for line in check.evidence)
        yield "</ul>"
    yield "</details>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: int = 0, hashes: bool = False) -> Iterable[str]:
    """The first `numbers` columns are set to the right; with `hashes` the last one may break anywhere."""
    yield '<div class="scroll"><table>'
    if head:
        yield "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"
    for row in rows:
        classes = [" class=n" if i < numbers else " class=h" if hashes and i == len(row) - 1 else "" for i in range(len(row))]
        yield "<tr>" + "".join(f"<td{kind}>" + escape(cell).replace("\n", "<br>") + "</td>"
                               for kind, cell in zip(classes, row)) + "</tr>"
    yield "</table></div>"
