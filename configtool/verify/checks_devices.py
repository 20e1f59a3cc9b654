# SPDX-License-Identifier: Apache-2.0
"""Devices and their interrupts: each with its owner alone."""
from __future__ import annotations

from ..board.model import Device
from ..diagnostics import Label
from .case import Case, VmCase, span_text
from .expect import Grant, physical_interrupts, whole_pages
from .facts import HYPERVISOR, NOBODY
from .report import Check
from .walk import PAGE

_KEPT = {"interrupt-controller": "the interrupt controller", "iommu": "an IOMMU", "clint": "the timer of all harts"}


def devices(case: Case) -> Check:
    """Each VM has the pages of its devices, and nobody else has them unless they are shared on purpose."""
    check = Check("devices", "each device is mapped to its owner alone", unit="device page")
    users: dict[int, list[tuple[VmCase, Grant]]] = {}
    for vm in case.vms:
        for grant in vm.grants:
            for start, end in [whole_pages(base, size) for base, size in grant.device.registers if size]:
                ipa = start + grant.shift
                got = vm.facts.walk.within(ipa, end - start)
                if sum(e.size for e in got) != end - start or any(
                        e.ipa - e.phys != grant.shift or e.access != "rw" for e in got):
                    how = ", ".join(f"IPA {e.ipa:#x} to physical {e.phys:#x} {e.access}" for e in got) or "nothing"
                    check.fail(f"device '{grant.name}' of VM '{vm.name}' is not mapped as it should", grant.span,
                               f"IPA {ipa:#x} to physical {span_text(start, end)} rw", notes=(f"in the tables: {how}",))
                for page in range(start, end, PAGE):
                    users.setdefault(page, []).append((vm, grant))
            check.evidence.append(f"{vm.name}: {grant.name}" + (", shared" if grant.shared else ""))
    check.look(len(users))
    _one_user(users, check)
    _neighbours(case, users, check)
    return check


def _one_user(users: dict[int, list[tuple[VmCase, Grant]]], check: Check) -> None:
    for page, who in users.items():
        others = [(vm, grant) for vm, grant in who if vm is not who[0][0]]
        if others and not all(grant.shared for _, grant in who):
            vm, grant = others[0]
            check.fail(f"VMs '{who[0][0].name}' and '{vm.name}' both reach the device page at {page:#x}", grant.span,
                       f"'{grant.name}'", related=(Label(who[0][1].span, f"'{who[0][1].name}'"),))


def _neighbours(case: Case, users: dict[int, list[tuple[VmCase, Grant]]], check: Check) -> None:
    """Devices that are not given but lie in a page that is."""
    for device in case.board.devices:
        for base, size in device.registers:
            start, end = whole_pages(base, size)
            page = next((page for page in users if start <= page < end
                         and all(grant.device is not device for _, grant in users[page])), None)
            if page is None or not size:
                continue
            vm, grant = users[page][0]
            what = _forbidden(case, device)
            if what:
                check.fail(f"VM '{vm.name}' reaches {what}, {device.name}", grant.span,
                           f"it shares the page at {page:#x} with '{grant.name}'")
            elif device.kind not in ("bus", "power"):
                check.evidence.append(f"{vm.name} reaches {device.name}, too: it shares a page with {grant.name}")


def _forbidden(case: Case, device: Device) -> str:
    if device is case.expected.console:
        return "the hypervisor's console"
    owner = next((vm.name for vm in case.vms for g in vm.grants if g.device is device), None)
    return f"a device of VM '{owner}'" if owner else _KEPT.get(device.kind, "")


def dma(case: Case) -> Check:
    """No device masters memory past the tables unless the YAML trusts it."""
    check = Check("dma", "no device masters memory unless its DMA is trusted by name", unit="device")
    for vm in case.vms:
        for grant in vm.grants:
            check.look()
            if grant.trusted is not None:
                check.evidence.append(f"{vm.name}: {grant.name} is trusted with all memory: {grant.trusted}")
            elif grant.device.dma_master and not grant.device.iommus:
                check.fail(f"device '{grant.name}' of VM '{vm.name}' reaches all memory by DMA", grant.span,
                           notes=("no IOMMU guards it, and the description does not trust it (`dma: trusted`)",))
    return check


def interrupts(case: Case) -> Check:
    """Each physical interrupt has one owner: the VM that has its device, or the hypervisor."""
    check = Check("interrupts", "each physical interrupt goes to the owner of its device alone", unit="source")
    facts, board = case.facts, case.board
    controller = board.controller
    if controller is None or not controller.registers or facts.irqchip != controller.registers[0][0]:
        check.fail(f"the hypervisor's interrupt controller is at {facts.irqchip:#x}", case.system.board_span,
                   f"the board's is at {controller.registers[0][0]:#x}" if controller and controller.registers else
                   "the board has none")
        return check
    if len(facts.irq_owner) != controller.sources + 1:
        check.fail(f"the table of interrupt owners has {len(facts.irq_owner) - 1} sources", case.system.board_span,
                   f"the board's controller has {controller.sources}")
    check.look(len(facts.irq_owner) - 1)
    wanted = {vm.name: physical_interrupts(vm.grants, board) for vm in case.vms}
    console = case.expected.console
    own = {i.number for i in console.interrupts if i.controller == controller.path} if console else set()
    by_index = {vm.facts.index: vm for vm in case.vms}
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
            if vm not in users:
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
    _files(case, check)
    return check


def _files(case: Case, check: Check) -> None:
    """Each vCPU has an interrupt file of its own CPU for itself, if the board has such files: RISC-V Advanced Interrupt
    Architecture 1.0, section 3.6: the page of a hart's supervisor-level file, then those of its guests' files."""
    controller = case.board.controller
    if controller is None or controller.kind != "aplic-imsic":
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
        check.fail(f"interrupt {guest} of VM '{vm.name}' drives physical source {source}", vm.span,
                   _whose(case, source, [v for v in case.vms if source in wanted[v.name]]))
    if vm.facts.irq_physical[:1] not in ((0,), ()):
        check.fail(f"interrupt 0 of VM '{vm.name}' is mapped, which means none", vm.span)
    if vm.facts.uart_irq and vm.facts.irq_physical[vm.facts.uart_irq:vm.facts.uart_irq + 1] != (0,):
        check.fail(f"interrupt {vm.facts.uart_irq} of VM '{vm.name}', its console's, is not a virtual one", vm.span)


def _whose(case: Case, source: int, users: list[VmCase]) -> str:
    if users:
        return f"it belongs to VM '{users[0].name}'"
    path = case.board.controller.path if case.board.controller else None
    device = next((d for d in case.board.devices for i in d.interrupts if (i.controller, i.number) == (path, source)),
                  None)
    return f"it is that of {device.name}" if device else "the board's device tree does not tell of it"
