# SPDX-License-Identifier: Apache-2.0
"""Files with positions: where a piece of text stands, and YAML as nodes that know it.

The scalars are those of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/, section 10.3): `on` and `12:30` are
strings, and a number with a leading zero or an underscore is a string too, so that nobody gets an octal by accident.
"""
from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import Iterator, Union

MAX_BYTES = 4 << 20     # of one YAML file
MAX_NODES = 100_000     # of one YAML file, aliases expanded
MAX_DEPTH = 40          # mappings and lists inside one another


@dataclass(frozen=True, order=True)
class Span:
    """A piece of a file. Lines and columns count from 1; the end is exclusive. Line 0: the file as a whole."""
    file: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class Scalar:
    """`value` is None, a bool, an int, a float or a str; `text` is what stands in the file, without quotes."""
    span: Span
    text: str
    value: None | bool | int | float | str
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Sequence:
    span: Span
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys are scalars, each once, in the file's order; their names are their texts."""
    span: Span
    pairs: tuple[tuple[Scalar, "Node"], ...]

    def get(self, name: str) -> "Node | None":
        return next((value for key, value in self.pairs if key.text == name), None)

    def key(self, name: str) -> Scalar | None:
        return next((key for key, _ in self.pairs if key.text == name), None)

    def __iter__(self) -> Iterator[tuple[Scalar, "Node"]]:
        return iter(self.pairs)


Node = Union[Scalar, Sequence, Mapping]


@dataclass(frozen=True)
class Allow:
    """A comment `# bulkhead: allow BH0412 because ...`. `line` is the line that it speaks of."""
    code: str
    reason: str
    span: Span
    line: int


@dataclass(frozen=True)
class Document:
    file: str
    text: str
    root: Mapping
    allows: tuple[Allow, ...] = ()


class Unreadable(Exception):
    """A file that cannot be read; the text says why and follows its name: 'it is a directory'."""


def read_file(path: str, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises Unreadable; never blocks on a FIFO or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise Unreadable("there is no such file") from None
    except (OSError, ValueError) as error:
        raise Unreadable(_reason(error)) from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable("it is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("it is no regular file")
        if status.st_size > limit:
            raise Unreadable(f"it has {status.st_size:,} bytes, and {limit:,} is the most that is read")
        pieces: list[bytes] = []
        got = 0
        while got <= limit:
            piece = os.read(descriptor, limit + 1 - got)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            got += len(piece)
        raise Unreadable(f"it grew beyond {limit:,} bytes, the most that is read")
    except OSError as error:
        raise Unreadable(_reason(error)) from None
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]


# What counts as the end of a line for libyaml, and so for the line numbers of its marks.
BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def split_lines(text: str) -> list[str]:
    """The lines of a text, counted as libyaml and this module count them."""
    return BREAK.split(text)


def place(file: str, text: str, offset: int, length: int = 1) -> Span:
    """The span of `length` characters at an offset into a text."""
    line, start = 1, 0
    for found in BREAK.finditer(text, 0, offset):
        if found.end() > offset:
            break
        line, start = line + 1, found.end()
    column = offset - start + 1
    return Span(file, line, column, line, column + length)


_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_BASED = re.compile(r"0(?:x[0-9a-fA-F]+|o[0-7]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)\Z")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None,
          "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER_LENGTH = 40     # a longer one is a string: nothing in the language is that large


def scalar_value(text: str, plain: bool = True) -> None | bool | int | float | str:
    """The value of a scalar in YAML 1.2's core schema, but with a leading zero or an underscore it stays a string."""
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "0123456789+-." and len(text) <= _NUMBER_LENGTH:
        if _INT.match(text):
            return int(text)
        if _BASED.match(text):
            return int(text[2:], 16 if text[1] == "x" else 8)
        if _FLOAT.match(text):
            return float(text)
    return text
