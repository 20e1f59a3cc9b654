# SPDX-License-Identifier: Apache-2.0
"""A YAML file into nodes that know their place, within stated bounds of size, depth and aliases.

libyaml gives events; the nodes are made here, because its composer recurses, lets a duplicate key win, and expands
aliases without bound.
"""
from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any, NoReturn

from .diagnostics import ConfigError, Diagnostic, Label, error
from .source import (MAX_BYTES, MAX_DEPTH, MAX_NODES, Allow, Document, Mapping, Node, Scalar, Sequence, Span,
                     Unreadable,
                     place, read_file, scalar_value, split_lines)
from .yaml_syntax import explain_syntax


_Extent = tuple[tuple[int, int], tuple[int, int]]     # from and to, as (line, column) from 0


def read_document(path: str, named_at: Span | None = None) -> Document:
    """Read a YAML file whose top is a mapping. `named_at` is where another file names it.

    Raises ConfigError for what is wrong in it, Unreadable when it cannot be read and nothing names it.
    """
    try:
        data = read_file(path, MAX_BYTES)
    except Unreadable as reason:
        if named_at is None:
            raise
        raise ConfigError(error("BH0001", f"cannot read {path}: {reason}", named_at, "named here",
                                help=["a path is relative to the folder of the file that names it"])) from None
    text = _decode(path, data)
    root, opaque = _Composer(path, text).compose()
    allows, mistakes = _allow_comments(path, text, opaque)
    if mistakes:
        raise ConfigError(*mistakes)
    return Document(path, text, root, allows)


def _decode(path: str, data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigError(error("BH0002", "the file is in UTF-16", Span(path), help=["save it as UTF-8"]))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        before = data[:bad.start].decode("utf-8-sig")
        span = place(path, before + "?", len(before))
        raise ConfigError(error("BH0002", f"the byte 0x{data[bad.start]:02x} is not UTF-8", span,
                                help=["save the file as UTF-8"])) from None
    wrong = _UNPRINTABLE.search(text)
    if wrong:
        raise ConfigError(error("BH0002", f"the file holds the control character U+{ord(wrong.group()):04X}",
                                place(path, text, wrong.start()),
                                help=["remove it; in a quoted string it can be written with a backslash"]))
    return text


# What YAML 1.2 (5.1) does not allow in a file; a byte order mark is allowed at the start, where decoding has removed
# it.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class _Frame:
    """A mapping or list that is being read."""

    def __init__(self, mapping: bool, event: Any) -> None:
        self.mapping = mapping
        self.event = event
        self.nodes: list[Node] = []     # of a mapping: keys and values in turn
        self.size = 1                   # nodes in it, aliases expanded


class _Composer:
    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.mistakes: list[Diagnostic] = []
        self.anchors: dict[str, tuple[Node, int] | None] = {}    # None: still being read
        self.anchor_spans: dict[str, Span] = {}
        self.opaque: list[_Extent] = []     # quoted and block scalars: a # in them is no comment

    def compose(self) -> tuple[Mapping, list[_Extent]]:
        import yaml

        root: Node | None = None
        node: Node
        stack: list[_Frame] = []
        documents = 0
        try:
            for event in yaml.parse(self.text, Loader=yaml.CSafeLoader):
                kind = type(event)
                if kind is yaml.ScalarEvent:
                    node, size = self._scalar(event), 1
                elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                    self._opened(event)
                    stack.append(_Frame(kind is yaml.MappingStartEvent, event))
                    if len(stack) > MAX_DEPTH:
                        self._stop("BH0009", f"more than {MAX_DEPTH} mappings and lists inside one another",
                                   self._span(event))
                    continue
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    frame = stack.pop()
                    node, size = self._closed(frame, event), frame.size
                elif kind is yaml.AliasEvent:
                    node, size = self._alias(event)
                elif kind is yaml.DocumentStartEvent:
                    documents += 1
                    if documents > 1:
                        self._stop("BH0007", "a second document starts here", self._span(event),
                                   help=["one file describes one system: remove the line ---, or use a file for each"])
                    if event.version or event.tags:
                        self._mistake("BH0010", "a % directive, which Bulkhead's language does not use",
                                      self._span(event),
                                      help=["remove the line"])
                    continue
                else:
                    continue
                if stack:
                    frame = stack[-1]
                    frame.nodes.append(node)
                    frame.size += size
                    if frame.size > MAX_NODES:
                        self._stop("BH0009", f"more than {MAX_NODES:,} values with all aliases expanded",
                                   self._span(event))
                else:
                    root = node
        except yaml.YAMLError as problem:
            self.mistakes.append(explain_syntax(self.file, self.text, problem))
        if self.mistakes:
            raise ConfigError(*self.mistakes)
        if not isinstance(root, Mapping):
            if root is None or isinstance(root, Scalar) and root.value is None:
                raise ConfigError(error("BH0006", "the file is empty", Span(self.file), help=[_START]))
            what = "a list" if isinstance(root, Sequence) else "a single value"
            raise ConfigError(error("BH0006", f"the file is {what}, not keys with values", root.span, help=[_START]))
        return root, self.opaque

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _mistake(self, code: str, message: str, span: Span, text: str = "", **more: Any) -> None:
        self.mistakes.append(error(code, message, span, text, **more))

    def _stop(self, code: str, message: str, span: Span, text: str = "", **more: Any) -> NoReturn:
        self._mistake(code, message, span, text, **more)
        raise ConfigError(*self.mistakes)

    def _opened(self, event: Any) -> None:
        """What every node can carry before its content: a tag and an anchor."""
        if event.tag is not None and event.tag != "!":
            self._mistake("BH0010", f"a tag, {_tag(event.tag)}, which Bulkhead's language does not use",
                          self._span(event),
                          help=["remove it; a value in quotes is a string"])
        if event.anchor is not None:
            span = self._span(event)
            if event.anchor in self.anchor_spans:
                self._mistake("BH0008", f"the anchor &{event.anchor} stands twice", span, "again here",
                              related=[Label(self.anchor_spans[event.anchor], "first here")],
                              help=["rename one of them"])
            self.anchors[event.anchor] = None
            self.anchor_spans[event.anchor] = span

    def _scalar(self, event: Any) -> Scalar:
        if event.tag is not None or event.anchor is not None:
            self._opened(event)
        plain = event.style is None or event.style == ""
        if not plain:
            start, end = event.start_mark, event.end_mark
            self.opaque.append(((start.line, start.column), (end.line, end.column)))
        node = Scalar(self._span(event), event.value, scalar_value(event.value, plain), plain)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1)
        return node

    def _alias(self, event: Any) -> tuple[Node, int]:
        span = self._span(event)
        if event.anchor not in self.anchors:
            import difflib
            near = difflib.get_close_matches(event.anchor, self.anchors, 1)
            self._stop("BH0008", f"there is no anchor &{event.anchor}", span,
                       help=[f"did you mean *{near[0]}?" if near else
                             f"a value that starts with * is an alias; in quotes it is a string: \"*{event.anchor}\""])
        known = self.anchors[event.anchor]
        if known is None:
            self._stop("BH0008", f"the alias *{event.anchor} stands inside what it stands for", span,
                       related=[Label(self.anchor_spans[event.anchor], "it stands for this")])
        return known

    def _closed(self, frame: _Frame, event: Any) -> Node:
        start, end = frame.event.start_mark, event.end_mark
        span = Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        node: Node = self._mapping(span, frame.nodes) if frame.mapping else Sequence(span, tuple(frame.nodes))
        if frame.event.anchor is not None:
            self.anchors[frame.event.anchor] = (node, frame.size)
        return node

    def _mapping(self, span: Span, nodes: list[Node]) -> Mapping:
        pairs: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        for key, value in zip(nodes[::2], nodes[1::2]):
            if not isinstance(key, Scalar):
                self._mistake("BH0010", "a key that is a list or a mapping", key.span, help=["a key is one word"])
            elif key.plain and key.text == "<<":
                self._mistake("BH0010", "a merge key <<, which YAML 1.2 does not have", key.span,
                              help=["write the keys out; variants of a whole system are made with extends:"])
            elif key.text in seen:
                self._mistake("BH0005", f"the key '{key.text}' stands twice", key.span, "again here",
                              related=[Label(seen[key.text].span, "first here")], help=["remove one of them"])
            else:
                seen[key.text] = key
                pairs.append((key, value))
        return Mapping(span, tuple(pairs))


_START = "a system description starts with: bulkhead: 1"


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


_ALLOW = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*bulkhead:[ \t]*allow\b(.*)")
_ALLOW_REST = re.compile(r"[ \t]+([A-Za-z]{2}[0-9]+)[ \t]+because[ \t]+(\S.*)")


def _allow_comments(file: str, text: str, opaque: list[_Extent]) -> tuple[tuple[Allow, ...], list[Diagnostic]]:
    """The comments that allow a warning. One on a line of its own speaks of the next line that is not a comment."""
    if "bulkhead:" not in text:
        return (), []
    allows, mistakes = [], []
    code = 0    # the nearest line from here on that is not a comment
    lines = split_lines(text)
    for number in range(len(lines), 0, -1):
        line = lines[number - 1]
        own = not line.strip() or line.lstrip().startswith("#")
        code = code if own else number
        found = _ALLOW.search(line) if "bulkhead:" in line else None
        if not found or _inside(opaque, (number - 1, found.start())):
            continue
        span = Span(file, number, found.start() + 1, number, len(line.rstrip()) + 1)
        rest = _ALLOW_REST.match(found.group(1))
        if rest:
            allows.append(Allow(rest.group(1).upper(), rest.group(2).rstrip(), span, code))
        else:
            mistakes.append(error("BH0011", "a comment that allows a warning gives its code and a reason", span,
                                  help=["write: # bulkhead: allow BH0412 because the rate is limited by the sender"]))
    return tuple(reversed(allows)), mistakes


def _inside(extents: list[_Extent], where: tuple[int, int]) -> bool:
    """Whether a place lies in one of some extents that are sorted and do not overlap."""
    index = bisect_right(extents, where, key=lambda extent: extent[0]) - 1
    return index >= 0 and where < extents[index][1]
