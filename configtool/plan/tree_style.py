# SPDX-License-Identifier: Apache-2.0
"""What a guest's device tree is made from: facts that are the same everywhere, and what each architecture adds."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Sequence

from ..board.model import Board, Cpu
from ..system import Vm
from .areas import Layout
from .devices import Given
from .model import ChannelEnd, Line, Property, TreeNode, Window
from .tree import cells


@dataclass(frozen=True)
class Facts:
    """Of one VM, all decided."""
    vm: Vm
    board: Board
    cpus: Sequence[Cpu]             # physical, in vCPU order
    isa: tuple[str, ...]
    layout: Layout
    windows: tuple[Window, ...]
    lines: tuple[Line, ...]
    uart_line: int
    devices: tuple[Given, ...]
    channels: tuple[ChannelEnd, ...]
    files: int = 0                  # IPA of the vCPUs' interrupt files, 0: none


@dataclass(frozen=True)
class Style:
    """What an architecture's tree has of its own."""
    cpus: TreeNode
    root: tuple[TreeNode, ...]      # nodes of the root besides those that every tree has
    chips: tuple[tuple[int, TreeNode], ...]         # interrupt controllers, each with its address
    uart: Callable[[Window], TreeNode]              # without its interrupt
    parent: int                     # phandle of the controller that devices are wired to
    cells: Callable[[int, str], tuple[int, ...]]    # (interrupt number, trigger) -> specifier at that controller
    phandle: int                    # the last that is taken
    labels: dict[str, str]          # label -> path of nodes that an overlay may name

    def interrupts(self, *numbers: tuple[int, str]) -> list[Property]:
        """Properties of a node with these interrupts: (number, trigger) of each."""
        if not numbers:
            return []
        return [cells("interrupt-parent", self.parent),
                cells("interrupts", *(c for number, trigger in numbers for c in self.cells(number, trigger)))]
