# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's own address space."""
from __future__ import annotations

from ..source import Span
from .case import Case, plural, span_text
from .expect import whole_pages
from .facts import CpuFacts
from .report import Check
from .walk import PAGE, Extent, Ranges, common, length, minus, union


def own(case: Case, image: Span) -> Check:
    """W^X, virtual = physical, guard pages, no guest memory, no devices but its own."""
    check = Check("hypervisor", "the hypervisor maps only what is its own, none of it writable and executable",
                  unit="page")
    walk = case.facts.own
    check.look(walk.pages)
    parts = _parts(case)
    scattered = case.facts.scattered
    for e in walk.extents:
        if e.ipa != e.phys and (not scattered or not common([(e.phys, e.phys_end)], case.banks)):
            check.fail(f"the hypervisor maps {e.ipa:#x} to physical {e.phys:#x}", image,
                       notes=("it runs with virtual = physical",))
        if "w" in e.access and "x" in e.access:
            check.fail(f"the hypervisor can write and execute {span_text(e.phys, e.phys_end)}", image)
        rest: Ranges = [(e.ipa, e.end)]
        for (start, end), access, what in parts:
            inside = common(rest, [(start, end)])
            if inside and e.access != access:
                check.fail(f"the hypervisor maps its {what} {e.access} at {span_text(*inside[0])}", image,
                           f"expected {access}")
            rest = minus(rest, inside)
        for start, end in rest:
            check.fail(f"the hypervisor maps {span_text(start, end)} ({e.access}): "
                       f"{case.owner(start + e.phys - e.ipa)}", image)
    mapped = union((e.phys, e.phys_end) for e in walk.extents)
    seen = union((e.ipa, e.end) for e in walk.extents)
    if sum(e.size for e in walk.extents) != length(mapped):
        check.fail("the hypervisor maps some memory twice", image)
    for name in (".text", ".rodata", ".data"):
        lacks = minus([case.facts.sections[name]], seen)
        if lacks:
            check.fail(f"{name} is not mapped at {span_text(*lacks[0])}: the hypervisor would fault", image)
    for vm in case.vms:
        files = [_file(case.facts.cpus[i]) for i in vm.facts.cpus if i < len(case.facts.cpus)]
        for start, end in common(mapped, minus(vm.physical, files)):
            check.fail(f"the hypervisor maps {span_text(start, end)}, which VM '{vm.name}' reaches", vm.span)
    _stacks(case, image, check)
    _devices(case, mapped, image, check)
    for start, end, name in case.expected.reserved if scattered else ():
        for low, high in common(minus(common(mapped, case.banks), case.copies), [(start, end)]):
            check.fail(f"the hypervisor maps {span_text(low, high)}: {name}", image)
    total = length(common(mapped, case.own))
    check.evidence.append(f"{total >> 10} KiB of its own memory mapped; {plural(len(case.facts.cpus), 'stack')}, each "
                          "above an unmapped page")
    return check


def _parts(case: Case) -> list[tuple[tuple[int, int], str, str]]:
    """(range, access that it has to have, what it is) of all that the hypervisor may map; but for its own memory and
    copies, virtual is physical."""
    sections = case.facts.sections
    parts = [((sections[".text"][0], sections[".rodata"][0]), "rx", "code"),
             ((sections[".rodata"][0], sections[".data"][0]), "r", "constants"),
             ((sections[".data"][0], sections[".tables"][0]), "rw", "data")]     # virtual, as all of these
    controller, device, gic = case.board.controller, case.expected.console, case.expected.gic
    if gic is not None:
        parts += [(where, "rw", f"interrupt controller, {name}") for where, name in gic.own]
    elif controller is not None:
        parts += [(whole_pages(base, size), "rw", "interrupt controller") for base, size in controller.registers]
    parts += [(whole_pages(cpu.release, 8), "rw", "spin table") for cpu in case.facts.cpus if cpu.release]
    if case.facts.events:
        size = -(-case.system.events // PAGE) * PAGE
        parts.append(((case.facts.events, case.facts.events + size), "rw", "events"))
    parts += [(_file(cpu), "rw", "interrupt files") for cpu in case.facts.cpus if cpu.guest_file]
    if device is not None and case.facts.console is not None:
        parts += [(whole_pages(base, size), "rw", "console") for base, size in device.registers]
    copies = union((r.source, r.source + r.size) for vm in case.facts.vms for r in vm.restores if r.source)
    return parts + [(copy, "r", "pristine copies") for copy in copies]


def _file(cpu: CpuFacts) -> tuple[int, int]:
    """The interrupt file of a vCPU: its VM and the hypervisor both write to it, to send it an interrupt."""
    return cpu.guest_file, cpu.guest_file + PAGE


def _devices(case: Case, mapped: Ranges, image: Span, check: Check) -> None:
    """What it will touch is there."""
    wanted = [("the interrupt controller", case.facts.irqchip)]
    if case.facts.console is not None:
        wanted.append(("the console", case.facts.console.base))
    wanted += [(f"the interrupt file of {cpu.name}", cpu.guest_file) for cpu in case.facts.cpus if cpu.guest_file]
    wanted += [(f"the redistributor of {cpu.name}", cpu.gicr) for cpu in case.facts.cpus if cpu.gicr]
    wanted += [(f"the release word of {cpu.name}", cpu.release) for cpu in case.facts.cpus if cpu.release]
    wanted += [(what, at) for what, at in (("GICC", case.facts.gicc), ("GICH", case.facts.gich)) if at]
    for what, address in wanted:
        if not common(mapped, [(address, address + 1)]):
            check.fail(f"the hypervisor does not map {what} at {address:#x}", image)
    if case.expected.gic is None and case.board.controller is not None:     # each CPU has registers of its own in it
        whole = union(whole_pages(base, size) for base, size in case.board.controller.registers)
        for start, end in minus(whole, mapped):
            check.fail(f"the hypervisor does not map {span_text(start, end)} of the interrupt controller", image)


def _stacks(case: Case, image: Span, check: Check) -> None:
    """Each CPU has a stack of its own; an overflow meets an unmapped page, never another's data."""
    low, high = case.facts.sections[".data"][0], case.facts.sections[".tables"][0]
    writable: list[Extent] = []
    for e in case.facts.own.extents:
        if writable and low <= e.ipa < high and writable[-1].end == e.ipa and writable[-1].access == e.access:
            writable[-1] = Extent(writable[-1].ipa, writable[-1].phys, writable[-1].size + e.size, e.access)
        elif low <= e.ipa < high:
            writable.append(e)
    users: dict[int, str] = {}
    for cpu in case.facts.cpus:
        extent = next((e for e in writable if e.ipa < cpu.stack <= e.end), None)
        if extent is None or extent.end != cpu.stack:
            check.fail(f"the stack of {cpu.name} does not end at {cpu.stack:#x}, where it should", image,
                       _where(extent) if extent else "nothing that can be written is mapped there")
            continue
        if extent.ipa < case.facts.sections[".data"][1]:
            check.fail(f"no unmapped page lies below the stack of {cpu.name}", image, _where(extent),
                       notes=("an overflow would run into the hypervisor's data",))
        if extent.ipa in users:
            check.fail(f"{users[extent.ipa]} and {cpu.name} have one stack, at {extent.ipa:#x}", image)
        users[extent.ipa] = cpu.name
    data = case.facts.sections[".data"]
    for e in writable:
        if e.ipa not in users and not common([(e.ipa, e.end)], [data]):
            check.fail(f"the hypervisor maps {span_text(e.ipa, e.end)}, neither data nor a stack", image)


def _where(extent: Extent) -> str:
    return f"mapped {extent.access}: {span_text(extent.ipa, extent.end)}"
