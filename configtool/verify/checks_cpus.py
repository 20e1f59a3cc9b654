# SPDX-License-Identifier: Apache-2.0
"""The configuration as a whole, CPUs, and what the hypervisor assumes of the board."""
from __future__ import annotations

import os

from ..board.model import Cpu
from ..source import Span
from .case import Case, VmCase, plural
from .expect import Expected
from .facts import CpuFacts, Facts
from .report import Check
from .uarts import stride
from .walk import PAGE, common, union

# henvcfg, and the extension that each field needs. Source: RISC-V Privileged Architecture, "Hypervisor Environment
# Configuration Register".
_ENVIRONMENT = ((63, 1, "sstc", "STCE"), (62, 1, "svpbmt", "PBMTE"), (61, 1, "svadu", "ADUE"), (7, 1, "zicboz", "CBZE"),
                (6, 1, "zicbom", "CBCFE"), (4, 3, "zicbom", "CBIE"))
_CBIE_FLUSH = 1
# hstateen0, from the same manual, "Smstateen/Ssstateen Extensions": what a guest may have always, and with an interrupt
# file of its own (CSRIND, AIA, IMSIC).
_STATE, _STATE_FILES = 1 << 63 | 1 << 62, 7 << 58
_PROBE = 8                      # bytes of the word at the end of a bank that is probed


def configuration(facts: Facts, expected: Expected) -> Check:
    """The image was made from this description. What fails here leaves nothing to compare."""
    check = Check("configuration", "the image was made from this description, for this board", unit="value")
    system, board = expected.system, expected.board
    for what, got, want, span in (
            ("the system is called", facts.name, system.name, system.name_span),
            ("the description is called", facts.file, os.path.basename(system.file), Span(system.file)),
            ("the board is", facts.board, board.name, system.board_span),
            ("the architecture is", facts.arch, board.arch, system.board_span)):
        check.look()
        if got != want:
            check.fail(f"{what} '{got}' in the image", span, f"here '{want}'")
    check.look()
    if facts.on_panic != system.on_panic:
        check.fail(f"a panic of the hypervisor ends with '{facts.on_panic}' in the image",
                   system.on_panic_span or Span(system.file), f"here '{system.on_panic}'")
    have, want_names = [vm.name for vm in facts.vms], [vm.name for vm in system.vms]
    check.look(len(have))
    if have != want_names:
        check.fail("the image has other VMs than the description", Span(system.file), notes=(
            f"in the image: {', '.join(have) or 'none'}", f"in the description: {', '.join(want_names)}"))
        return check
    for vm, made in zip(system.vms, facts.vms):
        check.look(2)
        if made.criticality != vm.criticality:
            check.fail(f"VM '{vm.name}' has criticality {made.criticality} in the image", vm.span,
                       f"here {vm.criticality}")
        if made.line != vm.span.line:
            check.fail(f"VM '{vm.name}' stands in line {made.line} according to the image", vm.span)
    check.evidence.append(f"{facts.name} for {facts.board}, {plural(len(have), 'VM')}: {', '.join(have)}")
    return check


def console(case: Case) -> Check:
    """The hypervisor's console is the UART of the YAML, or none."""
    check = Check("console", "the hypervisor's console is the UART of the description", unit="value")
    facts, device = case.facts.console, case.expected.console
    span = case.system.console_span or case.system.board_span
    known = stride(device) if device is not None and device.registers else None
    if device is not None and known is None and facts is None:
        check.look()
        check.evidence.append(f"none: there is no driver for {device.name}")
        return check
    if device is None or facts is None:
        check.look()
        if (device is None) != (facts is None):
            check.fail("the hypervisor has " + ("a console" if facts else "no console"), span,
                       "the description gives it none" if facts else f"here it is {device.name if device else ''}")
        return check
    path = case.board.controller.path if case.board.controller else None
    shift, width = known or (0, 0)
    for what, got, want in (
            ("is at", facts.base, device.registers[0][0] if device.registers else 0),
            ("has interrupt", facts.irq, next((i.number for i in device.interrupts if i.controller == path), 0)),
            ("has its registers shifted by", facts.reg_shift, shift),
            ("has registers of this many bytes:", facts.reg_width, width)):
        check.look()
        if got != want:
            check.fail(f"the hypervisor's console {what} {got:#x}", span, f"{device.name}: {want or 0:#x}")
    check.look()
    if facts.cpu >= len(case.facts.cpus):
        check.fail(f"the console is served by CPU {facts.cpu}, which there is not", span)
    else:
        check.evidence.append(f"{device.name} at {facts.base:#x}, served by {case.facts.cpus[facts.cpu].name}")
    return check


def cpus(case: Case) -> Check:
    """Each physical CPU is one vCPU of one VM, and is on the board."""
    check = Check("cpus", "each CPU belongs to one VM, and each VM has its CPUs", unit="CPU")
    board = {cpu.id: cpu for cpu in case.board.cpus}
    span = case.system.board_span
    seen: dict[int, int] = {}
    for index, cpu in enumerate(case.facts.cpus):
        check.look()
        there = board.get(cpu.id)
        owner = next((vm for vm in case.vms if vm.facts.index == cpu.vm), None)
        if there is None or not there.enabled or not there.virtualisation:
            check.fail(f"the image uses a CPU with id {cpu.id:#x}", span, "the board has none" if there is None else
                       "it has no virtualisation" if there.enabled else "it is disabled")
        elif there.name != cpu.name:
            check.fail(f"the CPU with id {cpu.id:#x} is called '{cpu.name}' in the image", span,
                       f"on the board it is {there.name}")
        else:
            for what, got, want in _at_controller(case, there, cpu):
                if got != want:
                    check.fail(f"{cpu.name} has {what} {got:#x} in the image", span, f"on the board {want:#x}")
        if cpu.id in seen:
            check.fail(f"the CPU with id {cpu.id:#x} is in the image twice", span)
        seen[cpu.id] = index
        if owner is None or cpu.vcpu >= len(owner.facts.cpus) or owner.facts.cpus[cpu.vcpu] != index:
            who = f"VM '{owner.name}'" if owner else f"VM {cpu.vm}"
            check.fail(f"{cpu.name} runs vCPU {cpu.vcpu} of {who}, which does not have it",
                       owner.span if owner else span)
    for vm in case.vms:
        _own(case, vm, board, check)
    return check


def _at_controller(case: Case, there: Cpu, cpu: CpuFacts) -> list[tuple[str, int, int]]:
    """(what, in the image, on the board) of a CPU's place at the interrupt controller, and of how it is started."""
    controller, gic = case.board.controller, case.expected.gic
    index = controller.contexts.get(cpu.id, 0) if controller else 0
    plic = controller is not None and controller.kind == "plic"
    return [("context", cpu.context, index if plic else 0),
            ("position at the interrupt controller", cpu.hart_index, gic.order[cpu.id] if gic else 0 if plic
             else index),
            ("its redistributor at", cpu.gicr, gic.redistributors.get(cpu.id, 0) if gic else 0),
            ("its release word at", cpu.release, there.release_addr or 0 if there.enable_method == "spin-table" else 0)]


def _own(case: Case, vm: VmCase, board: dict[int, Cpu], check: Check) -> None:
    request = vm.vm.cpus
    span = request.span if request else vm.span
    names = []
    for vcpu, index in enumerate(vm.facts.cpus):
        if index >= len(case.facts.cpus):
            check.fail(f"vCPU {vcpu} of VM '{vm.name}' runs on CPU {index}, which there is not", span)
            return
        cpu = case.facts.cpus[index]
        names.append(cpu.name)
        if (cpu.vm, cpu.vcpu) != (vm.facts.index, vcpu):
            check.fail(f"vCPU {vcpu} of VM '{vm.name}' runs on {cpu.name}, which belongs to another", span)
        there = board.get(cpu.id)
        if request and request.cluster and there and there.cluster != request.cluster:
            check.fail(f"{cpu.name} of VM '{vm.name}' is in {there.cluster or 'no cluster'}", span,
                       f"wanted: {request.cluster}")
    if request and request.names:
        wanted = [next((c.name for c in case.board.cpus if name in (c.name, c.label, c.path)), name)
                  for name, _ in request.names]
        if names != wanted:
            check.fail(f"VM '{vm.name}' runs on {', '.join(names) or 'no CPU'}", span, f"wanted: {', '.join(wanted)}")
    elif request and len(names) != request.count:
        check.fail(f"VM '{vm.name}' has {plural(len(names), 'CPU')}", span, f"wanted: {request.count}")
    check.evidence.append(f"{vm.name}: {', '.join(names)}")


def environment(case: Case) -> Check:
    """Guests may use what every CPU has, and memory is probed where the plan's last word lies."""
    check = Check("environment", "the hypervisor assumes of the board what its device tree says", unit="value")
    facts, span = case.facts, case.system.board_span
    used = {cpu.id for cpu in facts.cpus}
    isa = [set(cpu.isa) for cpu in case.board.cpus if cpu.id in used]
    everywhere = set.intersection(*isa) if isa else set()
    left = facts.henvcfg
    for shift, mask, extension, name in _ENVIRONMENT:
        check.look()
        value = facts.henvcfg >> shift & mask
        left &= ~(mask << shift)
        if value and extension not in everywhere:
            check.fail(f"henvcfg grants guests {name}, which needs {extension}", span, "not every CPU in use has it")
        if name == "CBIE" and value not in (0, _CBIE_FLUSH):
            check.fail("henvcfg lets guests discard cache lines (CBO.INVAL without a write-back)", span)
    if left:
        check.fail(f"henvcfg has bits set that Bulkhead does not use: {left:#x}", span)
    if facts.sstc != bool(facts.henvcfg >> 63 & 1):
        check.fail("sstc and henvcfg.STCE differ: guests could not program their timer", span)
    for cpu in facts.cpus:
        there = next((c for c in case.board.cpus if c.id == cpu.id), None)
        guarded = there is not None and {"smstateen", "ssstateen"} & set(there.isa)
        allowed = _STATE | (_STATE_FILES if cpu.guest_file else 0)
        if cpu.hstateen0 & ~(allowed if guarded else 0):
            check.fail(f"hstateen0 of {cpu.name} grants its guest {cpu.hstateen0:#x}", span,
                       f"it may have {allowed:#x}" if guarded else "the CPU has no such register")
    if facts.boot_ids and facts.boot_ids != tuple(cpu.id for cpu in facts.cpus):
        check.fail(f"the first instructions know the CPUs {_hex(facts.boot_ids)}", span,
                   f"the configuration has {_hex(tuple(cpu.id for cpu in facts.cpus))}")
    for vm in case.vms:
        if vm.facts.restore_table and vm.facts.restart is None:
            check.fail(f"VM '{vm.name}' has tables for its restart, which this architecture does not use", vm.span)
    _probes(case, check)
    return check


def _probes(case: Case, check: Check) -> None:
    used = [(s.base, s.end) for s in case.facts.elf.segments] + case.own
    used += [(p.extent.phys, p.extent.phys_end) for vm in case.vms for p in vm.pieces
             if p.kind in ("memory", "channel")]
    if case.facts.events:
        used.append((case.facts.events, case.facts.events + -(-case.system.events // PAGE) * PAGE))
    wanted = []
    for low, high in sorted((b.base, b.end) for b in case.board.memory):
        inside = common([(low, high)], union(used))
        if inside:
            wanted.append(inside[-1][1] - _PROBE)
    check.look(len(wanted))
    if sorted(case.facts.probes) != wanted:
        check.fail(f"memory is probed at {_hex(case.facts.probes)}", case.system.board_span,
                   f"the last words in use are at {_hex(tuple(wanted))}")
    check.evidence.append(f"memory is probed at {_hex(case.facts.probes)}; henvcfg {case.facts.henvcfg:#x}")


def _hex(values: tuple[int, ...]) -> str:
    return ", ".join(f"{v:#x}" for v in values) or "no address"
