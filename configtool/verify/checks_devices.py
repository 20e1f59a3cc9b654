# SPDX-License-Identifier: Apache-2.0
"""Devices: each with its owner alone."""
from __future__ import annotations

from ..board.model import Device
from ..diagnostics import Label
from .case import Case, VmCase, span_text
from .expect import Grant, whole_pages
from .report import Check
from .walk import PAGE

_KEPT = {"interrupt-controller": "the interrupt controller", "iommu": "an IOMMU", "clint": "the timer of all harts"}


def devices(case: Case) -> Check:
    """Each VM has the pages of its devices, and nobody else has them unless they are shared on purpose."""
    check = Check("devices", "each device is mapped to its owner alone", unit="device page")
    users: dict[int, list[tuple[VmCase, Grant]]] = {}
    for vm in case.vms:
        for grant in vm.grants:
            for start, end in [whole_pages(base, size) for base, size in grant.device.registers + grant.device.windows if size]:
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
        for base, size in device.registers + device.windows:
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
