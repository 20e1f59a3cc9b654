# SPDX-License-Identifier: Apache-2.0
"""Diagnostics for people: the message, the line that it is about, the other place, what to do."""
from __future__ import annotations

from typing import Mapping, Sequence

from ..diagnostics import Diagnostic, Label
from ..source import MAX_BYTES, Unreadable, read_file, split_lines

_TAB = "    "
_WIDTH = 140     # a longer line of source is shown in part


class Renderer:
    """`texts` holds files that were read already; others are read when a snippet needs them."""

    def __init__(self, texts: Mapping[str, str], color: bool = False) -> None:
        self._lines: dict[str, list[str]] = {file: split_lines(text) for file, text in texts.items()}
        self._color = color

    def render(self, diagnostics: Sequence[Diagnostic], max_errors: int = 0) -> str:
        """All of them, or as many as hold `max_errors` errors (0: no limit), then one line with the count."""
        shown: list[str] = []
        errors = 0
        left = 0
        for diagnostic in diagnostics:
            if diagnostic.severity == "error":
                errors += 1
                if max_errors and errors > max_errors:
                    left += 1
                    continue
            shown.append(self.one(diagnostic))
        if left:
            shown.append(f"{count(left, 'more error')}: --max-errors 0 shows all\n")
        if diagnostics:
            shown.append(summary(diagnostics) + "\n")
        return "\n".join(shown)

    def one(self, diagnostic: Diagnostic) -> str:
        labels = [diagnostic.primary, *diagnostic.related]
        width = max([len(str(label.span.line)) for label in labels if self._line(label) is not None], default=1)
        pad = " " * width
        main = "33" if diagnostic.severity == "warning" else "31"
        mark = f"[{diagnostic.code}]" if diagnostic.code else ""
        out = [self._paint(f"{diagnostic.severity}{mark}", main, bold=True)
               + self._paint(f": {_safe(diagnostic.message)}", "", bold=True)]
        for number, label in enumerate(labels):
            arrow = "-->" if number == 0 else ":::"
            line = self._line(label)
            where = label.span.file + (f":{label.span.line}:{label.span.column}" if label.span.line else "")
            tail = f" {_safe(label.text)}" if line is None and label.text else ""
            out.append(f"{pad}{self._paint(arrow, '34')} {_safe(where)}{tail}")
            if line is None:
                continue
            text, start, length = _window(line, label)
            bar = self._paint("|", "34")
            if number == 0:
                out.append(f"{pad} {bar}")
            out.append(f"{self._paint(str(label.span.line).rjust(width), '34')} {bar} {text}")
            sign = self._paint(("^" if number == 0 else "-") * length, main if number == 0 else "34", bold=number == 0)
            out.append(f"{pad} {bar} {' ' * start}{sign}{' ' + _safe(label.text) if label.text else ''}")
        equals = self._paint("=", "34")
        out.extend(f"{pad} {equals} note: {_indent(note, width)}" for note in diagnostic.notes)
        out.extend(f"{pad} {equals} {self._paint('help', '36')}: {_indent(text, width)}" for text in diagnostic.help)
        if diagnostic.code:
            out.append(f"{pad} {equals} explain: configtool explain {diagnostic.code}")
        return "\n".join(out) + "\n"

    def _line(self, label: Label) -> str | None:
        """The line of source that a label stands in; None where there is no text to show."""
        if label.span.line == 0:
            return None
        if label.span.file not in self._lines:
            try:
                text = read_file(label.span.file, MAX_BYTES).decode("utf-8-sig", "replace")
            except Unreadable:
                text = ""
            self._lines[label.span.file] = split_lines(text) if text else []
        lines = self._lines[label.span.file]
        return lines[label.span.line - 1] if label.span.line <= len(lines) else None

    def _paint(self, text: str, color: str, bold: bool = False) -> str:
        if not self._color:
            return text
        codes = ";".join(code for code in ("1" if bold else "", color) if code)
        return f"\033[{codes}m{text}\033[0m"


def _window(line: str, label: Label) -> tuple[str, int, int]:
    """The line as shown, and column and length of the underline in it, as a terminal counts them."""
    first = min(label.span.column - 1, len(line))
    last = label.span.end_column - 1 if label.span.end_line == label.span.line else len(line.rstrip())
    last = max(min(last, len(line)), first)
    before, after = "", ""
    if len(line) > _WIDTH:
        left = max(0, min(first - _WIDTH // 3, len(line) - _WIDTH))
        before, after = "..." if left else "", "..." if left + _WIDTH < len(line) else ""
        line, first, last = line[left:left + _WIDTH], first - left, min(last - left, _WIDTH)
    start = len(before) + _columns(line[:first])
    return before + _show(line).rstrip() + after, start, max(_columns(line[first:last]), 1)


def _show(text: str) -> str:
    return _safe(text.replace("\t", _TAB))


def _safe(text: str) -> str:
    """Text without the control characters that a file could steer a terminal with."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" if ord(c) < 256 else "?" for c in text)


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    text = _show(text)
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _indent(text: str, width: int) -> str:
    """Lines after the first stand under the first."""
    return _safe(text).replace("\n", "\n" + " " * (width + 9))


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = len(diagnostics) - errors
    return " and ".join(count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number)


def count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
