# SPDX-License-Identifier: Apache-2.0
"""Rules on cache colours: whether the board has them, who has which, and who shares them with whom."""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic, Label
from ..source import Span
from .registry import Context, Rule, reported, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    colors: 4-7
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_ALL = "hypervisor: {colors: 0-1}\n" + _VM
_TWO = _ALL + _VM.split("\n", 1)[1].replace("hello", "other").replace("4-7", "8-11")
_YAML = "# with this in board.yaml: "

reported("BH1050", "cache of board.yaml that cannot be", phase="board", explain="""\
`caches:` of board.yaml describes a cache whose numbers do not fit one another or the device tree: size = ways x sets x
line. Where the device tree and board.yaml both say something, they have to say the same.""",
         fails=_ALL + _YAML + "caches: [{name: l2, size: 1MiB, ways: 3, line: 64}]\n",
         passes=_ALL + _YAML + "caches: [{name: l2, size: 1MiB, ways: 16, line: 64}]\n")

reported("BH1051", "value that is no set of colors", phase="schema", explain="""\
Colors are written as a range (`0-3`), a list of colors and ranges (`[0, 2, 5-6]`), a share of all that the board has
(`50%`), or `auto`: then configtool divides what is left by criticality. A bit mask is not one of them: 0x0f is color
15.""",
         fails=_ALL.replace("4-7", "half"), passes=_ALL.replace("4-7", "25%"))

reported("BH1052", "color that the board has not", phase="plan", explain="""\
The board has as many colors as a way of its shared cache has pages; they count from 0. `configtool board show` says how
many there are and how that was computed. A range has its smaller end first, and names no color twice.""",
         fails=_ALL.replace("4-7", "4-16"), passes=_ALL)

reported("BH1053", "colors on a board that has none", phase="plan", explain="""\
Colors keep VMs apart in a cache that CPUs of several VMs share. The board's device tree and board.yaml describe none (a
cache that one CPU has for itself is nobody else's), or not well enough to compute from, or one that pages cannot divide:
its way is no larger than a page, or it takes its sets from a hash of the address. The note says which. `caches:` of
board.yaml says what a device tree leaves out; the processor's manual has it.""",
         fails=_ALL + _YAML + "caches: [{name: l2, size: 1MiB, ways: 16, line: 64, index: hashed}]\n",
         passes=_ALL + _YAML + "caches: [{name: l2, size: 1MiB, ways: 16, line: 64}]\n")

_PHYS = _ALL.replace("16MiB", "{size: 16MiB, phys: 0x90000000}")


@rule("BH1054", "colors of memory at a fixed place", phase="board", explain="""\
A page's color is a part of its physical address. Memory at a fixed physical address (`phys:`), or at the same address as
the guest sees it (`at: identity`, which a device with DMA and no IOMMU needs), is in one piece and so has pages of every
color. Either the place is fixed or the colors are.""",
      fails=_PHYS, passes=_ALL)
def fixed_place(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        for region in vm.memory:
            colors = region.colors or vm.colors
            fixed = region.phys_span if region.phys is not None else region.at_span if region.at == "identity" else None
            if colors is None or fixed is None:
                continue
            trusted = [d for d in vm.devices if d.dma is not None] if region.phys is None else []
            yield self.diagnostic(
                f"memory.{region.name} of VM '{vm.name}' is to have colors, and its physical place is fixed", fixed,
                related=[Label(colors.span, "these colors")] + [Label(d.span, "this device needs it") for d in trusted],
                notes=["memory in one piece has pages of every color"],
                help=["remove " + ("phys:" if region.phys is not None else "at: identity")
                      + ", or give colors to the other VMs alone" if not trusted else
                      "remove the colors, or give the device to another VM: one with an IOMMU before it could stay"])
    for channel in context.system.channels:
        if channel.colors is not None and channel.phys_span is not None:
            yield self.diagnostic(f"channel '{channel.name}' is to have colors, and its physical place is fixed",
                                  channel.phys_span, related=[Label(channel.colors.span, "these colors")],
                                  notes=["memory in one piece has pages of every color"], help=["remove one of the two"])


reported("BH1055", "shares of the cache that do not add up", phase="plan", explain="""\
Shares and `auto` are given from the colors that nobody lists. All shares together are at most what is left; each is one
color at least, and for a VM as many as the root of its translation tables takes in a row (four on RISC-V). `auto` needs
as many colors as hold the VM's memory: of a board's RAM each color has an equal part.""",
         fails=_TWO.replace("4-7", "60%").replace("8-11", "50%"),
         passes=_TWO.replace("4-7", "50%").replace("8-11", "25%"))


def _shared(context: Context, one: str, other: str) -> bool:
    """Whether CPUs of two VMs have a cache in common; the hypervisor ('') is on all. Which CPUs a VM has, the plan
    knows."""
    if not one or not other:
        return True
    assert context.plan is not None and context.board is not None
    names = {vm.name: {context.plan.cpus[i].name for i in vm.cpus} for vm in context.plan.vms}
    ids = {c.name: c.index for c in context.board.cpus}
    pair = [{ids[name] for name in names[vm]} for vm in (one, other)]
    return any(pair[0].intersection(c.cpus) and pair[1].intersection(c.cpus) for c in context.board.caches)


def _owners(context: Context) -> list[tuple[str, Span, tuple[int, ...], str]]:
    """(name in a sentence, place, colours, VM or '') of the hypervisor and of each VM, with the regions of its own."""
    made = context.plan.colors if context.plan else None
    if made is None:
        return []
    system = context.system
    span = system.colors.span if system.colors else system.name_span
    found = [("the hypervisor", span, made.hypervisor, "")]
    of = dict(made.vms)
    for vm in system.vms:
        own = set(of.get(vm.name, ())) | {c for name, _, colors in made.regions if name == vm.name for c in colors}
        found.append((f"VM '{vm.name}'", vm.colors.span if vm.colors else vm.span, tuple(sorted(own)), vm.name))
    return found


@rule("BH1056", "colors that two have", phase="plan", severity="warning", explain="""\
Two VMs on CPUs that share a cache, or a VM and the hypervisor, have a color in common: there each evicts lines of the
other, and colors keep them apart in the rest only. It may be meant, for two VMs of one criticality: allow it then, with
the reason.""",
      fails=_TWO.replace("8-11", "[4-7, 8]"), passes=_TWO)
def overlap(self: Rule, context: Context) -> Iterator[Diagnostic]:
    from ..plan.colors import text

    owners = [o for o in _owners(context) if o[2]]
    for i, (other, there, theirs, other_vm) in enumerate(owners):
        for name, span, mine, vm in owners[i + 1:]:
            both = tuple(sorted(set(mine) & set(theirs)))
            if both and _shared(context, vm, other_vm):
                some = f"color{'s' if len(both) > 1 else ''} {text(both)}"
                yield self.diagnostic(f"{name} and {other} both have {some}", span, f"colors {text(mine)}",
                                      related=[Label(there, f"{other}: colors {text(theirs)}")],
                                      help=["give each colors of its own, or write auto for both"])


@rule("BH1057", "memory without colors beside others that have some", phase="plan", severity="warning", explain="""\
Colors keep apart those who have them. The memory of a VM without any lies anywhere, and so in the colors of the others as
well: it evicts their lines as if they had none. The same holds for the hypervisor, whose code, data and stacks are used
on every CPU, and for a channel at a fixed place or with a VM that has no colors. `colors: auto` at the top gives some to
everyone who says nothing else.""",
      fails=_VM, passes=_ALL)
def uncolored(self: Rule, context: Context) -> Iterator[Diagnostic]:
    from ..plan.colors import text

    owners = _owners(context)
    have = [o for o in owners if o[2]]
    for name, span, mine, vm in owners:
        against = [o for o in have if o[0] != name and _shared(context, vm, o[3])]
        if mine or not against:
            continue
        known = [vm for vm in context.system.vms if vm.name == against[0][3]]
        yield self.diagnostic(f"{name} has no colors, and {against[0][0]} has some: its memory lies in those as well",
                              span, related=[Label(against[0][1], f"{against[0][0]}: colors {text(against[0][2])}")]
                              if known else [],
                              help=["write hypervisor: {colors: auto}" if not vm else
                                    "write colors: auto, or at the top of the file for all"])
    made = context.plan.colors if context.plan else None
    colored = {name for name, _ in made.channels} if made else set()
    for channel in context.system.channels:
        users = [o for o in have if o[3] in [n for n, _ in channel.ends]]
        if made and users and channel.name not in colored and len(users) == len(channel.ends):
            yield self.diagnostic(f"channel '{channel.name}' has no colors, as its place is fixed", channel.phys_span
                                  or channel.span, help=["leave `phys:` out"])


reported("BH1058", "not enough memory of a color", phase="plan", explain="""\
Each color has an equal part of the board's memory, and a VM takes its pages from its own colors alone: with 4 colors of
16 it can have a quarter of the RAM at most. The notes say how much is free of each color.""",
         fails=_ALL.replace("16MiB", "1GiB"), passes=_ALL.replace("16MiB", "256MiB"))

reported("BH1059", "all colors for one", phase="plan", explain="""\
Whoever has all colors of the board has what it would have without `colors:`, and its memory lies in the colors of
everyone else.""",
         fails=_ALL.replace("4-7", "0-15"), passes=_ALL)

reported("BH1060", "no colors in a row for the root of the tables", phase="plan", explain="""\
The root of a VM's stage-2 tables is more than a page: 16KiB on RISC-V, four pages in a row from a multiple of four; on
Arm 8KiB where guest addresses of 40 bits are used. A VM that may not touch the colors of others needs as many colors in a
row, counted from a multiple of that.""",
         fails=_ALL.replace("4-7", "5-8"), passes=_ALL)

reported("BH1061", "hypervisor without the color of its fixed page", phase="plan", explain="""\
On Arm the hypervisor has code that runs with the MMU off: it reads the instruction of a guest that the CPU does not
describe. That page is behind the load address, and not where colors would put it; it is used while guests run, so its
color has to be one of the hypervisor's. `auto` sees to it.""",
         fails="board: qemu-aarch64-virt-gicv3\n# with a guest for Arm\n" + _ALL,
         passes="board: qemu-aarch64-virt-gicv3\n# with a guest for Arm\n" + _ALL.replace("0-1", "auto"))


@rule("BH1062", "events beside colors of the hypervisor", phase="system", explain="""\
The ring of events (`hypervisor: {events: 16KiB}`) is in one piece of physical memory, where it outlives a reset, and so
has pages of every color. The hypervisor writes to it on behalf of any VM. Events and colors of the hypervisor exclude
each other in this version.""",
      fails=_ALL.replace("{colors: 0-1}", "{colors: 0-1, events: 16KiB}"), passes=_ALL)
def events(self: Rule, context: Context) -> Iterator[Diagnostic]:
    system = context.system
    if system.events and system.colors is not None:
        yield self.diagnostic("the hypervisor is to have colors, and a ring of events", system.events_span or
                              system.name_span, related=[Label(system.colors.span, "these colors")],
                              notes=["the ring is in one piece of memory: it has pages of every color"],
                              help=["remove one of the two"])
