# SPDX-License-Identifier: Apache-2.0
"""With cache colours: where the hypervisor's own pages lie, and at which of its addresses it sees the rest.

What has colours is not physically in one piece, so virtual is not physical there. The hypervisor's window stays where it
is linked, from the load address on. If it has colours itself, the first page of the window, where it is entered before
its tables are active, is at the load address; the others are pages of its colours. On Arm a second page is where it is
linked, which is of its colours: the code that reads a word with the MMU off, and the vectors. The pristine copies that it reads in
a restart follow the window, then (AArch64) the memory of each VM that it writes in one, each region in one piece.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Mapping as MappingType, Sequence

from ..board.model import Board
from ..source import Span
from ..system import System, Vm
from .arch import Arch
from .areas import Layout
from .colors import Palette
from .model import PAGE, ColorPlan, Mapping, Range, Stripe, mapped
from .own import Windows
from .place import Placement, Run
from .sizes import Sizes


@dataclass(frozen=True)
class Views:
    """Virtual addresses of the hypervisor: of each pristine copy by its name; of each VM's memory, by VM the distance to
    its IPA. Without colours both are physical."""
    copies: dict[str, int]
    memory: dict[str, list[tuple[Range, int]]] = field(default_factory=dict)
    physical: bool = False

    @staticmethod
    def in_place(copies: MappingType[str, Sequence[Run]]) -> "Views":
        return Views({c.name: c.phys for made in copies.values() for c in made}, physical=True)

    def to(self, vm: str, ipa: int, phys: int) -> int:
        """Where a VM's memory at an IPA is reached; 0: nowhere."""
        if self.physical:
            return phys
        return next((ipa + shift for region, shift in self.memory.get(vm, ()) if region.base <= ipa < region.end), 0)


def window_end(board: Board, arch: Arch, colors: Palette, own: Windows, sizes: Sizes) -> int:
    """Of what lies at the load address in one piece: all of the hypervisor; with colours all but the tables; if it has
    colours itself, the pages that have their place there."""
    if colors.hypervisor:
        return board.load + arch.fixed * PAGE
    return own.stacks.end + (0 if colors.used else sizes.tables)


def own_parts(own: Windows, colors: Palette, placement: Placement, span: Span) -> tuple[Mapping, ...]:
    """The hypervisor's own memory, text to stacks. Its window, or the first page of it, has been taken."""
    parts = [(own.text, "rx", "text"), (own.rodata, "r", "rodata"), (own.data, "rw", "data"),
             *((stack, "rw", f"stack {i}") for i, stack in enumerate(own.stack))]
    if not colors.hypervisor:
        return tuple(Mapping(r.base, r.base, r.size, access, "ram", name) for r, access, name in parts)
    fixed = placement.arch.fixed * PAGE
    found = [Mapping(own.text.base, own.text.base, fixed, "rx", "ram", "entry")]
    for where, access, name in parts:
        done = fixed if name == "text" else 0
        stripes = placement.colored(where.size - done, colors.hypervisor, "hypervisor", span, own.text.base)
        found += mapped(where.base + done, stripes, access, "ram", name)
    return tuple(found)


def tree_places(system: System, colors: Palette, sizes: Sizes, placement: Placement, stage2_root: int, span: Span,
                ) -> tuple[tuple[Stripe, ...], ...]:
    """The pages of each tree of translation tables, in the order of own.trees(): the hypervisor's; each VM's; those that
    restart one. None where nobody has colours, and in the first attempt."""
    if not sizes.trees:
        return ()
    stage1_root = placement.arch.stage1[0].root_size
    again = [vm for vm in system.vms if restarts(vm)]
    owners = [(None, stage1_root), *((vm, stage2_root) for vm in system.vms), *((vm, stage1_root) for vm in again)]
    found = []
    for size, (vm, root) in zip(sizes.trees, owners):
        if vm is None:
            found.append(placement.tree(size, root, colors.hypervisor, "hypervisor", span))
        else:
            found.append(placement.tree(size, root, colors.vms.get(vm.name, ()), f"{vm.name}: tables",
                                        vm.colors.span if vm.colors else vm.span))
    return tuple(found)


def restarts(vm: Vm) -> bool:
    """Whether the VM can start again: one of its actions does so, or it is said to be restartable."""
    actions = (vm.on_fault, vm.on_reset, vm.on_poweroff, vm.watchdog.action if vm.watchdog else None)
    return vm.restartable is not None or any(action is not None and "restart" in (action.action, action.then)
                                             for action in actions)


def views(copies: MappingType[str, Sequence[Run]], layouts: MappingType[str, Layout], start: int,
          devices: Iterable[Mapping], events: Range, arch: Arch) -> Views:
    """From virtual address `start` on, round the devices and the ring of events."""
    superpage = arch.stage1[0].leaves[1]
    taken = sorted([(m.ipa, m.end) for m in devices] + [(events.base, events.end)])
    at = start

    def place(size: int) -> int:
        nonlocal at
        here = at + -at % superpage
        for low, high in taken:
            if low < here + size and here < high:
                here = high + -high % superpage
        at = here + size
        return here

    found = {c.name: place(c.size) for made in copies.values() for c in made}
    memory: dict[str, list[tuple[Range, int]]] = {}
    for name in copies if arch.restore_tables else ():
        memory[name] = [(Range(a.ipa, a.size), place(a.size) - a.ipa) for a in layouts[name].areas]
    return Views(found, memory)


def summary(colors: Palette) -> ColorPlan | None:
    if not colors.used:
        return None
    return ColorPlan(colors.board.count, colors.board.how, colors.hypervisor, tuple(sorted(colors.vms.items())),
                     tuple(sorted((vm, region, own) for (vm, region), own in colors.regions.items())),
                     tuple(sorted(colors.channels.items())))

