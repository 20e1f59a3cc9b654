# SPDX-License-Identifier: Apache-2.0
"""Interrupts: each source with its owner alone."""
from __future__ import annotations

from ..board.model import InterruptController
from .case import Case, VmCase, span_text
from .expect import Grant, overflow_interrupt, physical_interrupts, uses_timer
from .expect_gic import SPI
from .facts import HYPERVISOR, NOBODY
from .report import Check
from .walk import PAGE


def interrupts(case: Case) -> Check:
    """Each physical interrupt has one owner: the VM that has its device, or the hypervisor."""
    check = Check("interrupts", "each physical interrupt goes to the owner of its device alone", unit="source")
    facts, board = case.facts, case.board
    controller = board.controller
    if controller is None or not controller.registers:
        check.fail("the board has no interrupt controller", case.system.board_span)
        return check
    _controller(case, controller, check)
    check.look(len(facts.irq_owner) - 1)
    wanted = {vm.name: physical_interrupts(vm.grants, board) for vm in case.vms}
    console = case.expected.console
    own = {i.number for i in console.interrupts if i.controller == controller.path} if console else set()
    by_index = {vm.facts.index: vm for vm in case.vms}
    lines = {vm.name: _direct(case, vm, check) for vm in case.vms}
    for source, (index, guest) in enumerate(facts.irq_owner):
        users = [vm for vm in case.vms if source in wanted[vm.name]]
        if index == NOBODY:
            for vm in users:
                grant = wanted[vm.name][source]
                check.fail(f"interrupt {source} of device '{grant.name}' does not reach VM '{vm.name}'", grant.span,
                           "the image gives it to nobody")
        elif index == HYPERVISOR:
            if facts.console is None or source != facts.console.irq or source not in own:
                check.fail(f"the hypervisor takes interrupt {source}", case.system.board_span,
                           "it is not its console's")
        elif index not in by_index:
            check.fail(f"interrupt {source} belongs to VM {index}, which there is not", case.system.board_span)
        else:
            vm = by_index[index]
            if vm.facts.direct and source in lines[vm.name] and source == guest:
                check.evidence.append(f"{source}: {vm.name}, a virtual line")
            elif vm not in users:
                check.fail(f"VM '{vm.name}' gets interrupt {source}", vm.span, _whose(case, source, users),
                           notes=("its description gives it no device with that interrupt",))
            elif not 0 < guest < len(vm.facts.irq_physical) or vm.facts.irq_physical[guest] != source:
                check.fail(f"interrupt {source} is raised in VM '{vm.name}' as {guest}", vm.span,
                           f"its number {guest} does not lead back to {source}")
            else:
                check.evidence.append(f"{source}: {vm.name}, {wanted[vm.name][source].name}, there {guest}")
    if facts.console is not None and facts.console.irq and (
            facts.console.irq >= len(facts.irq_owner) or facts.irq_owner[facts.console.irq][0] != HYPERVISOR):
        check.fail(f"interrupt {facts.console.irq} of the hypervisor's console is not its own", case.system.board_span)
    for vm in case.vms:
        _back(case, vm, wanted, check)
        for number in lines[vm.name]:
            if number >= len(facts.irq_owner) or facts.irq_owner[number] != (vm.facts.index, number):
                check.fail(f"virtual line {number} of VM '{vm.name}' is not its own at the controller", vm.span)
    _files(case, controller, check)
    return check


def _direct(case: Case, vm: VmCase, check: Check) -> set[int]:
    """Virtual lines of a VM that its interrupts reach without the hypervisor: shared interrupts that no device of the
    board has. Everything has its physical number there: it is the one that the guest reads from its CPU."""
    facts, gic = vm.facts, case.expected.gic
    if facts.direct != vm.vm.direct:
        check.fail(f"the interrupts of VM '{vm.name}' are {'direct' if facts.direct else 'virtual'} in the image", vm.span,
                   f"interrupts: {vm.vm.interrupts}")
    if not facts.direct:
        return set()
    if gic is None or gic.version != 3:
        check.fail(f"the interrupts of VM '{vm.name}' are direct", vm.span, "the board has no GICv3")
        return set()
    if len(facts.cpus) > 1 and not gic.one_security_state:
        check.fail(f"the interrupts of VM '{vm.name}' are direct, and it has {len(facts.cpus)} vCPUs", vm.span,
                   "on this board one could not stop the other")
    for guest, source in enumerate(facts.irq_physical):
        if source not in (0, guest):
            check.fail(f"interrupt {source} reaches VM '{vm.name}' without the hypervisor", vm.span,
                       f"its configuration says that it is {guest} there")
    rung = {number for other in case.facts.vms for end in other.channels for target, number in end.rings
            if target == facts.index}
    lines = rung | ({facts.uart_irq} if facts.uart_irq else set())
    for number in sorted(lines):
        if number < SPI or number in gic.wired:
            check.fail(f"virtual line {number} of VM '{vm.name}' is an interrupt of the board", vm.span,
                       _whose(case, number, []))
        elif facts.irq_physical[number:number + 1] != (number,):
            check.fail(f"virtual line {number} of VM '{vm.name}' does not reach it", vm.span)
    return lines


def _controller(case: Case, controller: InterruptController, check: Check) -> None:
    """The hypervisor's idea of the controller is the board's."""
    facts, gic, span = case.facts, case.expected.gic, case.system.board_span
    edges = sum(word << 32 * i for i, word in enumerate(facts.irq_edges))
    in_use = {source for source, (vm, _) in enumerate(facts.irq_owner) if vm != NOBODY}
    virtual = {number for vm in case.vms if vm.facts.direct and gic for number, source in enumerate(vm.facts.irq_physical)
               if source == number >= SPI and number not in gic.wired}
    wanted_edges = sum(1 << source for source in in_use if gic and (source in gic.edges or source in virtual))
    for what, got, want in (
            ("is at", facts.irqchip, controller.registers[0][0]),
            ("has as its highest source", len(facts.irq_owner) - 1, max([gic.highest, *virtual]) if gic else controller.sources),
            ("has its CPU interface at", facts.gicc, gic.interface[0] if gic and gic.interface else 0),
            ("has its virtual interface control at", facts.gich, gic.control[0] if gic and gic.control else 0),
            ("has the maintenance interrupt", facts.maintenance, gic.maintenance if gic else 0),
            ("has the performance monitors' interrupt", facts.overflow, overflow_interrupt(case.system, case.board)),
            ("has the hypervisor's timer interrupt", facts.timer, gic.own_timer if gic and uses_timer(case.system) else 0),
            ("has edges at", edges, wanted_edges),
            ("has one security state", facts.one_security_state, gic.one_security_state if gic else False)):
        if got != want:
            check.fail(f"the interrupt controller {what} {got:#x} in the image", span, f"on the board {want:#x}")
    for vm in case.vms:
        if gic is not None and gic.virtual is not None:
            mapped = [(e.phys, e.phys_end, e.access) for e in vm.of("file")]
            if mapped != [(*gic.virtual, "rw")]:
                check.fail(f"VM '{vm.name}' does not have the virtual CPU interface once as a whole", vm.span,
                           f"physical {span_text(*gic.virtual)} rw")


def _files(case: Case, controller: InterruptController, check: Check) -> None:
    """Each vCPU has an interrupt file of its own CPU for itself, if the board has such files: RISC-V Advanced Interrupt
    Architecture 1.0, section 3.6: the page of a hart's supervisor-level file, then those of its guests' files."""
    if controller.kind != "aplic-imsic":
        for cpu in case.facts.cpus:
            if cpu.guest_file:
                check.fail(f"{cpu.name} has an interrupt file at {cpu.guest_file:#x}", case.system.board_span,
                           "the board has none")
        return
    step = PAGE << controller.guest_index_bits
    starts = [base + i * step for base, size in controller.imsic for i in range(size // step)]
    for vm in case.vms:
        mapped = [(e.phys + at, e.access) for e in vm.of("file") for at in range(0, e.size, PAGE)]
        wanted = [(case.facts.cpus[i].guest_file, "rw") for i in vm.facts.cpus if i < len(case.facts.cpus)]
        if mapped != wanted:
            check.fail(f"VM '{vm.name}' does not have its interrupt files in the order of its vCPUs", vm.span,
                       notes=("in the tables: " + (", ".join(f"{a:#x} {rights}" for a, rights in mapped) or "none"),
                              "in the configuration: " + (", ".join(f"{a:#x}" for a, _ in wanted) or "none")))
    for cpu in case.facts.cpus:
        own = starts[cpu.hart_index] if cpu.hart_index < len(starts) else 0
        if not own < cpu.guest_file < own + step or cpu.guest_file % PAGE:
            check.fail(f"the interrupt file at {cpu.guest_file:#x} is not a guest's file of {cpu.name}",
                       case.system.board_span, f"those are {span_text(own + PAGE, own + step)}")
        check.evidence.append(f"interrupt file {cpu.guest_file:#x}: {cpu.name}")


def _back(case: Case, vm: VmCase, wanted: dict[str, dict[int, Grant]], check: Check) -> None:
    """The VM's virtual controller drives no physical source but its own."""
    owner = case.facts.irq_owner
    for guest, source in enumerate(vm.facts.irq_physical):
        if not source:
            continue
        if source < len(owner) and owner[source] == (vm.facts.index, guest):
            continue
        grant = wanted[vm.name].get(source)
        if grant is not None and grant.shared:
            continue
        if case.expected.gic is not None and source == guest == case.expected.gic.timer:
            continue                # each CPU has one for itself
        check.fail(f"interrupt {guest} of VM '{vm.name}' drives physical source {source}", vm.span,
                   _whose(case, source, [v for v in case.vms if source in wanted[v.name]]))
    if vm.facts.irq_physical[:1] not in ((0,), ()):
        check.fail(f"interrupt 0 of VM '{vm.name}' is mapped, which means none", vm.span)
    if vm.facts.uart_irq and not vm.facts.direct and vm.facts.irq_physical[vm.facts.uart_irq:vm.facts.uart_irq + 1] != (0,):
        check.fail(f"interrupt {vm.facts.uart_irq} of VM '{vm.name}', its console's, is not a virtual one", vm.span)


def _whose(case: Case, source: int, users: list[VmCase]) -> str:
    if users:
        return f"it belongs to VM '{users[0].name}'"
    path = case.board.controller.path if case.board.controller else None
    device = next((d for d in case.board.devices for i in d.interrupts if (i.controller, i.number) == (path, source)),
                  None)
    return f"it is that of {device.name}" if device else "the board's device tree does not tell of it"
