# SPDX-License-Identifier: Apache-2.0
"""Devices: each with its owner alone."""
from __future__ import annotations

from dataclasses import dataclass

from ..board.model import Device
from ..diagnostics import Label
from .case import Case, VmCase, span_text
from .expect import Grant, whole_pages
from .report import Check
from .walk import PAGE, length, union

_KEPT = {"interrupt-controller": "the interrupt controller", "iommu": "an IOMMU", "clint": "the timer of all harts"}


@dataclass(frozen=True)
class _Use:
    """Whole pages of a device, in the VM that has it."""
    start: int
    end: int
    vm: VmCase
    grant: Grant


def devices(case: Case) -> Check:
    """Each VM has the pages of its devices, and nobody else has them unless they are shared on purpose."""
    check = Check("devices", "each device is mapped to its owner alone", unit="device page")
    uses: list[_Use] = []
    for vm in case.vms:
        for grant in vm.grants:
            for start, end in _pages(grant.device):
                ipa = start + grant.shift
                got = vm.facts.walk.within(ipa, end - start)
                if sum(e.size for e in got) != end - start or any(
                        e.ipa - e.phys != grant.shift or e.access != "rw" for e in got):
                    how = ", ".join(f"IPA {e.ipa:#x} to physical {e.phys:#x} {e.access}" for e in got) or "nothing"
                    check.fail(f"device '{grant.name}' of VM '{vm.name}' is not mapped as it should", grant.span,
                               f"IPA {ipa:#x} to physical {span_text(start, end)} rw", notes=(f"in the tables: {how}",))
                uses.append(_Use(start, end, vm, grant))
            check.evidence.append(f"{vm.name}: {grant.name}" + (", shared" if grant.shared else ""))
    check.look(length(union((use.start, use.end) for use in uses)) // PAGE)
    _one_user(uses, check)
    _neighbours(case, uses, check)
    return check


def _pages(device: Device) -> list[tuple[int, int]]:
    """Of its registers, and of the windows behind which a bus lies."""
    return [whole_pages(base, size) for base, size in device.registers + device.windows if size]


def _one_user(uses: list[_Use], check: Check) -> None:
    uses = sorted(uses, key=lambda use: (use.start, use.end, use.vm.facts.index))
    for i, use in enumerate(uses):
        for other in uses[i + 1:]:
            if other.start >= use.end:
                break
            if other.vm is not use.vm and not (use.grant.shared and other.grant.shared):
                check.fail(f"VMs '{use.vm.name}' and '{other.vm.name}' both reach the device page at {other.start:#x}",
                           other.grant.span, f"'{other.grant.name}'",
                           related=(Label(use.grant.span, f"'{use.grant.name}'"),))


def _neighbours(case: Case, uses: list[_Use], check: Check) -> None:
    """Devices that are not given but lie in a page that is."""
    for device in case.board.devices:
        if any(use.grant.device is device for use in uses):
            continue
        use = next((use for start, end in _pages(device) for use in uses if use.start < end and start < use.end), None)
        if use is None:
            continue
        what = _forbidden(case, device)
        if what:
            check.fail(f"VM '{use.vm.name}' reaches {what}, {device.name}", use.grant.span,
                       f"it shares a page at {use.start:#x} with '{use.grant.name}'")
        elif device.kind not in ("bus", "power"):
            check.evidence.append(f"{use.vm.name} reaches {device.name}, too: it shares a page with {use.grant.name}")


def _forbidden(case: Case, device: Device) -> str:
    if device is case.expected.console:
        return "the hypervisor's console"
    return _KEPT.get(device.kind, "")


def dma(case: Case) -> Check:
    """No device masters memory past the tables unless the YAML trusts it."""
    check = Check("dma", "no device masters memory unless its DMA is trusted by name", unit="device")
    for vm in case.vms:
        for grant in vm.grants:
            check.look()
            if grant.trusted is not None:
                check.evidence.append(f"{vm.name}: {grant.name} is trusted with all memory: {grant.trusted}")
            elif grant.device.dma_master:       # the hypervisor programs no IOMMU
                check.fail(f"device '{grant.name}' of VM '{vm.name}' reaches all memory by DMA", grant.span,
                           notes=("nothing keeps it off, and the description does not trust it (`dma: trusted`)",))
    return check
