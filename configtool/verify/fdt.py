# SPDX-License-Identifier: Apache-2.0
"""The guests' device trees, read from the bytes that the guest will read.

Source: Devicetree Specification 0.4, chapter 5 (flattened format), sections 2.2 (nodes) and 2.3 (standard properties).
"""
from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Iterator

_BEGIN, _END, _PROP, _NOP, _LAST = 1, 2, 3, 4, 9
_DEPTH = 32
LARGEST = 2 << 20               # what Linux takes


class BadTree(Exception):
    """The bytes are no device tree. The text says why."""


@dataclass
class Node:
    path: str
    properties: dict[str, bytes] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    parent: "Node | None" = None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def walk(self) -> Iterator["Node"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def child(self, name: str) -> "Node | None":
        return next((c for c in self.children if c.name == name), None)

    def cells(self, name: str) -> tuple[int, ...]:
        value = self.properties.get(name, b"")
        return struct.unpack(f">{len(value) // 4}I", value[:len(value) // 4 * 4])

    def cell(self, name: str, default: int) -> int:
        found = self.cells(name)
        return found[0] if len(found) == 1 else default

    def strings(self, name: str) -> list[str]:
        value = self.properties.get(name, b"")
        return [s.decode("utf-8", "replace") for s in value.split(b"\0")[:-1]]

    def reg(self) -> list[tuple[int, int]]:
        """(address, size) of each entry, in the parent's address space. Raises BadTree."""
        parent = self.parent
        width = (parent.cell("#address-cells", 2), parent.cell("#size-cells", 1)) if parent else (2, 1)
        found = self.cells("reg")
        step = sum(width)
        if not 1 <= width[0] <= 2 or width[1] > 2 or len(self.properties.get("reg", b"")) % (4 * step):
            raise BadTree(f"reg of {self.path} is not in its parent's cells")
        return [(_number(found[i:i + width[0]]), _number(found[i + width[0]:i + step])) for i in range(0, len(found),
                                                                                                       step)]


def _number(cells: tuple[int, ...]) -> int:
    value = 0
    for cell in cells:
        value = value << 32 | cell
    return value


def size(header: bytes) -> int:
    """totalsize, from the first bytes. Raises BadTree."""
    if len(header) < 40 or header[:4] != b"\xd0\x0d\xfe\xed":
        raise BadTree("there is no device tree blob: its magic number is missing")
    total = int.from_bytes(header[4:8], "big")
    if not 40 <= total <= LARGEST:
        raise BadTree(f"the device tree blob says that it has {total:,} bytes")
    return total


def parse(data: bytes) -> Node:
    """The root. Raises BadTree."""
    total = size(data)
    if total > len(data):
        raise BadTree("the device tree blob ends too early")
    structure, strings, _, version, _, _, strings_size, structure_size = struct.unpack_from(">8I", data, 8)
    if version < 17 or structure % 4 or structure + structure_size > total or strings + strings_size > total:
        raise BadTree("the header of the device tree blob is damaged")
    at, end = structure, structure + structure_size
    root: Node | None = None
    node: Node | None = None
    depth = 0
    while at + 4 <= end:
        token = int.from_bytes(data[at:at + 4], "big")
        at += 4
        if token == _BEGIN:
            stop = data.find(b"\0", at, end)
            if stop < 0 or depth >= _DEPTH or root is not None and node is None:
                break
            name = data[at:stop].decode("utf-8", "replace")
            made = Node("/" if node is None else f"{node.path.rstrip('/')}/{name}", parent=node)
            if node is None:
                root = made
            else:
                node.children.append(made)
            node, depth, at = made, depth + 1, stop + 4 & ~3
        elif token == _END and node is not None:
            node, depth = node.parent, depth - 1
        elif token == _PROP and node is not None and at + 8 <= end:
            length, name_at = struct.unpack_from(">2I", data, at)
            stop = data.find(b"\0", strings + name_at, strings + strings_size)
            if at + 8 + length > end or stop < 0 or name_at >= strings_size:
                break
            node.properties[data[strings + name_at:stop].decode("utf-8", "replace")] = data[at + 8:at + 8 + length]
            at += 8 + length + 3 & ~3
        elif token == _LAST and root is not None and node is None:
            return root
        elif token != _NOP:
            break
    raise BadTree(f"the structure of the device tree blob is damaged at offset {at - 4:#x}")
