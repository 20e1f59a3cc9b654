# SPDX-License-Identifier: Apache-2.0
"""Device tree sources, through dtc: values from the tree that it compiles, places from the annotations that it writes.

`dtc -O dts -T -T` puts `file:line:column-line:column` behind every node and property, through `/include/` and
overrides; it and the compiling run go side by side. A source may be hostile: dtc runs with bounds on memory, time and
output.
"""
from __future__ import annotations

import os
import re
import resource
import selectors
import subprocess
import time
from dataclasses import dataclass
from functools import partial

from ..source import Span, Unreadable, read_file
from .dtb import MAX_BYTES, read_dtb
from .dts import DeviceTree, Node, parse_places

MAX_MEMORY = 1 << 30        # bytes of address space of one dtc
MAX_SECONDS = 10
MAX_TEXT = 32 << 20         # bytes of annotated source


class DtcError(Exception):
    """dtc could not compile the file: (place, message) for each of its complaints."""

    def __init__(self, complaints: list[tuple[Span, str]]) -> None:
        super().__init__("; ".join(m for _, m in complaints))
        self.complaints = complaints


@dataclass
class _Run:
    argv: list[str]
    limit: int
    out: bytearray
    err: bytearray
    code: int = -1


def run_bounded(commands: list[tuple[list[str], int]]) -> list[_Run]:
    """Run commands side by side, each with a limit on its output in bytes. Raises DtcError without a place (line 0)
    when one exceeds memory, time or output, FileNotFoundError when there is no such program."""
    runs = [_Run(argv, limit, bytearray(), bytearray()) for argv, limit in commands]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for run in runs:
            process = subprocess.Popen(run.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE,
                                       env={**os.environ, "LC_ALL": "C"})
            processes.append(process)
            try:
                resource.prlimit(process.pid, resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
                resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
            except (ProcessLookupError, PermissionError):
                pass                                # already at its end
        deadline = time.monotonic() + MAX_SECONDS
        with selectors.DefaultSelector() as selector:
            for run, process in zip(runs, processes):
                for pipe, buffer, limit in ((process.stdout, run.out, run.limit), (process.stderr, run.err, 1 << 20)):
                    assert pipe is not None
                    selector.register(pipe, selectors.EVENT_READ, (run, buffer, limit))
            while selector.get_map():
                left = deadline - time.monotonic()
                events = selector.select(left) if left > 0 else []
                if not events:
                    raise DtcError([(Span(commands[0][0][-1]), f"{runs[0].argv[0]} took longer than {MAX_SECONDS} s")])
                for key, _ in events:
                    run, buffer, limit = key.data
                    piece = os.read(key.fd, 1 << 18)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif len(buffer) + len(piece) <= limit:
                        buffer += piece
                    elif buffer is run.out:
                        raise DtcError([(Span(run.argv[-1]), f"the tree is larger than {limit >> 20} MiB")])
        for run, process in zip(runs, processes):
            run.code = process.wait()
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            process.wait()
    return runs


# 'Error: board.dts:4.8-12 syntax error', 'board.dts:7.3-9.5: ERROR (name_of_check): /node: text'
_SYNTAX = re.compile(r"^(?:Error|FATAL ERROR|Lexical error): (?P<file>.+?):(?P<line>\d+)\.(?P<column>\d+)"
                     r"(?:-(?:(?P<end_line>\d+)\.)?(?P<end_column>\d+))?:? (?P<text>.*)$")
_CHECK = re.compile(r"^(?P<file>.+?):(?P<line>\d+)\.(?P<column>\d+)(?:-(?:(?P<end_line>\d+)\.)?(?P<end_column>\d+))?: "
                    r"ERROR \(\w+\): (?P<text>.*)$")
_BARE = re.compile(r"^(?:ERROR|<[^>]*>: ERROR)(?: \(\w+\))?: (?P<text>.*)$")


def complaints(stderr: str, file: str) -> list[tuple[Span, str]]:
    """dtc's errors as places and messages; `file` where it names none."""
    found: list[tuple[Span, str]] = []
    fatal: list[tuple[Span, str]] = []
    for line in stderr.splitlines():
        match = _SYNTAX.match(line) or _CHECK.match(line)
        if match:
            row, column = int(match["line"]), int(match["column"])
            end_row = int(match["end_line"] or row)
            end_column = int(match["end_column"] or column + 1)
            text = match["text"].strip()
            if match["end_column"] and (end_row, end_column) <= (row, column):
                end_row, end_column = row, column + 1
            found.append((Span(match["file"], row, column, end_row, end_column), _lower(text)))
        elif bare := _BARE.match(line):
            if "aborting (use -f" not in bare["text"]:
                found.append((Span(file), _lower(bare["text"])))
        elif line.startswith("FATAL ERROR: ") and "Unable to parse input tree" not in line:
            fatal.append((Span(file), _lower(line.removeprefix("FATAL ERROR: "))))
    return found or fatal


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def read_dts(path: str) -> DeviceTree:
    """The tree of a source file, with places. `path` is used as it is in spans. Raises DtcError, DtbError,
    FileNotFoundError (no dtc)."""
    argument = path if os.path.isabs(path) else os.path.join(".", path)
    values, text = run_bounded([(["dtc", "-q", "-I", "dts", "-O", "dtb", argument], MAX_BYTES),
                                (["dtc", "-q", "-I", "dts", "-O", "dts", "-T", "-T", argument], MAX_TEXT)])
    if values.code != 0:
        raise DtcError(_explained(values, path, argument))
    tree = read_dtb(bytes(values.out), path)
    if text.code == 0:
        _Annotations(text.out.decode("utf-8", "replace"), argument, path).apply(tree.root)
    return DeviceTree(path, tree.root, tree.reservations)


def _explained(run: _Run, path: str, argument: str) -> list[tuple[Span, str]]:
    said = complaints(run.err.decode("utf-8", "replace"), path)
    found = [(_renamed(span, argument, path), text) for span, text in said]
    if found:
        return [(_include(path, text) or span, text) if not span.line else (span, text) for span, text in found[:20]]
    return [(Span(path), "dtc ran out of memory" if run.code in (-6, -9, -11) or b"alloc" in run.err else
             f"dtc failed with exit status {run.code}")]


_INCLUDE = re.compile(rb'^[ \t]*/include/[ \t]*"([^"\n]*)"', re.MULTILINE)
_OPENED = re.compile(r'couldn\'t open "(.*)": ')


def _include(path: str, complaint: str) -> Span | None:
    """The /include/ that names a file which dtc could not open; dtc itself does not say where that stands."""
    wanted = _OPENED.match(complaint)
    if not wanted:
        return None
    missing = os.path.normpath(wanted[1])
    files, seen = [path], {os.path.normpath(path)}
    while files and len(seen) < 100:
        file = files.pop()
        try:
            data = read_file(file, MAX_BYTES)
        except Unreadable:
            continue
        for found in _INCLUDE.finditer(data):
            name = os.path.normpath(os.path.join(os.path.dirname(file), os.fsdecode(found[1])))
            if name == missing or os.fsdecode(found[1]) == wanted[1]:
                line = data.count(b"\n", 0, found.start(1)) + 1
                column = found.start(1) - data.rfind(b"\n", 0, found.start(1)) - 1
                return Span(file, line, column, line, column + len(found[1]) + 2)
            if name not in seen:
                seen.add(name)
                files.append(name)
    return None


def _renamed(span: Span, argument: str, path: str) -> Span:
    """dtc says './x.dts' where it was told so, and './././y.dtsi' for what that includes; users say 'x.dts'."""
    file = path if span.file == argument else os.path.normpath(span.file)
    return Span(file, span.line, span.column, span.end_line, span.end_column)


_OPEN = re.compile(r"^((?:[\w,.+-]+: )*)([^\s{]+) \{(?: /\* (.*) \*/)?$")
_LABELS = re.compile(r"^(?:[\w,.+-]+: )+")


class _Annotations:
    """The places and labels in dtc's annotated source, put onto a tree read from the compiled one."""

    def __init__(self, text: str, argument: str, path: str) -> None:
        self._text = text
        self._argument = argument
        self._path = path
        self._lines: dict[str, list[bytes]] = {}

    def apply(self, root: Node) -> None:
        node: Node | None = None            # None: a node that the compiled tree does not have, or outside of all
        stack: list[Node | None] = []
        taken: dict[int, int] = {}          # id of a node -> how many of its children have been met
        for line in self._text.splitlines():
            line = line.strip()
            if not line:
                continue
            if line.startswith("};"):
                node = stack.pop() if stack else None
                continue
            opened = _OPEN.match(line)
            if opened:
                stack.append(node)
                node = self._child(node, opened[2], root, taken)
                if node is not None:
                    node.labels = tuple(opened[1].replace(":", " ").split())
                    if opened[3]:
                        node.place(partial(self._node_places, node, opened[3]))
                continue
            if node is None:
                continue
            name_end = line.find(" = ")
            comment = line.rfind("; /* ")
            if comment < 0:
                continue
            name = line[:name_end if 0 <= name_end < comment else comment]
            prop = node.get(_LABELS.sub("", name) if ": " in name else name)
            if prop is not None:
                prop.place(partial(self._property_place, node, line[comment + 5:-3]))

    def _node_places(self, node: Node, text: str) -> tuple[Span, ...]:
        return tuple(self._name_place(p, node) for p in self._places(text)) or (Span(self._path),)

    def _property_place(self, node: Node, text: str) -> Span:
        """Of the last definition. dtc makes up some properties (phandle), which have none."""
        places = self._places(text)
        return places[-1] if places else node.span

    @staticmethod
    def _child(node: Node | None, name: str, root: Node, taken: dict[int, int]) -> Node | None:
        if name == "/":
            return root
        if node is None:
            return None
        at = taken.get(id(node), 0)
        taken[id(node)] = at + 1
        if at < len(node.children) and node.children[at].name == name:
            return node.children[at]
        return next((c for c in node.children if c.name == name), None)

    def _places(self, text: str) -> tuple[Span, ...]:
        return tuple(self._chars(_renamed(p, self._argument, self._path)) for p in parse_places(text))

    def _line(self, file: str, line: int) -> bytes:
        """A line of a source, empty where it cannot be had (a file of the preprocessor that is gone)."""
        lines = self._lines.get(file)
        if lines is None:
            try:
                lines = read_file(file, MAX_BYTES).split(b"\n")
            except Unreadable:
                lines = []
            self._lines[file] = lines
        return lines[line - 1] if 0 < line <= len(lines) else b""

    def _chars(self, span: Span) -> Span:
        """dtc counts bytes; spans count characters."""
        first, last = self._line(span.file, span.line), self._line(span.file, span.end_line)
        if first.isascii() and last.isascii():
            return span
        return Span(span.file, span.line, len(first[:span.column - 1].decode("utf-8", "replace")) + 1,
                    span.end_line, len(last[:span.end_column - 1].decode("utf-8", "replace")) + 1)

    def _name_place(self, span: Span, node: Node) -> Span:
        """dtc's place of a node begins at its brace; one points at the name or reference that stands before it."""
        before = self._line(span.file, span.line).decode("utf-8", "replace")[:span.column - 1].rstrip()
        start = before.rfind("&{") if before.endswith("}") else max(before.rfind(c) for c in " \t;}{:") + 1
        name = before[start:] if start >= 0 else ""
        if name.startswith("&") or name.endswith("/" if node.parent is None else node.name):
            return Span(span.file, span.line, start + 1, span.line, len(before) + 1)
        return span
