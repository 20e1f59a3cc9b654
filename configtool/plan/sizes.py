# SPDX-License-Identifier: Apache-2.0
"""What an attempt at a plan assumes of itself (make.py)."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """What an attempt assumes, and what it turns out to need: whole pages, in bytes."""
    tables: int
    rodata: int
    dtbs: tuple[int, ...]           # of each VM, 0: none
    trees: tuple[int, ...] = ()     # with colours, of each tree; none: not known yet

    def covers(self, other: "Sizes") -> bool:
        return (self.tables >= other.tables and self.rodata >= other.rodata
                and all(a >= b for a, b in zip(self.dtbs, other.dtbs)) and len(self.trees) == len(other.trees)
                and all(a >= b for a, b in zip(self.trees, other.trees)))

    def joined(self, other: "Sizes") -> "Sizes":
        trees = tuple(max(a, b) for a, b in zip(self.trees, other.trees)) or other.trees
        return Sizes(sum(trees) or max(self.tables, other.tables), max(self.rodata, other.rodata),
                      tuple(max(a, b) for a, b in zip(self.dtbs, other.dtbs)), trees)
