# SPDX-License-Identifier: Apache-2.0
"""Reader of flattened device trees (Devicetree Specification v0.4, chapter 5), for files that nobody vouches for.

Every offset is checked before it is followed, and sizes and counts are bounded, so that a file cut short or made to
harm gives a message. Tests hold it against libfdt.
"""
from __future__ import annotations

import struct

from ..source import Span
from .dts import DeviceTree, Node, Property

MAGIC = 0xD00DFEED
MAX_BYTES = 2 << 20         # Linux takes no more (Documentation/arch/arm64/booting.rst); its largest has 0.25 MiB
MAX_THINGS = 50_000         # nodes and properties; the largest tree that Linux carries has 8,212
MAX_PATH = 1024             # characters
MAX_DEPTH = 64
MAX_NAME = 255              # the specification has 31; real trees exceed that

_BEGIN_NODE, _END_NODE, _PROP, _NOP, _END = 1, 2, 3, 4, 9


class DtbError(Exception):
    """The file is not a device tree that can be read; the text says what is wrong, and where in the file."""


def _name(blob: bytes, at: int, end: int, what: str) -> str:
    stop = blob.find(b"\0", at, min(end, at + MAX_NAME + 1))
    if stop < 0:
        raise DtbError(f"the name of a {what} at offset {at:#x} does not end within {MAX_NAME} bytes")
    try:
        return blob[at:stop].decode("ascii")
    except UnicodeDecodeError:
        raise DtbError(f"the name of a {what} at offset {at:#x} is not ASCII") from None


def read_dtb(blob: bytes, file: str) -> DeviceTree:
    """The tree in `blob`; `file` stands in its spans, with line 0. Raises DtbError."""
    if len(blob) < 40:
        raise DtbError(f"the file ends after {len(blob)} bytes, within the header")
    if len(blob) > MAX_BYTES:
        raise DtbError(f"larger than {MAX_BYTES >> 20} MiB, the most that is read of a device tree")
    magic, total, off_struct, off_strings, off_reserve, version, compatible = struct.unpack_from(">7I", blob)
    size_strings, size_struct = struct.unpack_from(">2I", blob, 32)
    if magic != MAGIC:
        raise DtbError(f"the file starts with {magic:#010x}, not with {MAGIC:#010x}, the mark of a device tree")
    if version < 17 or compatible > 17:
        raise DtbError(f"version {version} of the format, compatible with {compatible}; only 17 is read")
    if total > len(blob):
        raise DtbError(f"the file is cut short: its header says {total} bytes, there are {len(blob)}")
    for what, at, size in (("structure", off_struct, size_struct), ("strings", off_strings, size_strings)):
        if at < 40 or at + size > total:
            raise DtbError(f"the {what} block ({size} bytes at offset {at:#x}) does not lie within the file")
    if off_struct % 4 or off_reserve % 8:
        raise DtbError("a block is not aligned as the format asks")

    reservations: list[tuple[int, int]] = []
    at = off_reserve
    while True:
        if at + 16 > total or at < 40:
            raise DtbError("the memory reservation block does not end within the file")
        address, size = struct.unpack_from(">2Q", blob, at)
        if address == 0 and size == 0:
            break
        reservations.append((address, size))
        at += 16
        if len(reservations) > 1024:
            raise DtbError("more than 1024 memory reservations")

    root = _read_structure(blob, file, off_struct, off_struct + size_struct, off_strings, off_strings + size_strings)
    _take_labels(root)
    return DeviceTree(file, root, tuple(reservations))


def _read_structure(blob: bytes, file: str, at: int, end: int, strings: int, strings_end: int) -> Node:
    span = (Span(file),)
    names: dict[int, str] = {}
    root: Node | None = None
    node: Node | None = None
    depth = things = 0
    while True:
        if at + 4 > end:
            raise DtbError("the structure block ends before its last node is closed")
        token = blob[at:at + 4]
        where, at = at, at + 4
        if token == b"\0\0\0\3":
            if node is None:
                raise DtbError(f"a property outside any node at offset {where:#x}")
            if at + 8 > end:
                raise DtbError(f"the property at offset {where:#x} is cut short")
            length, offset = struct.unpack_from(">2I", blob, at)
            at += 8
            if at + length > end:
                raise DtbError(f"the property at offset {where:#x} is cut short")
            name = names.get(offset)
            if name is None:
                if offset >= strings_end - strings:
                    raise DtbError(f"the name of the property at offset {where:#x} lies outside the strings block")
                name = names[offset] = _name(blob, strings + offset, strings_end, "property")
            node.add(Property(name, blob[at:at + length], span[0]))
            at += (length + 3) & ~3
        elif token == b"\0\0\0\1":
            name = _name(blob, at, end, "node")
            at = (at + len(name) + 4) & ~3
            if node is None:
                if root is not None:
                    raise DtbError(f"a second root node at offset {where:#x}")
                root = node = Node("", None, span)
            else:
                if not name or "/" in name:
                    raise DtbError(f"a node at offset {where:#x} has the name '{name}'")
                child = Node(name, node, span)
                if len(child.path) > MAX_PATH:
                    raise DtbError(f"the path of the node at offset {where:#x} is longer than {MAX_PATH} characters")
                node.children.append(child)
                node = child
            depth += 1
            if depth > MAX_DEPTH:
                raise DtbError(f"nodes more than {MAX_DEPTH} deep at offset {where:#x}")
        elif token == b"\0\0\0\2":
            if node is None:
                raise DtbError(f"the end of a node that was not begun at offset {where:#x}")
            node = node.parent
            depth -= 1
            continue
        elif token == b"\0\0\0\4":
            continue
        elif token == b"\0\0\0\x09":
            break
        else:
            raise DtbError(f"{int.from_bytes(token, 'big'):#x} at offset {where:#x} is not a token of the format")
        things += 1
        if things > MAX_THINGS:
            raise DtbError(f"more than {MAX_THINGS:,} nodes and properties")
    if root is None or node is not None:
        raise DtbError("the structure block ends before its last node is closed")
    return root


def _take_labels(root: Node) -> None:
    """Labels survive in a .dtb where it was compiled with `-@`: /__symbols__ has a property for each."""
    symbols = next((c for c in root.children if c.name == "__symbols__"), None)
    if symbols is None:
        return
    nodes = {node.path: node for node in root.walk()}
    for prop in symbols.properties:
        target = nodes.get(prop.value.rstrip(b"\0").decode("utf-8", "replace"))
        if target is not None:
            target.labels += (prop.name,)
