# SPDX-License-Identifier: Apache-2.0
"""Rules on memory: where regions and channels lie, in the guest's address space and in the board's RAM.

Most are reported by the plan (configtool/plan), which is the one that knows where everything lies.
"""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic
from ..source import Span
from ..units import size_text
from .registry import Context, Rule, reported, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_PHYS = _VM.replace("16MiB", "{size: 16MiB, phys: 0x90000000}")
_TWO = _PHYS + _PHYS.split("\n", 1)[1].replace("hello", "other").replace("0x90000000", "0x98000000")


@rule("BH0301", "size or address that is not whole pages", phase="system", explain="""\
Memory is given to a VM page by page, 4KiB each: sizes and addresses (`size`, `at`, `phys`) of a region are multiples of
that.""",
      fails=_PHYS.replace("0x90000000", "0x90000800"), passes=_PHYS)
def unaligned(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        for region in vm.memory:
            where = f"of memory.{region.name} in VM '{vm.name}'"
            if region.size % 4096:
                yield self.diagnostic(f"the size {where} is no multiple of 4KiB", region.size_span,
                                      help=[f"write {size_text(-(-region.size // 4096) * 4096)}"])
            for key, value, span in (("at", region.at, region.at_span), ("phys", region.phys, region.phys_span)):
                if isinstance(value, int) and value % 4096:
                    down = value // 4096 * 4096
                    yield self.diagnostic(f"`{key}` {where} is no multiple of 4KiB", span or region.span,
                                          help=[f"write {down:#x} or {down + 4096:#x}"])


@rule("BH0302", "VM without memory to write to", phase="system", explain="""\
None of a VM's regions can be written, so that its program has no place for data or a stack. The first region that can
be written is where configtool puts a kernel, its initrd and the VM's device tree: the one named `ram`, if there is
one.""",
      fails=_VM.replace("16MiB", "{size: 16MiB, access: rx}"), passes=_VM)
def nothing_to_write(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        if not any("w" in region.access for region in vm.memory):
            span = vm.memory[0].span if vm.memory else vm.span
            yield self.diagnostic(f"VM '{vm.name}' has no memory that it can write", span,
                                  help=["write memory: {ram: 16MiB}"])


reported("BH0303", "memory outside the board's RAM", phase="plan", explain="""\
A fixed physical address (`phys:`, or identity RAM for an image that is linked to an address) is in none of the board's
memory banks. The message names the nearest bank and a place where as much is free. Leave `phys:` out unless a certain
place is needed.""",
         fails=_PHYS.replace("0x90000000", "0x10000000"), passes=_PHYS)

reported("BH0304", "memory partly outside the board's RAM", phase="plan", explain="""\
A region with a fixed physical address begins or ends outside the board's memory, or reaches over a hole between two
banks.""",
         fails=_PHYS.replace("0x90000000", "0xfffff000"), passes=_PHYS)

reported("BH0305", "memory of the firmware", phase="plan", explain="""\
A region with a fixed physical address lies in memory that belongs to firmware, or that the board's device tree
reserves. The firmware runs on while VMs do; a guest that wrote there would take it down, or would be stopped by its
memory protection.""",
         fails=_PHYS.replace("0x90000000", "0x80000000"), passes=_PHYS)

reported("BH0306", "physical memory given twice", phase="plan", explain="""\
Two regions with fixed physical addresses overlap, or one overlaps the hypervisor's own memory. Each page has one owner.
Memory that VMs are to share is a channel.""",
         fails=_TWO.replace("0x98000000", "0x90800000"), passes=_TWO)

reported("BH0307", "guest addresses that overlap", phase="plan", explain="""\
Two things that a VM has are at the same address in its own address space: regions, passed-through devices (which stand
at their physical address unless `at:` says otherwise), channels with a fixed `at:`. Virtual devices give way by
themselves.""",
         fails=_VM.replace("{ram: 16MiB}",
                           "{ram: {size: 16MiB, at: 0x80000000}, scratch: {size: 1MiB, at: 0x80f00000}}"),
         passes=_VM.replace("{ram: 16MiB}",
                            "{ram: {size: 16MiB, at: 0x80000000}, scratch: {size: 1MiB, at: 0x81000000}}"))

reported("BH0308", "guest address out of reach", phase="plan", explain="""\
The translation tables reach so far and no further: Sv39x4 translates guest addresses below 2 to the 41st, Sv48x4 (where
all of the VM's CPUs have it, by `mmu-type` in the device tree) below 2 to the 50th.""",
         fails=_VM.replace("{ram: 16MiB}", "{ram: 16MiB, far: {size: 1MiB, at: 0x4000000000000}}"),
         passes=_VM.replace("{ram: 16MiB}", "{ram: 16MiB, far: {size: 1MiB, at: 0x10000000000}}"))

reported("BH0309", "not enough memory", phase="plan", explain="""\
What the VMs are to have does not fit into what the board has left. The notes are the budget, bank by bank: who has how
much, how much is free and in how large pieces. Memory has to lie in one piece only if it is identity-mapped (`at:
identity`), or holds an image.""",
         fails=_VM.replace("16MiB", "4GiB"), passes=_VM.replace("16MiB", "1GiB"))


@rule("BH0310", "memory mapped page by page", phase="plan", severity="warning", explain="""\
Guest address and physical address of a region differ within a page of the next larger size (2MiB), so that it is mapped
in pages of 4KiB: that costs a table of 4KiB for every 2MiB, and time, as the processor caches fewer translations.
Addresses that configtool chooses agree; here `at:` and `phys:` are fixed, or memory is so fragmented that no other
place was left.""",
      fails=_VM.replace("16MiB", "{size: 16MiB, at: 0x80000000, phys: 0x90001000}"),
      passes=_VM.replace("16MiB", "{size: 16MiB, at: 0x80000000, phys: 0x90000000}"))
def page_by_page(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.plan is not None
    large = 4 << 20 if context.plan.stage2 == "sv32x4" else 2 << 20
    for vm, made in zip(context.system.vms, context.plan.vms):
        for region in vm.memory:
            tables, example = 0, None
            for m in made.maps:
                if m.name == f"memory.{region.name}" and (m.ipa - m.phys) % large and not m.colors:
                    whole = m.end // large - -(-m.ipa // large)
                    if whole > 0:
                        tables, example = tables + whole, example or m
            if example is None:
                continue
            span: Span = region.phys_span or region.at_span or region.size_span
            base = next(extent.ipa for extent in made.regions if extent.name == region.name)
            down = (region.phys or 0) - ((region.phys or 0) - base) % large
            yield self.diagnostic(
                f"memory.{region.name} of VM '{vm.name}' is mapped page by page: {tables} more "
                f"table{'s' if tables > 1 else ''} ({size_text(tables * 4096)})", span, notes=[
                    f"guest {example.ipa:#x} is physical {example.phys:#x}; they differ modulo {size_text(large)}"],
                help=[f"write `phys: {down:#x}` or `phys: {down + large:#x}`" if region.phys is not None else
                      f"give memory.{region.name} an `at:` that is a multiple of {size_text(large)}"])



reported("BH0311", "hypervisor where there is no free RAM", phase="plan", explain="""\
The load address of board.yaml, and what the hypervisor needs from there on, has to be free RAM: in one of the board's
banks, in no reserved memory, not over the firmware, and at a multiple of 2MiB, as boot loaders put a Linux `Image`.""",
         fails=_VM + "# with a board.yaml that says load: 0x80000000\n", passes=_VM)

reported("BH0312", "board that this version has no hypervisor for", phase="plan", explain="""\
The board's device tree is understood, and its architecture or its interrupt controller is one that this version of the
hypervisor does not serve yet. `configtool board show` works for such a board; systems for it cannot be built.""",
         fails=_VM + "# with an AArch64 board\n", passes=_VM)
