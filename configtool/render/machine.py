# SPDX-License-Identifier: Apache-2.0
"""Diagnostics for programs: JSON of our own, SARIF 2.1.0, and the workflow commands of GitHub."""
from __future__ import annotations

import os
from typing import Any, Mapping, Sequence

from .. import __version__
from ..diagnostics import Diagnostic, Label
from ..rules.registry import Rule
from ..source import Span


def to_json(diagnostics: Sequence[Diagnostic]) -> str:
    import json

    def label(value: Label) -> dict[str, Any]:
        span = value.span
        place = {} if span.line == 0 else {
            "line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}
        return {"file": span.file, **place, "text": value.text}

    return json.dumps({
        "errors": sum(d.severity == "error" for d in diagnostics),
        "warnings": sum(d.severity == "warning" for d in diagnostics),
        "diagnostics": [{"code": d.code, "severity": d.severity, "message": d.message, **label(d.primary),
                         "related": [label(r) for r in d.related], "notes": list(d.notes), "help": list(d.help)}
                        for d in diagnostics],
    }, indent=2) + "\n"


def to_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands (docs.github.com, "Workflow commands for GitHub Actions"), one for each diagnostic."""
    def data(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    def field(text: str) -> str:
        return data(text).replace(":", "%3A").replace(",", "%2C")

    lines = []
    for d in diagnostics:
        span = d.primary.span
        fields = [f"file={field(relative(span.file))}"]
        if span.line:
            fields += [f"line={span.line}", f"col={span.column}", f"endLine={span.end_line}",
                       f"endColumn={span.end_column}"]
        fields.append(f"title={field(d.code)}")
        text = "\n".join([d.message, *(f"note: {note}" for note in d.notes), *(f"help: {help_}" for help_ in d.help)])
        lines.append(f"::{d.severity} {','.join(fields)}::{data(text)}\n")
    return "".join(lines)


def to_sarif(diagnostics: Sequence[Diagnostic], rules: Mapping[str, Rule]) -> str:
    """SARIF 2.1.0 (OASIS, sections 3.13 to 3.30); columns count Unicode code points, the end is exclusive."""
    import json
    from urllib.parse import quote

    used = sorted({d.code for d in diagnostics})

    def location(label: Label) -> dict[str, Any]:
        path = relative(label.span.file)
        outside = path.startswith("..")         # of the repository: no segment may lead out of a base
        artifact = {"uri": "file://" + quote(os.path.abspath(label.span.file), errors="replace")} if outside else \
            {"uri": quote(path, errors="replace"), "uriBaseId": "%SRCROOT%"}
        physical: dict[str, Any] = {"artifactLocation": artifact}
        if label.span.line:
            physical["region"] = _region(label.span)
        made: dict[str, Any] = {"physicalLocation": physical}
        if label.text:
            made["message"] = {"text": label.text}
        return made

    def result(d: Diagnostic) -> dict[str, Any]:
        text = ". ".join([d.message, *d.notes, *d.help])
        made: dict[str, Any] = {"ruleId": d.code, "ruleIndex": used.index(d.code), "level": d.severity,
                                "message": {"text": text},
                                "locations": [location(d.primary)]}
        if d.related:
            made["relatedLocations"] = [{"id": number, **location(label)} for number, label in enumerate(d.related, 1)]
        return made

    def descriptor(code: str) -> dict[str, Any]:
        rule = rules.get(code)
        if rule is None:
            return {"id": code}
        return {"id": code, "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.explain.strip()},
                "defaultConfiguration": {"level": rule.severity}}

    return json.dumps({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "configtool", "version": __version__,
                                "rules": [descriptor(code) for code in used]}},
            "columnKind": "unicodeCodePoints",
            "results": [result(d) for d in diagnostics],
        }],
    }, indent=2) + "\n"


def _region(span: Span) -> dict[str, int]:
    return {"startLine": span.line, "startColumn": span.column, "endLine": span.end_line, "endColumn": span.end_column}


def relative(path: str) -> str:
    """A path as the repository knows it: relative to the folder above it that holds `.git`, or else to where we are."""
    full = os.path.abspath(path)
    folder = os.path.dirname(full)
    while folder != os.path.dirname(folder):
        if os.path.exists(os.path.join(folder, ".git")):
            return os.path.relpath(full, folder)
        folder = os.path.dirname(folder)
    return os.path.relpath(full)
