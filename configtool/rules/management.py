# SPDX-License-Identifier: Apache-2.0
"""Rules on what happens to a VM in its life: watchdogs, managers, restarts, the event ring."""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic, Label
from ..plan.colored import restarts
from ..source import Span
from ..system import Vm
from .owners import board_of, owners
from .registry import Context, Rule, reported, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_BOSS = """\
  boss:
    criticality: 3
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
    manager: [hello]
"""
_MANAGED = _VM + "    restartable: true\n" + _BOSS
_DMA = """\
vms:
  linux:
    vcpus: 1
    memory: {ram: {size: 64MiB, at: identity}}
    image: {file: Image}
    on_reset: {action: stop}
    devices: [{name: virtio_mmio@10001000, dma: trusted, because: "this board has no IOMMU before virtio-mmio"}]
"""

_SHORTEST_US = 1_000
_LONGEST_US = 30 * 60 * 1_000_000


@rule("BH1020", "watchdog with a time that it cannot have", phase="system", explain="""\
The hypervisor looks at a VM's watchdog once in a timeout, by a timer of its own: less than 1 ms would be felt by the
VM, and more than 30 minutes is more than it counts. `start` is the time from the VM's start to its first sign of life,
so it is no shorter than `timeout`.""",
      fails=_VM + "    watchdog: {timeout: 100us, action: restart}\n",
      passes=_VM + "    watchdog: {timeout: 500ms, start: 10s, action: restart}\n")
def watchdog_time(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        own = vm.watchdog
        if own is None:
            continue
        longest = max(own.timeout_us, own.start_us or 0)
        if own.timeout_us < _SHORTEST_US:
            yield self.diagnostic(f"the watchdog of VM '{vm.name}' is to bite after less than 1ms", own.span,
                                  notes=["the hypervisor looks once in a timeout, and the VM would feel that"],
                                  help=["write timeout: 1ms or more"])
        elif longest > _LONGEST_US:
            yield self.diagnostic(f"the watchdog of VM '{vm.name}' is to wait for more than 30 minutes", own.span,
                                  help=["write 1800s or less"])
        elif own.start_us is not None and own.start_us < own.timeout_us:
            yield self.diagnostic(f"the watchdog of VM '{vm.name}' gives less time to start than later", own.span,
                                  help=["write start: as long as timeout:, or longer, or leave it out"])


@rule("BH1021", "manager of a VM that it cannot manage", phase="system", explain="""\
`manager:` lists the VMs that this one may stop, start, suspend and look at: VMs of this system, each once, and not
itself. `manager: true` is all others.""",
      fails=_VM + "    manager: [control]\n", passes=_MANAGED)
def manager_names(self: Rule, context: Context) -> Iterator[Diagnostic]:
    from difflib import get_close_matches

    names = [vm.name for vm in context.system.vms]
    for vm in context.system.vms:
        seen: set[str] = set()
        for name, span in vm.manager or ():
            if name not in names:
                near = get_close_matches(name, names, 1)
                yield self.diagnostic(f"there is no VM '{name}' to manage", span,
                                      help=[f"did you mean {near[0]}?" if near else f"VMs: {', '.join(names)}"])
            elif name == vm.name:
                yield self.diagnostic(f"VM '{name}' is to manage itself", span,
                                      help=["remove it: a VM ends by itself through its firmware's calls"])
            elif name in seen:
                yield self.diagnostic(f"VM '{name}' stands twice in the list of '{vm.name}'", span, help=["remove it"])
            seen.add(name)
        if vm.manager == () and len(names) == 1:
            yield self.diagnostic(f"VM '{vm.name}' is a manager, and there is no other VM",
                                  vm.manager_span or vm.span, help=["remove `manager: true`"])


@rule("BH1022", "manager of a more critical VM", phase="system", severity="warning", needs=("BH1021",), explain="""\
A manager can stop the VMs in its list. Where one of them is more critical than the manager, the more critical VM
depends on the less critical one. Raise the manager's criticality, or leave that VM out of its list. Allow the warning
where the dependence is meant.""",
      fails=_MANAGED.replace("criticality: 3", "criticality: 0").replace("  hello:\n", "  hello:\n    criticality: 5\n"),
      passes=_MANAGED)
def manager_criticality(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        for name in context.system.managed(vm):
            other = context.system.vm(name)
            if other is not None and other.criticality > vm.criticality:
                yield self.diagnostic(f"VM '{vm.name}' of criticality {vm.criticality} can stop VM '{name}' of "
                                      f"criticality {other.criticality}", _place(vm, name),
                                      related=[Label(other.span, "the more critical one")],
                                      help=[f"leave '{name}' out of the list, or raise the criticality of '{vm.name}'"])


@rule("BH1023", "managed VM that cannot start again", phase="system", severity="warning", needs=("BH1021",), explain="""\
A manager can stop this VM, and nobody can start it again: nothing keeps a copy of what its memory holds at first. Write
`restartable: true` into the VM, or give it an action `restart`, which keeps the copy as well. Allow the warning where a
stop is to be for good.""",
      fails=_VM + _BOSS, passes=_MANAGED)
def managed_for_good(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        for name in context.system.managed(vm):
            other = context.system.vm(name)
            if other is not None and not restarts(other):
                yield self.diagnostic(f"VM '{vm.name}' can stop VM '{name}', and not start it again", _place(vm, name),
                                      related=[Label(other.span, "keeps no copy of its memory")],
                                      help=[f"write restartable: true into VM '{name}'"])


@rule("BH1024", "managers of each other", phase="system", severity="warning", needs=("BH1021",), explain="""\
Each of two VMs can stop the other. A fault in either can then end both, one after the other. A manager that nobody
manages is the usual form.""",
      fails=_VM + "    restartable: true\n    manager: [boss]\n" + _BOSS.replace("criticality: 3", "criticality: 0")
      + "    restartable: true\n",
      passes=_MANAGED)
def mutual_managers(self: Rule, context: Context) -> Iterator[Diagnostic]:
    system = context.system
    for i, vm in enumerate(system.vms):
        for other in system.vms[i + 1:]:
            if other.name in system.managed(vm) and vm.name in system.managed(other):
                yield self.diagnostic(f"VM '{vm.name}' and VM '{other.name}' manage each other",
                                      _place(other, vm.name), related=[Label(_place(vm, other.name), "and here")],
                                      help=["leave one of them out of the other's list"])


@rule("BH1025", "events that a reset clears", phase="board", severity="warning", explain="""\
The events are kept in memory, so that a unit can be asked after a reset what happened before. This board's `board.yaml`
does not say that memory keeps its contents over a warm reset (`keeps_ram: true`): firmware may clear it, or train the
memory anew. Until the next reset the events are there anyway.""",
      fails="hypervisor: {events: 4KiB}\n" + _VM + "# with no keeps_ram in board.yaml\n",
      passes="hypervisor: {events: 4KiB}\n" + _VM)
def lost_events(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    if context.system.events and not board.keeps_ram:
        yield self.diagnostic(f"board '{board.name}' does not say that it keeps its RAM over a reset",
                              context.system.events_span or context.system.name_span,
                              related=[Label(board.yaml_span, "its description")] if board.yaml_span else [],
                              help=["write keeps_ram: true into board.yaml, if that is so"])


reported("BH1026", "no memory for events behind the image", phase="plan", explain="""\
The event ring lies behind the flat image: what lies within it is written over when the image is loaded again, as a
reset of many boards does. All memory behind the image is somebody's: make a VM's memory smaller, or leave the place free
by `phys:`.""",
         fails="hypervisor: {events: 3GiB}\n" + _VM,
         passes="hypervisor: {events: 4KiB}\n" + _VM)


@rule("BH1027", "restart of a VM whose device masters memory", phase="board", severity="warning", explain="""\
A restart puts the VM's memory back, and leaves its devices as they are: the hypervisor does not know how to reset them.
One that masters memory may still write a buffer of the VM's former life into the memory of the new one. The driver has
to reset the device before anything else, and until then the device must have nothing under way; allow the warning where
you know that. What goes through an IOMMU is no exception: it reaches the VM's own memory, which is what is put back.""",
      fails=_DMA.replace("    on_reset: {action: stop}\n", "    on_reset: {action: restart}\n"), passes=_DMA)
def restart_with_dma(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for given in owners(context):
        if restarts(given.vm) and given.device.dma_master:
            yield self.diagnostic(f"VM '{given.vm.name}' can be restarted while its device {given.name} writes to memory",
                                  given.span, related=[Label(given.device.span)],
                                  notes=["a restart leaves devices as they are"],
                                  help=["see to it that its driver resets the device first, and allow this warning"])


@rule("BH1028", "monitor without a console", phase="board", explain="""\
`hypervisor: {monitor: true}` is for a person at the hypervisor's console, and this system has none whose input it
takes: `console: none`, or a UART without an interrupt.""",
      fails="hypervisor: {console: none, monitor: true}\n" + _VM,
      passes="hypervisor: {monitor: true}\n" + _VM)
def monitor_without_console(self: Rule, context: Context) -> Iterator[Diagnostic]:
    if context.system.monitor and context.system.console == "none":
        yield self.diagnostic("the monitor has no console", context.system.monitor_span or context.system.name_span,
                              related=[Label(context.system.console_span, "none")] if context.system.console_span
                              else [],
                              help=["remove monitor, or give the hypervisor a console"])


@rule("BH1029", "watchdog without a timer for it", phase="board", explain="""\
The hypervisor looks at watchdogs by its own timer, the EL2 physical one of each CPU. The device tree's timer node does
not tell its interrupt: the fourth of `interrupts`, or the one that `interrupt-names` calls hyp-phys.""",
      fails=_VM + "    watchdog: {timeout: 1s, action: stop}\n"
      + "# with a timer of three interrupts in board.dts\n",
      passes=_VM + "    watchdog: {timeout: 1s, action: stop}\n")
def watchdog_without_timer(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    if not board.arch.startswith(("aarch", "arm")):
        return
    timer = next((d for d in board.devices if d.kind == "timer" and "arm,armv8-timer" in d.compatible), None)
    names = timer.node.strings("interrupt-names") if timer is not None and timer.node is not None else ()
    at = names.index("hyp-phys") if "hyp-phys" in names else 3
    for vm in context.system.vms:
        if vm.watchdog is not None and (timer is None or at >= len(timer.interrupts)):
            yield self.diagnostic(f"the board has no timer for the watchdog of VM '{vm.name}'", vm.watchdog.span,
                                  related=[Label(timer.span, "lacks the hypervisor's interrupt")] if timer else [],
                                  help=["add the interrupt of the EL2 physical timer to the timer node"])


_REACH = "the GIC of board {} has two security states: all interrupts of this VM's CPUs are the guest's or firmware's"


@rule("BH1030", "VM that cannot be interrupted, and is to be", phase="board", needs=("BH1000",), explain="""\
With `interrupts: direct` on a GIC of two security states the hypervisor cannot interrupt the VM's CPU: it runs there only
when the guest calls it. A watchdog would not be looked at, and an order of a manager or of the console would wait for
the guest's next call, if one comes. Leave the VM's interrupts virtual, or say `security_states: 1` in board.yaml where
the board's GIC has one.""",
      fails=_VM + "    interrupts: direct\n    watchdog: {timeout: 1s, action: stop}\n"
      + "# with board: one with a GICv3 of two security states\n",
      passes=_VM + "    watchdog: {timeout: 1s, action: stop}\n")
def out_of_reach(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for vm in context.system.vms:
        if not vm.direct or board.security_states == 1:
            continue
        if vm.watchdog is not None:
            yield self.diagnostic(f"the watchdog of VM '{vm.name}' could not stop it", vm.watchdog.span,
                                  related=[Label(vm.interrupts_span, "out of the hypervisor's reach")]
                                  if vm.interrupts_span else [],
                                  notes=[_REACH.format(board.name)], help=["remove `interrupts: direct`, or the watchdog"])
        for boss in context.system.vms:
            if vm.name in context.system.managed(boss):
                yield self.diagnostic(f"VM '{boss.name}' could not stop VM '{vm.name}'", _place(boss, vm.name),
                                      related=[Label(vm.interrupts_span, "out of the hypervisor's reach")]
                                      if vm.interrupts_span else [], notes=[_REACH.format(board.name)],
                                      help=[f"remove `interrupts: direct` of VM '{vm.name}', or leave it out of the "
                                            "list"])


def _place(vm: Vm, name: str) -> Span:
    """Where a manager names a VM."""
    return next((span for listed, span in vm.manager or () if listed == name), vm.manager_span or vm.span)
