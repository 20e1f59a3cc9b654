# SPDX-License-Identifier: Apache-2.0
"""Device trees from parts: properties with their value as bytes and as DTS text.

Addresses and sizes of the trees made here have two cells each.
"""
from __future__ import annotations

import struct
from typing import Iterable

from .model import Property, TreeNode


def cells(name: str, *values: int) -> Property:
    decimal = name in _DECIMAL or name.endswith(_DECIMAL_ENDS)
    shown = " ".join(str(v) if decimal or v < 10 else f"{v:#x}" for v in values)
    return Property(name, struct.pack(f">{len(values)}I", *values), f"<{shown}>")


_DECIMAL_ENDS = ("-frequency", "-microvolt", "-microamp", "-hz", "-ms", "-us", "-ns", "-delay")
_DECIMAL = {"interrupts", "riscv,ndev", "riscv,num-sources", "riscv,num-ids", "id"}


def references(name: str, *targets: tuple[str, int] | tuple[str, int, int]) -> Property:
    """Phandles with at most one argument each, (path, phandle[, argument]): DTS source names the node, so that dtc can
    follow it."""
    numbers = [number for _, *entry in targets for number in entry]
    shown = (" ".join([f"&{{{path}}}", *map(str, entry[1:])]) for path, *entry in targets)
    return Property(name, struct.pack(f">{len(numbers)}I", *numbers), ", ".join(f"<{words}>" for words in shown))


def numbers64(name: str, *values: int) -> Property:
    """64-bit numbers of two cells each: addresses, `reg` as address, size, ..."""
    return cells(name, *(half for v in values for half in (v >> 32, v & 0xffff_ffff)))


def text(name: str, *values: str) -> Property:
    return Property(name, b"".join(v.encode() + b"\0" for v in values), ", ".join(_quoted(v) for v in values))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def flag(name: str) -> Property:
    return Property(name, b"", "")


def raw(name: str, value: bytes) -> Property:
    """A property of unknown type, shown as what it looks like."""
    if not value:
        return flag(name)
    parts = value[:-1].split(b"\0")
    if value[-1] == 0 and all(p and all(32 <= c < 127 for c in p) for p in parts):
        return text(name, *(p.decode("ascii") for p in parts))
    if len(value) % 4 == 0:
        return cells(name, *struct.unpack(f">{len(value) // 4}I", value))
    return Property(name, value, "[" + " ".join(f"{c:02x}" for c in value) + "]")


def node(name: str, properties: Iterable[Property | None], children: Iterable[TreeNode | None] = ()) -> TreeNode:
    """Entries that are None are left out."""
    return TreeNode(name, tuple(p for p in properties if p is not None), tuple(c for c in children if c is not None))
