# SPDX-License-Identifier: Apache-2.0
"""libyaml's complaints in words that say what to do."""
from __future__ import annotations

import re
from typing import Any

from .diagnostics import Diagnostic, Label, error
from .source import Span, split_lines


def explain_syntax(file: str, text: str, problem: Any) -> Diagnostic:
    """A yaml.YAMLError as a diagnostic: BH0004 where a tab is to blame, else BH0003."""
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    said = str(getattr(problem, "problem", None) or problem).splitlines()[0]
    context = str(getattr(problem, "context", None) or "")
    if mark is None:
        return error("BH0003", f"no valid YAML: {said}", Span(file))
    lines = split_lines(text)
    line, column = _visible(lines, mark.line, mark.column)
    span = Span(file, line + 1, column + 1, line + 1, column + 2)
    tab = _tab_in_indent(file, lines, mark.line)
    if tab:
        return error("BH0004", "a tab in the indentation", tab, help=["YAML indents with spaces; two for each level"])
    start = getattr(problem, "context_mark", None)
    opened = Span(file, start.line + 1, start.column + 1, start.line + 1, start.column + 2) if start else None
    message, label, help_ = _words(said, context, lines, line, column)
    related = [Label(opened, "it starts here")] if opened and "unclosed" in message and opened != span else []
    return error("BH0003", message, span, label, related=related, help=[help_] if help_ else [])


def _visible(lines: list[str], line: int, column: int) -> tuple[int, int]:
    """The mark, or where text ends before it: an end of file is shown after the last thing that stands there."""
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1].rstrip())
    if lines[line][column:].strip() or lines[line][:column].strip():
        return line, column
    while line > 0 and not lines[line].strip():
        line -= 1
        column = len(lines[line].rstrip())
    return line, column


def _tab_in_indent(file: str, lines: list[str], line: int) -> Span | None:
    """A tab in the indentation of the line, or of one of the two before it (libyaml notices some of them late)."""
    for number in range(min(line, len(lines) - 1), max(line - 3, -1), -1):
        indent = re.match(r"[ \t]*", lines[number])
        column = indent.group().find("\t") if indent else -1
        if column >= 0 and lines[number].strip():
            return Span(file, number + 1, column + 1, number + 1, column + 2)
    return None


def _words(said: str, context: str, lines: list[str], line: int, column: int) -> tuple[str, str, str]:
    """Message, text under the place, and help."""
    rest = lines[line][column:] if line < len(lines) else ""
    if "quoted scalar" in context and "unexpected end" in said:
        return "an unclosed quote", "the text ends here", "close the string with the quote that it started with"
    if "flow sequence" in context:
        return ("an unclosed list [ ]", "a comma or ] should stand here",
                "separate items by commas; close the list with ]")
    if "flow mapping" in context:
        return ("an unclosed mapping { }", "a comma or } should stand here",
                "separate pairs by commas; close the mapping with }")
    if "mapping values are not allowed" in said and _under_value(lines, line):
        return ("a key that is indented under a line with a value", "",
                "give it the indentation of the line above, or end that line with its ':'")
    if "mapping values are not allowed" in said:
        return ("a ': ' where no key can be", "", "put a value that holds ': ' in quotes")
    if "block sequence entries are not allowed" in said:
        return "a list item '- ' where no list can be", "", "start the list on a new line below its key, indented"
    if "could not find expected ':'" in said:
        return "a line without ':' where a key should be", "", "write 'key: value'"
    if "expected '-' indicator" in said:
        return "a line among list items that is no item", "", "start it with '- ', or indent it under the item above"
    if "did not find expected key" in said:
        if rest[:1] not in ("", " ") and column and not lines[line][:column].isspace():
            return "text after a complete value", "", "put the whole value in quotes, or remove the rest"
        return ("a line that fits none of the lines above", "",
                "indent keys that belong together alike; two spaces for each level")
    if "cannot start any token" in said:
        return f"a value that starts with '{rest[:1]}'", "", "put the value in quotes"
    if "unknown escape" in said or "escaped" in said or "escape" in said:
        return "a backslash with a letter that means nothing", "", "write \\\\ for a backslash, or use single quotes"
    if "expected alphabetic or numeric" in said:
        return "an anchor or alias (& or *) without a name", "", "put a value that starts with & or * in quotes"
    if "tag" in context or "tag" in said:
        return "a value that starts with '!'", "", "put the value in quotes"
    if "incompatible YAML document" in said or "YAML version" in said:
        return "a %YAML line with a version that does not exist", "", "remove the line"
    if "expected <document start>" in said:
        return "text after the end of the document", "", "remove the line '...', or what follows it"
    if "expected node content" in said and not rest:
        return "an unclosed [ or {", "the text ends here", "close the list with ] or the mapping with }"
    if "expected node content" in said:
        return f"no value before '{rest[:1]}'", "", "write the value, or remove the sign"
    return f"no valid YAML: {said}", "", ""


def _under_value(lines: list[str], line: int) -> bool:
    """Whether this line is indented deeper than the one above it, which is 'key: value'."""
    above = next((text for text in reversed(lines[:line]) if text.strip() and not text.lstrip().startswith("#")), "")
    return (_indent(lines[line]) > _indent(above) and re.match(r" *[^\s:]+: +[^\s#|>]", above) is not None
            and re.match(r" *[^\s:]+:( |$)", lines[line]) is not None)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
