# SPDX-License-Identifier: Apache-2.0
"""A device tree as source text that compiles to the same tree."""
from __future__ import annotations

from .dts import DeviceTree, Node, Property

# Left by `dtc -@` for overlays: names and labels stand in the text itself.
_GENERATED = ("__symbols__", "__fixups__", "__local_fixups__")


def dts_text(tree: DeviceTree, heading: str) -> str:
    """`heading` are lines of a comment at the top."""
    lines = ["/*", *(f" * {line}".rstrip() for line in heading.splitlines()), " */", "/dts-v1/;", ""]
    lines += [f"/memreserve/ {base:#x} {size:#x};" for base, size in tree.reservations]
    lines += [""] if tree.reservations else []
    lines += ["/ {"]
    # (node, depth) to open, or (None, depth) to close
    stack: list[tuple[Node | None, int]] = [(None, 0)]
    lines += [f"\t{_property(p)};" for p in tree.root.properties]
    stack += [(child, 1) for child in reversed(tree.root.children)]
    while stack:
        node, depth = stack.pop()
        tabs = "\t" * depth
        if node is None:
            lines.append(f"{tabs}}};")
            continue
        if depth == 1 and node.name in _GENERATED:
            continue
        if lines[-1] and not lines[-1].endswith("{"):
            lines.append("")
        labels = "".join(f"{label}: " for label in node.labels)
        lines.append(f"{tabs}{labels}{node.name} {{")
        lines += [f"{tabs}\t{_property(p)};" for p in node.properties]
        stack.append((None, depth))
        stack += [(child, depth + 1) for child in reversed(node.children)]
    return "\n".join(lines) + "\n"


def _property(prop: Property) -> str:
    if not prop.value:
        return prop.name
    return f"{prop.name} = {value_text(prop)}"


def value_text(prop: Property) -> str:
    """A value by its likely type: strings, cells, or bytes. Any of them compiles to the same bytes."""
    value = prop.value
    numbers = (prop.name.startswith("#") or prop.name.endswith("-frequency")
               or prop.name in ("reg", "ranges", "interrupts", "phandle"))
    if _printable(value) and (not numbers or len(value) % 4):
        strings = [s.decode("ascii").replace("\\", "\\\\").replace('"', '\\"') for s in value[:-1].split(b"\0")]
        return ", ".join(f'"{s}"' for s in strings)
    if len(value) % 4 == 0:
        return "<" + " ".join(f"{int.from_bytes(value[i:i + 4], 'big'):#x}" for i in range(0, len(value), 4)) + ">"
    return "[" + value.hex(" ") + "]"


def _printable(value: bytes) -> bool:
    """Strings, each closed by a zero and none empty (cells look like that, too)."""
    return value[-1] == 0 and all(s and all(32 <= c < 127 for c in s) for s in value[:-1].split(b"\0"))
