# SPDX-License-Identifier: Apache-2.0
"""Device trees as syntax: nodes and properties that know where they stand. Their meaning is in `extract` and `model`.

A tree comes from a `.dts` (`dtc.py`) or a `.dtb` (`dtb.py`). Values are the raw big-endian bytes; the helpers read them
as the Devicetree Specification (v0.4, section 2.2.4) defines their types. A helper raises `TreeError` where the bytes
do not have that form, with the place to point at.
"""
from __future__ import annotations

import re
from typing import Callable, Iterator

from ..source import Span


class TreeError(Exception):
    """A property or node that does not have the form its meaning asks for. `span` is the place to mend."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


class Property:
    """A property: its name, raw value and place (of the last definition, the one that counts)."""

    __slots__ = ("name", "value", "_span")

    def __init__(self, name: str, value: bytes, span: "Span | Callable[[], Span]") -> None:
        self.name = name
        self.value = value
        self._span = span       # most are never asked for, so it may be what finds it

    @property
    def span(self) -> Span:
        if not isinstance(self._span, Span):
            self._span = self._span()
        return self._span

    def place(self, span: "Span | Callable[[], Span]") -> None:
        self._span = span

    def __repr__(self) -> str:
        return f"Property({self.name!r}, {self.value!r})"

    @property
    def cells(self) -> tuple[int, ...]:
        """The value as 32-bit cells."""
        if len(self.value) % 4:
            raise TreeError(f"{self.name} is {len(self.value)} bytes long, not a whole number of 32-bit cells",
                            self.span)
        return tuple(int.from_bytes(self.value[i:i + 4], "big") for i in range(0, len(self.value), 4))

    @property
    def u32(self) -> int:
        if len(self.value) != 4:
            raise TreeError(f"{self.name} is {len(self.value)} bytes long where one 32-bit cell is meant", self.span)
        return int.from_bytes(self.value, "big")

    @property
    def number(self) -> int:
        """The value as one number of 32 or 64 bits."""
        if len(self.value) not in (4, 8):
            raise TreeError(f"{self.name} is {len(self.value)} bytes long where one number of 32 or 64 bits is meant",
                            self.span)
        return int.from_bytes(self.value, "big")

    @property
    def strings(self) -> tuple[str, ...]:
        """The value as a list of strings, each closed by a zero byte."""
        if not self.value:
            return ()
        if self.value[-1]:
            raise TreeError(f"{self.name} is not a string: it does not end in a zero byte", self.span)
        return tuple(s.decode("utf-8", "replace") for s in self.value[:-1].split(b"\0"))

    @property
    def string(self) -> str:
        strings = self.strings
        if len(strings) != 1:
            raise TreeError(f"{self.name} holds {len(strings)} strings where one is meant", self.span)
        return strings[0]


class Node:
    """A node. `span` is its first definition, `places` all of them (an override by `&label` is one) in their order."""

    __slots__ = ("name", "parent", "labels", "properties", "children", "_places", "path", "_byname", "_children")

    def __init__(self, name: str, parent: "Node | None", places: tuple[Span, ...],
                 labels: tuple[str, ...] = ()) -> None:
        self.name = name
        self.parent = parent
        self.labels = labels
        self._places: "tuple[Span, ...] | Callable[[], tuple[Span, ...]]" = places
        self.properties: list[Property] = []
        self.children: list[Node] = []
        self._byname: dict[str, Property] = {}
        self._children: dict[str, Node | None] | None = None
        if parent is None:
            self.path = "/"
        else:
            self.path = f"{parent.path}{name}" if parent.parent is None else f"{parent.path}/{name}"

    def __repr__(self) -> str:
        return f"Node({self.path!r})"

    def add(self, prop: Property) -> None:
        self.properties.append(prop)
        self._byname[prop.name] = prop

    @property
    def places(self) -> tuple[Span, ...]:
        if not isinstance(self._places, tuple):
            self._places = self._places()
        return self._places

    def place(self, places: "tuple[Span, ...] | Callable[[], tuple[Span, ...]]") -> None:
        self._places = places

    @property
    def span(self) -> Span:
        return self.places[0]

    @property
    def label(self) -> str | None:
        return self.labels[0] if self.labels else None

    @property
    def unit_name(self) -> str:
        """The name before the `@`."""
        return self.name.partition("@")[0]

    def get(self, name: str) -> Property | None:
        return self._byname.get(name)

    def has(self, name: str) -> bool:
        return name in self._byname

    def cells(self, name: str) -> tuple[int, ...]:
        """The property's cells; empty where the node does not have it."""
        prop = self.get(name)
        return prop.cells if prop else ()

    def u32(self, name: str, default: int | None = None) -> int | None:
        prop = self.get(name)
        return prop.u32 if prop else default

    def number(self, name: str, default: int | None = None) -> int | None:
        prop = self.get(name)
        return prop.number if prop else default

    def strings(self, name: str) -> tuple[str, ...]:
        prop = self.get(name)
        return prop.strings if prop else ()

    def string(self, name: str, default: str | None = None) -> str | None:
        prop = self.get(name)
        return prop.string if prop else default

    def child(self, name: str) -> "Node | None":
        """A child by its whole name, or by the name before the `@` where only one has it. For complete trees."""
        if self._children is None:
            self._children = {}
            for child in self.children:
                self._children[child.unit_name] = None if child.unit_name in self._children else child
            for child in reversed(self.children):
                self._children[child.name] = child
        return self._children.get(name)

    def walk(self) -> "Iterator[Node]":
        """This node and all below it, in tree order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    @property
    def compatible(self) -> tuple[str, ...]:
        return self.strings("compatible")

    @property
    def okay(self) -> bool:
        """This node's own `status` (section 2.3.4): absent, 'okay' or the older 'ok'."""
        prop = self.get("status")
        return prop is None or prop.value in (b"okay\0", b"ok\0")

    @property
    def available(self) -> bool:
        """Whether it and every bus above it are okay."""
        node: Node | None = self
        while node is not None:
            if not node.okay:
                return False
            node = node.parent
        return True

    def _count(self, name: str, default: int) -> int:
        prop = self.get(name)
        if prop is None:
            return default
        value = prop.u32
        if value > 4:
            raise TreeError(f"{name} is {value}; addresses and sizes have 0 to 4 cells", prop.span)
        return value

    @property
    def address_cells(self) -> int:
        """Cells of an address in the `reg` of this node's children (section 2.3.5)."""
        return self._count("#address-cells", 2)

    @property
    def size_cells(self) -> int:
        return self._count("#size-cells", 1)

    @property
    def phandle(self) -> int | None:
        for name in ("phandle", "linux,phandle"):
            prop = self.get(name)
            if prop is not None and len(prop.value) == 4:
                return int.from_bytes(prop.value, "big")
        return None


def counted(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells} cells"


def joined(cells: "tuple[int, ...] | list[int]") -> int:
    """One number from cells, the most significant first."""
    value = 0
    for cell in cells:
        value = value << 32 | cell
    return value


class DeviceTree:
    """A whole tree: the root, the memory reservation block, and look-up by path, label, alias and phandle."""

    def __init__(self, file: str, root: Node, reservations: tuple[tuple[int, int], ...] = ()) -> None:
        self.file = file
        self.root = root
        self.reservations = reservations            # (address, size) of each /memreserve/
        self.nodes: dict[str, Node] = {}            # by path, in tree order
        self.labels: dict[str, Node] = {}
        self._phandles: dict[int, Node] = {}
        for node in root.walk():
            self.nodes.setdefault(node.path, node)
            for label in node.labels:
                self.labels.setdefault(label, node)
            phandle = node.phandle
            if phandle is not None:
                self._phandles.setdefault(phandle, node)

    def node(self, path: str) -> Node | None:
        """By absolute path; unit addresses may be left out where a name is unique without (section 2.2.3)."""
        found = self.nodes.get(path)
        if found or not path.startswith("/"):
            return found
        node: Node | None = self.root
        for name in path.split("/"):
            if name and node:
                node = node.child(name)
        return node

    def phandle(self, number: int) -> Node | None:
        return self._phandles.get(number)

    @property
    def aliases(self) -> dict[str, str]:
        """/aliases: name to path. Entries that are no string are left out."""
        node = self.nodes.get("/aliases")
        found: dict[str, str] = {}
        for prop in node.properties if node else ():
            if prop.value.startswith(b"/") and prop.value.endswith(b"\0") and prop.value.count(b"\0") == 1:
                found[prop.name] = prop.value[:-1].decode("utf-8", "replace")
        return found

    def find(self, name: str) -> Node | None:
        """By label, alias (also with a path below it: `serial0/child`) or path."""
        if name.startswith("/"):
            return self.node(name)
        if name in self.labels:
            return self.labels[name]
        first, _, rest = name.partition("/")
        path = self.aliases.get(first)
        return self.node(f"{path}/{rest}" if rest else path) if path else None

    def references(self, node: Node, name: str, cells_name: str) -> list[tuple[Node, tuple[int, ...]]]:
        """A list of phandles with arguments: (provider, arguments) of each entry of property `name`, where the
        provider's `cells_name` ('#clock-cells') says how many arguments follow. An entry of 0 stands for none and is
        left out."""
        prop = node.get(name)
        if prop is None:
            return []
        cells = prop.cells
        found: list[tuple[Node, tuple[int, ...]]] = []
        at = 0
        while at < len(cells):
            number = cells[at]
            at += 1
            if number in (0, 0xFFFFFFFF):
                continue
            provider = self.phandle(number)
            if provider is None:
                raise TreeError(f"{name} refers to phandle {number:#x}, which no node has", prop.span)
            count = provider.u32(cells_name) if cells_name else 0
            if count is None:
                raise TreeError(f"{name} refers to {provider.path}, which has no {cells_name}", prop.span)
            if at + count > len(cells):
                raise TreeError(f"{name} ends in the middle of an entry: {provider.path} takes {counted(count)}",
                                prop.span)
            found.append((provider, cells[at:at + count]))
            at += count
        return found


_PLACE = re.compile(r"(.+?):(\d+):(\d+)-(\d+):(\d+)(?:, |$)")


def parse_places(text: str) -> tuple[Span, ...]:
    """The spans of dtc's annotation ('soc.dtsi:3:12-9:5, a.dts:8:9-8:25')."""
    return tuple(Span(m[1], int(m[2]), int(m[3]), int(m[4]), int(m[5])) for m in _PLACE.finditer(text))
