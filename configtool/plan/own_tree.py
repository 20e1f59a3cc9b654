# SPDX-License-Identifier: Apache-2.0
"""Device trees that the user brings: a whole one (`devicetree: {file: ...}`), or an overlay on the generated one
(`extra`).

An overlay is merged here and not by libfdt, so that a mistake in it is shown at its line. Source: the dtc project's
Documentation/dt-object-internal.txt for what /plugin/ makes of references: /fragment@N with target or target-path and
__overlay__, __fixups__ (label -> places that want its phandle), __local_fixups__ (places that hold a phandle of the
overlay's own).
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator

from ..board.dts import DeviceTree, Node, Property as Given
from ..source import Span
from .failure import Problems
from .model import Property, TreeNode
from .tree import cells, node, raw

Places = dict[tuple[str, str], Span]    # (path, property, or '' for the node itself) -> where an overlay says it
_Place = tuple[str, str, int]   # path of a node, name of a property, offset of a cell in its value

MAX_BYTES = 2 << 20             # of a guest's DTB: the most that Linux maps (arch/arm64/booting; arch/riscv the same)


def converted(source: Node) -> TreeNode:
    """A tree as it was read, without what dtc keeps for overlays."""
    return node(source.name, [raw(p.name, p.value) for p in source.properties],
                [converted(c) for c in source.children if c.name not in ("__symbols__", "__fixups__",
                                                                         "__local_fixups__")])


@dataclass
class _Draft:
    """A node while overlays change it."""
    name: str
    properties: dict[str, Property]
    children: dict[str, "_Draft"]

    @staticmethod
    def of(source: TreeNode) -> "_Draft":
        return _Draft(source.name, {p.name: p for p in source.properties},
                      {c.name: _Draft.of(c) for c in source.children})

    def walk(self) -> "Iterator[_Draft]":
        yield self
        for child in self.children.values():
            yield from child.walk()

    def find(self, path: str) -> "_Draft | None":
        here: _Draft | None = self
        for name in path.split("/"):
            if name and here is not None:
                here = here.children.get(name)
        return here

    def freeze(self) -> TreeNode:
        return TreeNode(self.name, tuple(self.properties.values()), tuple(c.freeze() for c in self.children.values()))


def placed(tree: TreeNode, file: str, places: Places) -> DeviceTree:
    """A tree as if it had been read: what an overlay said is at its place there, all else in `file` without a line."""
    def made(source: TreeNode, parent: Node | None) -> Node:
        here = Node(source.name, parent, (Span(file),))
        here.place((places.get((here.path, ""), Span(file)),))
        for prop in source.properties:
            here.add(Given(prop.name, prop.value, places.get((here.path, prop.name), here.span)))
        here.children += [made(child, here) for child in source.children]
        return here

    return DeviceTree(file, made(tree, None))


def merged(base: TreeNode, labels: dict[str, str], overlay: DeviceTree, vm: str, named_at: Span,
           problems: Problems, places: Places) -> TreeNode:
    """`base` with an overlay on it. `labels`: those of the generated tree, with the paths that they stand for. `places`
    takes what the overlay said."""
    root = _Draft.of(base)
    fragments = [f for f in overlay.root.children if f.child("__overlay__") is not None]
    if not fragments:
        problems.report("BH0431", f"{overlay.file} is no overlay", named_at, "named here",
                        help=("begin it with the lines /dts-v1/; and /plugin/;, and refer to nodes as &soc or &{/soc}",
                              ))
        return base
    wanted = _fixups(overlay, labels, vm, problems)
    highest = max((int.from_bytes(d.properties["phandle"].value, "big") for d in root.walk()
                   if "phandle" in d.properties), default=0)
    own = [n.phandle or 0 for n in overlay.root.walk()]
    local = set(_local(overlay.root.child("__local_fixups__"), ""))
    handles = _Handles(root, highest + max(own, default=0))
    for fragment in fragments:
        path = fragment.string("target-path") or next((labels[label] for label, wants in wanted.items()
                                                       if (fragment.path, "target", 0) in wants), None)
        target = root.find(path) if path is not None else None
        body = fragment.child("__overlay__")
        if target is None or body is None:
            if path is not None:
                problems.report("BH0430", f"the device tree of VM '{vm}' has no node {path}", _place(fragment),
                                help=_near(path, root))
            continue
        external = {place: labels[label] for label, wants in wanted.items() for place in wants}
        _merge(target, body, highest, local, external, handles, path or "/", places)
    return root.freeze()


class _Handles:
    """Phandles of nodes of the base, made where they have none."""

    def __init__(self, root: _Draft, last: int) -> None:
        self.root, self.last = root, last

    def of(self, path: str) -> int:
        target = self.root.find(path)
        assert target is not None
        if "phandle" not in target.properties:
            self.last += 1
            target.properties["phandle"] = cells("phandle", self.last)
        return int.from_bytes(target.properties["phandle"].value, "big")


def _merge(target: _Draft, source: Node, highest: int, local: set[_Place],
           external: dict[_Place, str], handles: _Handles, path: str, places: Places) -> None:
    for prop in source.properties:
        places[(path, prop.name)] = prop.span
        value = bytearray(prop.value)
        own = [at for where, name, at in local if (where, name) == (source.path, prop.name)]
        if prop.name in ("phandle", "linux,phandle"):
            own = [0]
        for at in own:
            value[at:at + 4] = (int.from_bytes(value[at:at + 4], "big") + highest).to_bytes(4, "big")
        for (where, name, at), wanted in external.items():
            if (where, name) == (source.path, prop.name):
                value[at:at + 4] = handles.of(wanted).to_bytes(4, "big")
        target.properties[prop.name] = raw(prop.name, bytes(value))
    for child in source.children:
        below = f"{path.rstrip('/')}/{child.name}"
        if child.name not in target.children:
            places[(below, "")] = child.span
        _merge(target.children.setdefault(child.name, _Draft(child.name, {}, {})), child, highest, local, external,
               handles, below, places)


def _place(fragment: Node) -> Span:
    """Where the source has a fragment: dtc knows it of the node inside."""
    body = fragment.child("__overlay__")
    return body.span if body is not None and not fragment.span.line else fragment.span


def _fixups(overlay: DeviceTree, labels: dict[str, str], vm: str, problems: Problems,
            ) -> dict[str, set[_Place]]:
    """Label -> (node, property, offset) of each reference to it; those of unknown labels are reported."""
    found: dict[str, set[_Place]] = {}
    fixups = overlay.root.child("__fixups__")
    for prop in fixups.properties if fixups is not None else ():
        places = {(path, name, int(at)) for path, name, at in (s.split(":") for s in prop.strings)}
        if prop.name in labels:
            found[prop.name] = places
            continue
        for path, name, _ in sorted(places):
            source = overlay.node(path)
            span = Span(overlay.file)
            if source is not None:
                held = source.get(name)
                span = _place(source) if name == "target" or held is None else held.span
            problems.report("BH0430", f"the device tree of VM '{vm}' has no label '{prop.name}'", span,
                            help=(f"it has: {', '.join(sorted(labels))}",))
    return found


def _local(fixups: Node | None, path: str) -> Iterator[_Place]:
    """(node, property, offset) of each place that __local_fixups__ names."""
    if fixups is not None:
        for prop in fixups.properties:
            for at in prop.cells:
                yield path or "/", prop.name, at
        for child in fixups.children:
            yield from _local(child, f"{path}/{child.name}")


def _near(path: str, root: _Draft) -> tuple[str, ...]:
    from difflib import get_close_matches
    found = get_close_matches(path, list(_paths(root, "")), 1, 0.5)
    return (f"did you mean {found[0]}?",) if found else ()


def _paths(draft: _Draft, path: str) -> Iterable[str]:
    yield path or "/"
    for child in draft.children.values():
        yield from _paths(child, f"{path}/{child.name}")
