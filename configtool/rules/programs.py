# SPDX-License-Identifier: Apache-2.0
"""Rules on what a program needs of the processor that runs it."""
from __future__ import annotations

from typing import Iterator

from ..board.model import Cpu
from ..diagnostics import Diagnostic, Label
from .registry import Context, Rule, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_LETTERS = "mafdqcvb"       # extensions of one letter that a compiler uses wherever it likes
# What goes without saying: part of another one, or of the base when device trees of that age were written.
_IMPLIED = {"a": ("zaamo", "zalrsc"), "b": ("zba", "zbb", "zbs"), "c": ("zca", "zcd", "zcf"), "d": ("f",),
            "f": ("zicsr",), "g": ("m", "a", "f", "d", "zicsr", "zifencei"), "m": ("zmmul",),
            "i": ("zicsr", "zifencei", "zicntr"), "zba": (), "v": ("zve32x", "zve32f", "zve64x", "zve64f", "zve64d")}
_ENTRY = {"riscv64": 2, "riscv32": 2, "aarch64": 4,
          "armv7": 4}     # bytes that an instruction's address is a multiple of


def _lacking(context: Context) -> Iterator[tuple[int, int, list[str], Cpu]]:
    """(VM, image, extensions, CPU) of each program that was built for more than a CPU of its VM has."""
    assert context.plan is not None and context.board is not None
    cpus = {cpu.id: cpu for cpu in context.board.cpus}
    for number, (vm, made) in enumerate(zip(context.system.vms, context.plan.vms)):
        mine = [cpus[context.plan.cpus[index].id] for index in made.cpus]
        for image, ref in enumerate(vm.images):
            wanted = context.images[ref.path].isa
            for cpu in mine if wanted else ():
                has = {"i", *cpu.isa} - {"h"}
                has.update(part for name in sorted(has) for part in _IMPLIED.get(name, ()))
                if "b" in wanted and {"zba", "zbb", "zbs"} <= has:
                    has.add("b")
                lacks = [name for name in wanted if name not in has and not name.startswith("zvl")]
                if lacks:
                    yield number, image, lacks, cpu
                    break


def _report(self: Rule, context: Context, letters: bool) -> Iterator[Diagnostic]:
    assert context.board is not None
    for number, image, lacks, cpu in _lacking(context):
        vm = context.system.vms[number]
        ref = vm.images[image]
        mine = [name for name in lacks if (name in _LETTERS or name == "h") == letters]
        if not mine:
            continue
        able = [c.name for c in context.board.cpus if c.enabled and set(mine) <= set(c.isa) - {"h"}]
        spoken = ", ".join(name.upper() if len(name) == 1 else name.capitalize() for name in mine)
        hint = f"CPUs that have it: {', '.join(able[:8])}; name them by cpus:" if able else \
            "a VM has no H extension: a hypervisor is no guest" if mine == ["h"] else \
            "build it with another -march="
        yield self.diagnostic(f"'{ref.file}' is built for {spoken}, which {cpu.name} of VM '{vm.name}' lacks", ref.span,
                              related=[Label(cpu.span)], help=[hint])


@rule("BH0423", "program for instructions that its CPUs lack", phase="plan", explain="""\
An ELF file for RISC-V says which extensions its compiler was told to use (`.riscv.attributes`, or the flags of its
header). One of them is in the `riscv,isa` of the VM's CPUs neither by itself nor as part of another: the program would
stop at the first such instruction, often before it has a console. What a program uses only where it finds it is not in
there.""",
      fails=_VM.replace("guest.elf", "vector.elf"), passes=_VM)
def missing_letters(self: Rule, context: Context) -> Iterator[Diagnostic]:
    yield from _report(self, context, letters=True)


@rule("BH0424", "program for an extension that its CPUs do not name", phase="plan", severity="warning", explain="""\
As BH0423, for extensions with longer names, such as Zba or Zicond. Device trees do not always name all that a CPU has,
so this is a warning: look it up, and allow it or complete the board's device tree.""",
      fails=_VM.replace("guest.elf", "zicond.elf"), passes=_VM)
def missing_names(self: Rule, context: Context) -> Iterator[Diagnostic]:
    yield from _report(self, context, letters=False)


@rule("BH0425", "entry between two instructions", phase="plan", explain="""\
The address of an instruction is a multiple of 4 bytes, on RISC-V of 2. A VM that starts elsewhere faults at once.""",
      fails=_VM.replace("{file: guest.elf}", "{file: blob.bin, at: 0x80000000, entry: 0x80000003}"),
      passes=_VM.replace("{file: guest.elf}", "{file: blob.bin, at: 0x80000000, entry: 0x80000004}"))
def crooked_entry(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.plan is not None and context.board is not None
    step = _ENTRY[context.board.arch]
    for vm, made in zip(context.system.vms, context.plan.vms):
        if made.entry % step and vm.images:
            ref = vm.images[0]
            yield self.diagnostic(f"VM '{vm.name}' starts at {made.entry:#x}, which is no multiple of {step}",
                                  ref.entry_span or ref.at_span or ref.span,
                                  help=[f"an instruction starts at {made.entry - made.entry % step:#x}, perhaps"])
