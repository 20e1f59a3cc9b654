# SPDX-License-Identifier: Apache-2.0
"""Rules on CPUs: every vCPU has a physical CPU of its own."""
from __future__ import annotations

from typing import Iterator

from ..board.model import Board, Cpu
from ..diagnostics import Diagnostic, Label
from ..schema_words import nearest
from ..source import Span
from ..system import System, Vm
from .registry import Context, Rule, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_TWO = _VM + _VM.split("\n", 1)[1].replace("hello", "other")


def find_cpu(board: Board, name: str) -> Cpu | None:
    """A CPU by its node's name, label or path in the device tree."""
    return next((cpu for cpu in board.cpus if name in (cpu.name, cpu.label, cpu.path)), None)


def lacks(cpu: Cpu, arch: str) -> str | None:
    """Why a CPU cannot run VMs, following 'CPU cpu@1 '; None when it can."""
    if not cpu.enabled:
        return "is disabled in the device tree"
    if arch.startswith("riscv") and "h" not in cpu.isa:
        return "lacks the hypervisor extension (H)"
    return None


def usable_cpus(board: Board) -> tuple[Cpu, ...]:
    """The CPUs that VMs can run on, in the board's order."""
    return tuple(cpu for cpu in board.cpus if lacks(cpu, board.arch) is None)


@rule("BH0200", "VM without a CPU", phase="system", explain="""\
A VM says neither how many CPUs it has (`vcpus`) nor which (`cpus`). There is no default: each one is taken from all
others.""",
      fails=_VM.replace("    vcpus: 1\n", ""), passes=_VM)
def no_cpu(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        if vm.cpus is None:
            yield self.diagnostic(f"VM '{vm.name}' has no CPU", vm.span, help=["write vcpus: 1"])


@rule("BH0201", "CPU that the board does not have", phase="board", explain="""\
A name under `cpus:` is neither the name, the label nor the path of a CPU in the board's device tree.""",
      fails=_VM.replace("vcpus: 1", "cpus: [cpu@9]"), passes=_VM.replace("vcpus: 1", "cpus: [cpu@1]"))
def unknown_cpu(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = _board(context)
    for vm in context.system.vms:
        for name, span in _names(vm):
            if find_cpu(board, name) is None:
                known = [n for cpu in board.cpus for n in (cpu.name, cpu.label) if n]
                near = nearest(name, known)
                yield self.diagnostic(f"board {board.name} has no CPU '{name}'", span, help=[
                    (f"did you mean '{near[0]}'? " if near else "")
                    + f"it has: {_listed([cpu.name for cpu in board.cpus])}"])


@rule("BH0202", "CPU in two VMs", phase="board", explain="""\
A physical CPU runs one vCPU and nothing else, so it can be named once: in one VM, at one place of its list.""",
      fails=_TWO.replace("vcpus: 1", "cpus: [cpu@1]"), passes=_TWO.replace("vcpus: 1", "cpus: [cpu@1]", 1))
def cpu_twice(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = _board(context)
    named: dict[int, tuple[str, Span]] = {}
    for vm in context.system.vms:
        for name, span in _names(vm):
            cpu = find_cpu(board, name)
            if cpu is None:
                continue
            if cpu.index in named:
                other, first = named[cpu.index]
                where = f"twice in VM '{vm.name}'" if other == vm.name else f"in VM '{other}' and in VM '{vm.name}'"
                free = [c.name for c in usable_cpus(board) if c.index not in _named_indexes(context.system, board)]
                yield self.diagnostic(f"CPU {cpu.name} is {where}", span, "again here",
                                      related=[Label(first, "first here")],
                                      help=[f"name another one; named by nobody: {_listed(free)}" if free else
                                            f"name each CPU once; the board has {len(usable_cpus(board))}"])
            else:
                named[cpu.index] = (vm.name, span)


@rule("BH0203", "CPU that cannot run a VM", phase="board", explain="""\
A CPU that is named is disabled in the device tree (its `status` is not "okay"), or it lacks what a hypervisor needs: on
RISC-V the H extension, which has to stand in its `riscv,isa` or `riscv,isa-extensions`. A small management core beside
large ones is often such a
CPU.""", fails=_VM.replace("hello:", "hello:\n    cpus: [cpu@1]").replace("    vcpus: 1\n", "")
      + "# with a board.dts in which cpu@1 has status = \"disabled\"\n", passes=_VM)
def unusable_cpu(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = _board(context)
    for vm in context.system.vms:
        for name, span in _names(vm):
            cpu = find_cpu(board, name)
            reason = lacks(cpu, board.arch) if cpu else None
            if cpu and reason:
                usable = [c.name for c in usable_cpus(board)]
                yield self.diagnostic(f"CPU {cpu.name} {reason}", span, f"named by VM '{vm.name}'",
                                      related=[Label(cpu.span, "")],
                                      help=[f"CPUs that can run a VM: {_listed(usable)}" if usable else
                                            "no CPU of this board can run a VM"])


@rule("BH0204", "unknown cluster", phase="board", explain="""\
`vcpus: {count: 2, cluster: NAME}` takes CPUs of one cluster, by the cluster's name in `/cpus/cpu-map` of the device
tree. The board has none of that name.""", fails=_VM.replace("vcpus: 1", "vcpus: {count: 1, cluster: big}"),
      passes=_VM.replace("vcpus: 1", "vcpus: {count: 1, cluster: cluster0}"))
def unknown_cluster(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = _board(context)
    clusters = list(dict.fromkeys(cpu.cluster for cpu in board.cpus if cpu.cluster))
    for vm in context.system.vms:
        if vm.cpus and vm.cpus.cluster is not None and vm.cpus.cluster not in clusters:
            near = nearest(vm.cpus.cluster, clusters)
            yield self.diagnostic(f"board {board.name} has no CPU cluster '{vm.cpus.cluster}'", vm.cpus.span, help=[
                (f"did you mean '{near[0]}'? " if near else "") + f"it has: {_listed(clusters)}" if clusters else
                "its device tree has no cpu-map: remove cluster, or name CPUs by cpus:"])


@rule("BH0205", "cluster with too few CPUs", phase="board", needs=("BH0201", "BH0202", "BH0203", "BH0204"), explain="""\
The VMs that name CPUs of a cluster, and those that ask for a number of them, together want more than it has.""",
      fails=_VM.replace("vcpus: 1", "vcpus: {count: 9, cluster: cluster0}"),
      passes=_VM.replace("vcpus: 1", "vcpus: {count: 2, cluster: cluster0}"))
def small_cluster(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board, system = _board(context), context.system
    for cluster in dict.fromkeys(vm.cpus.cluster for vm in system.vms if vm.cpus and vm.cpus.cluster):
        there = sum(cpu.cluster == cluster for cpu in usable_cpus(board))
        tally = []
        for vm in system.vms:
            named = [cpu for name, _ in _names(vm) if (cpu := find_cpu(board, name)) and cpu.cluster == cluster]
            count = (vm.cpus.count or 0) if vm.cpus and vm.cpus.cluster == cluster else len(named)
            if vm.cpus and count:
                tally.append((vm, count, vm.cpus.span))
        wanted = sum(count for _, count, _ in tally)
        if wanted > there:
            yield _too_few(self, f"cluster {cluster} of board {board.name}", there, wanted, tally)


@rule("BH0206", "more CPUs than the board has", phase="board",
      needs=("BH0201", "BH0202", "BH0203", "BH0204", "BH0205"), explain="""\
Every vCPU runs on a physical CPU of its own, so the VMs together cannot have more than the board. The tally shows who
wants how many. CPUs that are disabled in the device tree, or lack the H extension, do not count.""",
      fails=_TWO.replace("vcpus: 1", "vcpus: 3"), passes=_TWO.replace("vcpus: 1", "vcpus: 2"))
def too_many_cpus(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = _board(context)
    usable = usable_cpus(board)
    tally = [(vm, len(vm.cpus.names) or vm.cpus.count or 0, vm.cpus.span) for vm in context.system.vms if vm.cpus]
    wanted = sum(count for _, count, _ in tally)
    if wanted > len(usable):
        notes = [f"CPU {cpu.name} {reason}" for cpu in board.cpus if (reason := lacks(cpu, board.arch))]
        yield _too_few(self, f"board {board.name}", len(usable), wanted, tally, notes)


MOST_VCPUS = {"gicv2": 8}     # CPU interfaces of a GICv2 (IHI 0048B, section 1.4.2)
_MOST = 64                    # calls that name several vCPUs name them in a mask of 64 bits


@rule("BH0207", "more vCPUs than a VM can have", phase="board", needs=("BH0206",), explain="""\
A VM has at most 64 vCPUs, and on a board with a GICv2 at most 8, as that controller has no more CPU interfaces.""",
      fails=_VM.replace("vcpus: 1", "vcpus: 65") + "# with a board of 65 CPUs\n", passes=_VM)
def large_vm(self: Rule, context: Context) -> Iterator[Diagnostic]:
    controller = _board(context).controller
    most = MOST_VCPUS.get(controller.kind, _MOST) if controller is not None else _MOST
    for vm in context.system.vms:
        count = (len(vm.cpus.names) or vm.cpus.count or 0) if vm.cpus else 0
        if vm.cpus and count > most:
            yield self.diagnostic(f"VM '{vm.name}' has {count} vCPUs, and {most} is the most", vm.cpus.span,
                                  notes=["the board's interrupt controller is a GICv2"] if most != _MOST else [],
                                  help=["make it two VMs"])


_SHOWN = 16     # VMs in a tally


def _too_few(self: Rule, where: str, there: int, wanted: int, tally: list[tuple[Vm, int, Span]],
             notes: list[str] | None = None) -> Diagnostic:
    """Points at the VM with which the sum first exceeds what is there."""
    total, culprit = 0, tally[-1]
    for entry in tally:
        total += entry[1]
        if total > there:
            culprit = entry
            break
    sums = " + ".join(f"{vm.name} {count}" for vm, count, _ in tally[:_SHOWN])
    if len(tally) > _SHOWN:
        sums += f" + those of {len(tally) - _SHOWN} more VMs"
    has = f"{there} CPU{'' if there == 1 else 's'}" + (" that can run VMs" if notes else "")
    return self.diagnostic(f"{wanted} CPUs wanted, and {where} has {has}", culprit[2],
                           "" if len(tally) == 1 else f"with VM '{culprit[0].name}' there are too many",
                           notes=[*([f"wanted: {sums} = {wanted}"] if len(tally) > 1 else []), *(notes or [])],
                           help=[f"ask for {wanted - there} fewer"])


def _board(context: Context) -> Board:
    assert context.board is not None
    return context.board


def _names(vm: Vm) -> tuple[tuple[str, Span], ...]:
    return vm.cpus.names if vm.cpus else ()


def _named_indexes(system: System, board: Board) -> set[int]:
    return {cpu.index for vm in system.vms for name, _ in _names(vm) if (cpu := find_cpu(board, name))}


def _listed(names: list[str]) -> str:
    """At most eight names."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "none"
