# SPDX-License-Identifier: Apache-2.0
"""The image's own map of each VM, by which it words fault reports and lets vCPUs start."""
from __future__ import annotations

from .case import TRAPPED, Case, VmCase, size_text, span_text
from .checks_memory import Held
from .facts import Window
from .report import Check
from .walk import minus, union


def places(case: Case, held: dict[str, tuple[Held, ...]]) -> Check:
    """The list that fault reports and the start of vCPUs go by says the same as the tables."""
    check = Check("places", "the map for fault reports agrees with the tables", unit="place")
    for vm in case.vms:
        check.look(len(vm.facts.places))
        last = 0
        for place in vm.facts.places:
            where = f"IPA {span_text(place.ipa, place.end)} of VM '{vm.name}'"
            if place.size <= 0 or place.ipa < last:
                check.fail(f"the places of VM '{vm.name}' are not in order: '{place.name}' at {place.ipa:#x}", vm.span)
                break
            last = place.end
            if place.access == TRAPPED:
                if not any((w.ipa, w.end, _window_name(vm, w)) == (place.ipa, place.end, place.name)
                           for w in vm.facts.windows):
                    check.fail(f"{where} is not the virtual device '{place.name}'", vm.span)
                continue
            mapped = vm.facts.walk.within(place.ipa, place.size)
            if sum(e.size for e in mapped) != place.size or any(e.access != place.access for e in mapped):
                how = ", ".join(sorted({e.access for e in mapped})) or "nothing"
                check.fail(f"{where} is said to be '{place.name}', {place.access}", vm.span,
                           f"in the tables {size_text(sum(e.size for e in mapped))} of it are mapped: {how}")
            elif not _named(vm, place.ipa, place.end, place.name, held.get(vm.name, ())):
                check.fail(f"{where} is not '{place.name}'", vm.span)
        covered = union((p.ipa, p.end) for p in vm.facts.places)
        everything = union([(e.ipa, e.end) for e in vm.facts.walk.extents] + [(w.ipa, w.end) for w in vm.facts.windows])
        for start, end in minus(everything, covered):
            check.fail(f"IPA {span_text(start, end)} of VM '{vm.name}' has no place in the list", vm.span)
    return check


def _window_name(vm: VmCase, window: Window) -> str:
    if window.kind == "WINDOW_DOORBELL":
        return f"channels.{vm.ends[window.index].channel.name}" if window.index < len(vm.ends) else ""
    return {"WINDOW_IRQCHIP": "interrupt controller", "WINDOW_UART": "console"}.get(window.kind, "")


def _named(vm: VmCase, start: int, end: int, name: str, held: tuple[Held, ...]) -> bool:
    """Whether a mapped place goes by the right name."""
    if not held:
        return True             # checks_memory has said why
    kinds = {p.kind for p in vm.pieces if p.extent.ipa < end and start < p.extent.end}
    if kinds == {"memory"}:
        files = [f"image: {ref.file}" for ref in vm.vm.images]
        if vm.vm.linux and vm.vm.linux.initrd:
            files.append(f"initrd: {vm.vm.linux.initrd}")
        regions = [f"memory.{h.region.name}" for h in held if h.ipa <= start and end <= h.end]
        return name in files + regions + ["device tree"]
    if kinds == {"device"}:
        return name.startswith("devices: ") and set(name.removeprefix("devices: ").split(", ")) <= {
            grant.name for grant in vm.grants}
    if kinds == {"file"}:
        return name in ("interrupt files", "interrupt controller, CPU interface")
    return kinds == {"channel"} and any(name == f"channels.{c.end.channel.name}" and c.ipa <= start and end <= c.ipa
                                        + c.size
                                       for c in vm.claimed)
