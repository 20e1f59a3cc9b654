# SPDX-License-Identifier: Apache-2.0
"""FILE.lock: which devices `devices: {rest: true}` stands for, so that a change of the device tree is seen."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .diagnostics import Diagnostic, UsageError, error
from .source import MAX_BYTES, Unreadable, read_file

if TYPE_CHECKING:
    from .board.model import Board
    from .system import System


def path_of(system: "System") -> str:
    return system.file + ".lock"


def devices_of_rest(system: "System", board: "Board") -> dict[str, list[str]]:
    """For each VM with `rest: true` the paths of the devices that it gets, in tree order."""
    from .plan.devices import given

    found = given(system, board)
    return {vm.name: [g.device.path for g in found[vm.name]] for vm in system.vms if vm.devices_rest}


def write(system: "System", board: "Board") -> None:
    """Raises UsageError when it cannot be written, or when there is nothing to lock."""
    rest = devices_of_rest(system, board)
    if not rest:
        raise UsageError(f"{system.file}: no VM has devices: {{rest: true}}, so there is nothing to lock")
    from .output import write_file

    write_file(path_of(system), (json.dumps(rest, indent=2) + "\n").encode())


def check(system: "System", board: "Board") -> list[Diagnostic]:
    """What differs from the lock file, as BH0124. Raises UsageError when the file cannot be read."""
    path, rest = path_of(system), devices_of_rest(system, board)
    if not rest:
        return []
    try:
        locked = json.loads(read_file(path, MAX_BYTES))
        assert isinstance(locked, dict) and all(isinstance(paths, list) for paths in locked.values())
    except Unreadable as reason:
        raise UsageError(f"cannot read {path}: {reason}; configtool plan --lock {system.file} writes it") from None
    except (ValueError, AssertionError, RecursionError):
        raise UsageError(f"{path} is no lock file; configtool plan --lock {system.file} writes it") from None
    found = []
    for vm in system.vms:
        if vm.devices_rest is None:
            continue
        now, then = rest[vm.name], [str(device) for device in locked.get(vm.name, [])]
        notes = [f"new: {device}" for device in now if device not in then]
        notes += [f"gone: {device}" for device in then if device not in now]
        if notes:
            found.append(error("BH0124", f"the rest of the devices, which VM '{vm.name}' gets, has changed",
                               vm.devices_rest.span,
                               notes=notes, help=[f"if that is right: configtool plan --lock {system.file}",
                                                  "if not, exclude the new ones by except:"]))
    return found
