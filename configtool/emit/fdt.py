# SPDX-License-Identifier: Apache-2.0
"""A device tree as a flattened blob (DTB) and as readable source (DTS).

The layout of the blob is that of the Devicetree Specification 0.4, chapter 5, version 17: header, memory reservation
block (empty here: the plan reserves by nodes), structure block, strings block. Phandles are
ordinary properties of the tree.
"""
from __future__ import annotations

import struct
from typing import Iterator

from ..plan.model import Property, TreeNode

_MAGIC = 0xD00DFEED
_VERSION = 17
_COMPATIBLE_VERSION = 16
_BEGIN_NODE, _END_NODE, _PROP, _END = 1, 2, 3, 9
_HEADER = struct.Struct(">10I")


def _padded(data: bytes) -> bytes:
    """Padded with zeros to whole 32-bit words, as the structure block wants it."""
    return data + bytes(-len(data) % 4)


def serialise(tree: TreeNode, boot_cpu: int = 0) -> bytes:
    """The tree as a DTB of version 17. `boot_cpu` is the header's boot_cpuid_phys. Equal trees give equal bytes."""
    offsets: dict[str, int] = {}
    strings = bytearray()
    structure: list[bytes] = []

    def name_offset(name: str) -> int:
        if name not in offsets:
            wanted = name.encode("ascii") + b"\0"
            found = strings.find(wanted)                # the end of another name serves as well, as dtc has it
            offsets[name] = found if found >= 0 else len(strings)
            strings.extend(wanted if found < 0 else b"")
        return offsets[name]

    def add(node: TreeNode) -> None:
        structure.append(struct.pack(">I", _BEGIN_NODE) + _padded(node.name.encode("ascii") + b"\0"))
        for prop in node.properties:
            structure.append(struct.pack(">3I", _PROP, len(prop.value), name_offset(prop.name)) + _padded(prop.value))
        for child in node.children:
            add(child)
        structure.append(struct.pack(">I", _END_NODE))

    add(tree)
    structure.append(struct.pack(">I", _END))
    body = b"".join(structure)
    reservations = bytes(16)                    # one entry of zeros ends the list
    structure_at = _HEADER.size + len(reservations)
    strings_at = structure_at + len(body)
    header = _HEADER.pack(_MAGIC, strings_at + len(strings), structure_at, strings_at, _HEADER.size, _VERSION,
                          _COMPATIBLE_VERSION, boot_cpu, len(strings), len(body))
    return header + reservations + body + bytes(strings)


def to_dts(tree: TreeNode, comment: str = "") -> str:
    """The tree as DTS source that dtc compiles to the same blob. `comment`: lines for its head."""
    lines = [f"// {text}".rstrip() for text in comment.splitlines()]
    lines += ["/dts-v1/;", ""]
    lines += _node(tree, 0)
    return "\n".join(lines) + "\n"


def _node(node: TreeNode, depth: int) -> Iterator[str]:
    indent = "\t" * depth
    yield f"{indent}{node.name or '/'} {{"
    for prop in node.properties:
        yield f"{indent}\t{_property(prop)}"
    for i, child in enumerate(node.children):
        if i or node.properties:
            yield ""
        yield from _node(child, depth + 1)
    yield f"{indent}}};"


def _property(prop: Property) -> str:
    if not prop.value:
        return f"{prop.name};"
    return f"{prop.name} = {prop.text or '[' + prop.value.hex(' ') + ']'};"
