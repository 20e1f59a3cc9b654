# SPDX-License-Identifier: Apache-2.0
"""configtool header: the C header of a VM, also before its guest is built."""
from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..diagnostics import UsageError
from .common import add_system, make_sink, parser, report

if TYPE_CHECKING:
    from ..plan.model import Plan, VmPlan


def main(arguments: list[str]) -> int:
    made = parser("header", "Write the C header of a VM: addresses and interrupts for a guest that reads no device "
                  "tree. Images need not be there yet, so that a guest can be compiled with it; VM_ENTRY and VM_DTB, "
                  "which follow from the image, are left out.")
    add_arguments(made)
    given = made.parse_args(arguments)
    code, found = plan_of(given)
    if found is None:
        return code

    from ..emit.guest_h import guest_h

    write(guest_h(*found, placed=False), given.out)
    return code


def add_arguments(made: argparse.ArgumentParser) -> None:
    add_system(made)
    made.add_argument("vm", metavar="VM", help="the VM's name")
    made.add_argument("-o", "--out", metavar="FILE", help="write there instead of to standard output")


def plan_of(given: argparse.Namespace) -> "tuple[int, tuple[Plan, VmPlan] | None]":
    """Exit code, and the plan and the VM that the command line names; images that are not there are made up. Raises
    UsageError."""
    from ..pipeline import analyse

    result = analyse(given.file, sink=make_sink(given), guests=given.guests, stand_in=True)
    names = [vm.name for vm in result.system.vms] if result.system is not None else []
    if names and given.vm not in names:
        from difflib import get_close_matches
        near = get_close_matches(given.vm, names, 1)
        raise UsageError(f"{given.file} has no VM '{given.vm}'; " + (f"did you mean '{near[0]}'?" if near else
                                                                     f"it has: {', '.join(names)}"))
    code = report(result.sink, given)
    if result.plan is None:
        return code, None
    return code, (result.plan, next(vm for vm in result.plan.vms if vm.name == given.vm))


def write(text: str, path: str | None) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    from ..output import write_file
    write_file(path, text.encode())
