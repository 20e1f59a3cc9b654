# SPDX-License-Identifier: Apache-2.0
"""Rates of clocks as board.yaml states them, for VMs that have a device and not the controller of its clocks."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ..diagnostics import Label, error
from ..source import Mapping, Scalar, Span
from .dts import DeviceTree

if TYPE_CHECKING:
    from ..diagnostics import Sink


def read_clocks(root: Mapping, tree: DeviceTree, sink: "Sink") -> tuple[tuple[str, tuple[int, ...], int], ...]:
    """`clocks:` of a checked board.yaml: (path of the provider, its arguments, Hz). A key is what stands between < and
    > in the tree, without the &: 'osc_24m', 'clk 188', '/firmware/clocks 3'."""
    node = root.get("clocks")
    found: list[tuple[str, tuple[int, ...], int]] = []
    for key, value in node.pairs if isinstance(node, Mapping) else ():
        if not isinstance(value, Scalar):
            continue
        span = key.span
        name, *words = key.text.split()
        provider = tree.find(name)
        if provider is None:
            from difflib import get_close_matches
            paths = [n.path for n in tree.nodes.values() if n.has("#clock-cells")]
            near = get_close_matches(name, [*tree.labels, *paths], 1)
            sink.add(error("BH0904", f"'{name}' is no node of the device tree", span, related=[Label(Span(tree.file))],
                           help=[f"did you mean {near[0]}?"] if near else []))
            continue
        count = provider.u32("#clock-cells") if provider.has("#clock-cells") else None
        if count is None:
            sink.add(error("BH0904", f"'{name}' provides no clocks", span, related=[Label(provider.span)]))
        elif words and len(words) != count:
            form = " ".join([name, *("N" for _ in range(count))])
            numbers = f"{count} number{'' if count == 1 else 's'}"
            sink.add(error("BH0904", f"a clock of '{name}' has {numbers}, not {len(words)}", span,
                           related=[Label(provider.get("#clock-cells").span)],      # type: ignore[union-attr]
                           help=[f"write '{form}', or '{name}' for all of its clocks"]))
        else:
            rate = int(value.value)         # type: ignore[arg-type]    # the schema has seen to that
            found.append((provider.path, tuple(int(word, 0) for word in words), rate))
    return tuple(found)
